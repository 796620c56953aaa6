/** The tally and the rules of the log, against the vectors and against a slow second reading of the rules. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayFromNumber } from '../../src/clock.ts';
import { type Entry, encodeEntry, parseEntry } from '../../src/log/entry.ts';
import type { Figures } from '../../src/log/figures.ts';
import { Fold } from '../../src/log/fold.ts';
import { type NymMemory, type NymState, NymTable } from '../../src/log/nym-table.ts';
import { bytesOf, sha256 } from '../tlog/crypto.ts';
import vectors from '../vectors/logs.json' with { type: 'json' };
import { naiveBreach, naiveRule, naiveTally } from './naive-fold.ts';

const plain = (figures: Figures) => ({
  total: figures.total,
  by_day: Object.fromEntries(figures.byDay),
  by_department: Object.fromEntries(figures.byDepartment),
  withdrawn: figures.withdrawn,
  invalidated: Object.fromEntries(figures.invalidated),
});
const tallies = (fold: Fold) => Object.fromEntries([...fold.petitions].map(([id, figures]) => [id, plain(figures)]));

/** The first breach, entry by entry. */
function breachOf(fold: Fold, entries: readonly Entry[]) {
  for (const entry of entries) {
    const breach = fold.add(entry);
    if (breach !== undefined) return { index: breach.index, rule: breach.rule };
  }
  return null;
}

/** The simplest memory there is. */
function mapMemory(): NymMemory {
  const states = new Map<string, NymState>();
  return {
    get: (petition, nym) => states.get(petition + nym),
    set: (petition, nym, state) => states.set(petition + nym, state),
  };
}

describe('a log that keeps the rules', () => {
  test.each(vectors.logs.filter(({ breach }) => breach === null))('$about', ({ entries, tally }) => {
    const fold = new Fold();
    for (const entry of entries) expect(fold.addBytes(bytesOf(entry))).toBeUndefined();
    expect(tallies(fold)).toEqual(tally);
    expect(fold.size).toBe(entries.length);
  });
});

describe('a log that breaks one', () => {
  test.each(vectors.logs.filter(({ breach }) => breach !== null))('$about', ({ entries, breach }) => {
    const fold = new Fold();
    const breaches = entries.map((entry) => fold.addBytes(bytesOf(entry)));
    const first = breaches.find((one) => one !== undefined);
    expect({ index: first?.index, rule: first?.rule }).toEqual(breach);
    expect(breaches.findIndex((one) => one !== undefined)).toBe(breach?.index);
    expect(fold.size).toBe(breach?.index);
  });

  test('has a vector for each rule', () => {
    const met = new Set(vectors.logs.map(({ breach }) => breach?.rule));
    expect(Object.keys(vectors.rules).filter((rule) => !met.has(rule))).toEqual([]);
  });

  test('stays broken, and nothing behind the breach counts', () => {
    const { entries } = vectors.logs.find(({ about }) => about === 'signed twice')!;
    const fold = new Fold();
    for (const entry of entries) fold.addBytes(bytesOf(entry));
    const before = tallies(fold);
    const again = fold.add(parseEntry(bytesOf(vectors.logs[3]!.entries[2]!)));
    expect(again).toMatchObject({ index: 2, rule: 'signed-twice' });
    expect(fold.addBytes(bytesOf('no entry'))).toEqual(again);
    expect(tallies(fold)).toEqual(before);
    expect(() => fold.snapshot()).toThrow(RangeError);
  });
});

/** Random logs over few things, so that every rule is met often; mostly well-formed, or nothing deep would be reached. */
const PETITIONS = ['01m7k8m0n1ew6076n6rar3zv8a', '7zzzzzzzzzzzzzzzzzzzzzzzzz'] as const;
const NYMS = Array.from({ length: 4 }, (_, i) => Buffer.from(sha256(bytesOf(`${i}`))).toString('base64url'));
const CASES = ['a'.repeat(64), 'b'.repeat(64)];
const step = fc.record({
  kind: fc.constantFrom<Entry['kind'][]>(
    ...([
      'petition-opened',
      'petition-closed',
      'petition-closed',
      'pseudonyms-destroyed',
      'identity-keys',
      'case-opened',
      'case-ended',
    ] as const),
    ...Array.from({ length: 12 }, () => 'signed' as const),
    ...Array.from({ length: 4 }, () => 'withdrawn' as const),
    ...Array.from({ length: 4 }, () => 'invalidated' as const),
  ),
  petition: fc.constantFrom(...PETITIONS),
  nym: fc.constantFrom(...NYMS),
  case: fc.constantFrom(...CASES),
  department: fc.constantFrom('75', '2A', null),
  ground: fc.constantFrom('fraud', 'court', 'error'),
  days: fc.constantFrom(...Array.from({ length: 16 }, () => 0), 1, 2, -1),
  count: fc.constantFrom(0, 0, 0, 1, -1),
});
const walks = fc.record({
  steps: fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }),
  closes: fc.constantFrom(null, 20_001),
  /** How many of the steps leave out what the rules refuse, so that the log goes deep; the others may break it. */
  careful: fc.integer({ min: 3, max: 60 }),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Walk = typeof walks extends fc.Arbitrary<infer T> ? T : never;

/** What every kind could need; encoding keeps the fields of its own kind. */
function entryOf(one: Step, day: string, closes: string | null, total: number): Entry {
  const digest = CASES[0];
  const opened = {
    statement: digest,
    nym_key: NYMS[0],
    client_id: 'c',
    acr: '',
    min_age: 0,
    closes,
    departments: true,
  };
  const rest = { issuer: 'https://i.example', jwks: digest, board: null, evidence: null };
  const about = { purpose: 'court-order', records: 1, opened: 1, report: null, count: Math.max(0, total + one.count) };
  return parseEntry(encodeEntry({ ...one, ...opened, ...rest, ...about, day } as unknown as Entry));
}

function walk({ steps, closes, careful }: Walk): Entry[] {
  const entries: Entry[] = [];
  const end = closes === null ? null : dayFromNumber(closes);
  let today = 20_000;
  for (const [i, one] of steps.entries()) {
    const { total } = naiveTally(entries, one.petition);
    const entry = entryOf(one, dayFromNumber(today + one.days), end, total);
    if (i < careful && naiveRule(entry, entries) !== undefined) continue;
    entries.push(entry);
    today = Math.max(today, today + one.days);
  }
  return entries;
}

describe('any log', () => {
  test('is judged and counted as by the slow reading of the rules, whatever keeps the nyms', () => {
    fc.assert(
      fc.property(walks, (random) => {
        const entries = walk(random);
        const breach = naiveBreach(entries);
        for (const fold of [new Fold(), new Fold(new NymTable(12345)), new Fold(mapMemory())]) {
          expect(breachOf(fold, entries)).toEqual(breach);
          const held = entries.slice(0, breach?.index ?? entries.length);
          for (const [id, figures] of fold.petitions) expect(plain(figures)).toEqual(naiveTally(held, id));
        }
      }),
      { numRuns: 600 },
    );
  });

  test('drawn here reaches every rule but that of bytes', () => {
    const drawn = fc.sample(walks, { seed: 20_261_121, numRuns: 1500 });
    const met = new Set(drawn.map((random) => naiveBreach(walk(random))?.rule));
    expect(Object.keys(vectors.rules).filter((rule) => !met.has(rule))).toEqual(['entry-malformed']);
    expect(met).toContain(undefined);
  });

  test('has as many distinct nyms as its total, its withdrawn and its invalidated together', () => {
    fc.assert(
      fc.property(walks, (random) => {
        const entries = walk({ ...random, careful: 60 });
        const fold = new Fold();
        expect(breachOf(fold, entries)).toBeNull();
        for (const [id, { total, withdrawn, invalidated, byDay }] of fold.petitions) {
          const signed = entries.flatMap((one) => (one.kind === 'signed' && one.petition === id ? [one.nym] : []));
          const struck = [...invalidated.values()].reduce((sum, count) => sum + count, 0);
          expect(total + withdrawn + struck).toBe(new Set(signed).size);
          expect([...byDay.keys()]).toEqual([...byDay.keys()].sort());
        }
      }),
      { numRuns: 200 },
    );
  });

  test('is counted the same when the count was put down and taken up again', () => {
    fc.assert(
      fc.property(walks, fc.nat(), (random, at) => {
        const entries = walk(random);
        const whole = new Fold();
        const breach = breachOf(whole, entries);
        const nyms = new NymTable();
        const first = new Fold(nyms);
        const pause = at % ((breach?.index ?? entries.length) + 1);
        expect(breachOf(first, entries.slice(0, pause))).toBeNull();
        const second = new Fold(nyms, JSON.parse(JSON.stringify(first.snapshot())));
        expect(breachOf(second, entries.slice(pause))).toEqual(breach);
        expect(tallies(second)).toEqual(tallies(whole));
        expect([...second.cases]).toEqual([...whole.cases]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a case', () => {
  test('that waits is reported with the day of its opening', () => {
    const fold = new Fold();
    const { entries } = vectors.logs.find(({ about }) => about.startsWith('a case that waits'))!;
    for (const entry of entries) fold.addBytes(bytesOf(entry));
    const open = [...fold.cases.values()].filter(({ ended }) => ended === null);
    expect(open.map(({ opened }) => opened.day)).toEqual(['2027-02-02']);
  });
});
