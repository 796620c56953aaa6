/** The tally and the rules of the log, against the vectors and against a slow second reading of the rules. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Entry, parseEntry } from '../../src/log/entry.ts';
import type { Figures } from '../../src/log/figures.ts';
import { Fold } from '../../src/log/fold.ts';
import { type NymMemory, type NymState, NymTable } from '../../src/log/nym-table.ts';
import { bytesOf } from '../tlog/crypto.ts';
import vectors from '../vectors/logs.json' with { type: 'json' };
import { naiveBreach, naiveTally } from './naive-fold.ts';
import { walk, walks } from './random-log.ts';

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
