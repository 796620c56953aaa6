/**
 * Random logs over few things, so that every rule is met often; well-formed up to a point, or nothing deep would be
 * reached.
 */
import fc from 'fast-check';
import { dayFromNumber } from '../../src/clock.ts';
import { type Entry, encodeEntry, parseEntry } from '../../src/log/entry.ts';
import { bytesOf, sha256 } from '../tlog/crypto.ts';
import { naiveRule, naiveTally } from './naive-fold.ts';

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
export const walks = fc.record({
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

export function walk({ steps, closes, careful }: Walk): Entry[] {
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
