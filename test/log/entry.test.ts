/** The bytes of entries: one spelling each. */
import list from '@etalab/decoupage-administratif/data/departements.json' with { type: 'json' };
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayFromNumber } from '../../src/clock.ts';
import { type Entry, encodeEntry, parseEntry, readByGrammar } from '../../src/log/entry.ts';
import { placeSigned } from '../../src/log/signed.ts';
import { Malformed } from '../../src/tlog/errors.ts';
import { bytesOf, flipped, fromHex, hashing, hex } from '../tlog/crypto.ts';
import vectors from '../vectors/entries.json' with { type: 'json' };

const textOf = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

function refusal(bytes: Uint8Array): string | undefined {
  try {
    parseEntry(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof Malformed) return error.code;
    throw error;
  }
}

const base64url = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));
const hex32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hex);
const day = fc.integer({ min: 0, max: 60_000 }).map(dayFromNumber);
const id = fc.stringMatching(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/);
const number = fc.maxSafeNat();
const string = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/\p{Cc}/gu, '').toWellFormed());
const issuer = fc.webUrl({ validSchemes: ['http', 'https'] });
const department = fc.constantFrom('01', '2A', '2B', '75', '974', '988', '99');
const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });
const kind = <K extends Entry['kind']>(name: K) => fc.constant(name);

const entries = fc.oneof(
  fc.record({
    kind: kind('petition-opened'),
    petition: id,
    statement: hex32,
    nym_key: base64url,
    issuer,
    client_id: string.filter((text) => text !== ''),
    acr: string,
    min_age: number,
    closes: orNull(day),
    departments: fc.boolean(),
    board: orNull(hex32),
    day,
  }),
  fc.record({
    kind: kind('signed'),
    petition: id,
    nym: base64url,
    department: orNull(department),
    evidence: orNull(base64url),
    day,
  }),
  fc.record({ kind: kind('withdrawn'), petition: id, nym: base64url, evidence: orNull(base64url), day }),
  fc.record({
    kind: kind('invalidated'),
    petition: id,
    nym: base64url,
    ground: fc.constantFrom('fraud', 'court', 'error'),
    day,
  }),
  fc.record({ kind: kind('petition-closed'), petition: id, count: number, day }),
  fc.record({ kind: kind('pseudonyms-destroyed'), petition: id, day }),
  fc.record({ kind: kind('identity-keys'), issuer, jwks: hex32, day }),
  fc.record({
    kind: kind('case-opened'),
    case: hex32,
    purpose: fc.constantFrom('court-order', 'audit-sample'),
    records: number,
    day,
  }),
  fc.record({ kind: kind('case-ended'), case: hex32, opened: number, report: orNull(hex32), day }),
) as fc.Arbitrary<Entry>;

describe('an entry', () => {
  test.each(vectors.valid)('$about', ({ entry, bytes, leaf }) => {
    expect(parseEntry(bytesOf(bytes))).toEqual(entry);
    expect(textOf(encodeEntry(entry as Entry))).toBe(bytes);
    expect(hex(hashing.leaf(bytesOf(bytes)))).toBe(leaf);
  });

  test('has a vector for each kind, and each kind its fields in the order of the contract', () => {
    const kinds = Object.keys(vectors.kinds);
    expect(kinds).toHaveLength(9);
    expect(new Set(vectors.valid.map(({ entry }) => entry.kind))).toEqual(new Set(kinds));
    for (const { entry } of vectors.valid) {
      const fields = vectors.kinds[entry.kind as keyof typeof vectors.kinds];
      expect(Object.keys(parseEntry(bytesOf(JSON.stringify(entry))))).toEqual(['kind', ...Object.keys(fields)]);
    }
  });

  test('of any values comes back as it was, and is what JSON.stringify writes', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const bytes = encodeEntry(entry);
        expect(textOf(bytes)).toBe(JSON.stringify(entry));
        expect(parseEntry(bytes)).toEqual(entry);
      }),
      { numRuns: 500 },
    );
  });

  test('is written in its order, whatever order the object has, and nothing is written beside it', () => {
    const { entry, bytes } = vectors.valid[1]!;
    const shuffled = Object.fromEntries([...Object.entries(entry).reverse(), ['name', 'Louise'], ['toString', 'x']]);
    expect(textOf(encodeEntry(shuffled as Entry))).toBe(bytes);
  });

  test('that anyone reads is written with the same bytes again', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.integer({ min: 0, max: 255 }), (entry, at, byte) => {
        const bytes = encodeEntry(entry);
        const changed = bytes.with(at % bytes.length, byte);
        if (refusal(changed) === undefined) expect(textOf(encodeEntry(parseEntry(changed)))).toBe(textOf(changed));
      }),
      { numRuns: 2000 },
    );
  });

  test('with any one bit turned is refused, or is another entry: never the same one spelled otherwise', () => {
    for (const { bytes } of vectors.valid.slice(0, 10)) {
      const whole = bytesOf(bytes);
      const before = JSON.stringify(parseEntry(whole));
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const changed = flipped(whole, bit);
        if (refusal(changed) === undefined) expect(JSON.stringify(parseEntry(changed))).not.toBe(before);
      }
    }
  });

  test('takes every département of France as INSEE numbers them, and abroad', () => {
    const { entry } = vectors.valid[1]!;
    for (const code of [...list.map((one) => one.code), '99']) {
      expect(textOf(encodeEntry({ ...entry, department: code } as Entry))).toContain(`"department":"${code}"`);
    }
  });
});

describe('the shorter way to read a signed entry', () => {
  const signed = entries.filter((entry) => entry.kind === 'signed').map(encodeEntry);
  /** What the grammar makes of the bytes, if that is a `signed`. */
  const bySlowPath = (bytes: Uint8Array): Entry | undefined => {
    try {
      const entry = readByGrammar(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
      return entry.kind === 'signed' ? entry : undefined;
    } catch {
      return undefined;
    }
  };
  const agree = (bytes: Uint8Array) => {
    const slow = bySlowPath(bytes);
    const places = placeSigned(bytes, 0, bytes.length);
    expect(places !== undefined).toBe(slow !== undefined);
    if (slow !== undefined) expect(parseEntry(bytes)).toEqual(slow);
    // The same among other bytes, as in a bundle.
    const within = new Uint8Array([1, 2, ...bytes, 0x7d]);
    expect(placeSigned(within, 2, within.length - 1) !== undefined).toBe(slow !== undefined);
    return slow !== undefined;
  };

  test('takes what the grammar takes, with the same values', () => {
    fc.assert(fc.property(signed, agree), { numRuns: 1000 });
    for (const { entry, bytes } of vectors.valid) expect(agree(bytesOf(bytes))).toBe(entry.kind === 'signed');
    for (const vector of vectors.invalid) {
      expect(agree('hex' in vector ? fromHex(vector.hex ?? '') : bytesOf(vector.bytes ?? ''))).toBe(false);
    }
  });

  test('takes nothing else: a changed, missing or added byte anywhere', () => {
    const edits = fc.tuple(fc.constantFrom('change', 'cut', 'add'), fc.nat(), fc.integer({ min: 0, max: 255 }));
    const wordings = fc.constantFrom(
      '"75"',
      '"2A"',
      '"20"',
      '"976"',
      '"980"',
      '"9"',
      '"1234"',
      'null',
      'nul',
      '""',
      '"\u000075"',
      '75',
    );
    const day = fc.constantFrom('2026-02-29', '2024-02-29', '2026-13-01', '0000-01-01', '2026-1-010', '-026-01-01');
    let taken = 0;
    fc.assert(
      fc.property(signed, edits, wordings, day, (bytes, [edit, place, byte], wording, date) => {
        const at = place % bytes.length;
        const rest = bytes.subarray(edit === 'add' ? at : at + 1);
        const edited = new Uint8Array([...bytes.subarray(0, at), ...(edit === 'cut' ? [] : [byte]), ...rest]);
        const text = textOf(bytes);
        const reworded = [
          text.replace(/"department":[^,]*/, `"department":${wording}`),
          text.replace(/"evidence":[^,]*/, `"evidence":${wording}`),
          text.replace(/"day":"[^"]*/, `"day":"${date}`),
        ];
        for (const one of [edited, ...reworded.map(bytesOf)]) if (agree(one)) taken++;
      }),
      { numRuns: 2000 },
    );
    expect(taken).toBeGreaterThan(1000);
  });

  test('takes every byte that can stand at each place, and no other', () => {
    for (const { entry, bytes } of vectors.valid) {
      if (entry.kind !== 'signed') continue;
      const whole = bytesOf(bytes);
      for (let at = 0; at < whole.length; at++)
        for (let byte = 0; byte < 256; byte += 1) {
          const changed = whole.with(at, byte);
          expect(placeSigned(changed, 0, changed.length) !== undefined).toBe(bySlowPath(changed) !== undefined);
        }
      break;
    }
  });
});

describe('what is no entry', () => {
  test.each(vectors.invalid)('$about', (vector) => {
    expect(refusal('hex' in vector ? fromHex(vector.hex ?? '') : bytesOf(vector.bytes ?? ''))).toBe(vector.code);
  });

  test('is longer than a bundle can hold', () => {
    const { entry } = vectors.valid[0]!;
    const short = JSON.stringify({ ...entry, acr: '' }).length;
    const longest = { ...entry, acr: 'a'.repeat(65_535 - short) } as Entry;
    expect(encodeEntry(longest)).toHaveLength(65_535);
    expect(() => encodeEntry({ ...longest, acr: 'a'.repeat(65_536 - short) } as Entry)).toThrow('entry-length');
    // Counted in bytes, not in characters.
    expect(() => encodeEntry({ ...longest, acr: 'é'.repeat(40_000) } as Entry)).toThrow('entry-length');
  });

  test('is never written: the log refuses what its readers would refuse', () => {
    const { entry } = vectors.valid[1]!;
    for (const wrong of [
      { kind: 'sealed' },
      { nym: 'short' },
      { petition: 'A'.repeat(26) },
      { day: '2026-02-30' },
      { department: undefined },
      { department: 75 },
      { evidence: { toJSON: () => `${'A'.repeat(42)}B` } },
    ]) {
      expect(() => encodeEntry({ ...entry, ...wrong } as unknown as Entry)).toThrow(Malformed);
    }
  });

  test('is named by its first wrong field, for whoever looks for the fault', () => {
    const text = vectors.valid[1]!.bytes;
    const fault = (bytes: string) => () => parseEntry(bytesOf(bytes));
    expect(fault(text.replace('"75"', '"20"'))).toThrow('entry-form: signed: department');
    expect(fault(text.replace('2026-11-21', '2026-11-31'))).toThrow('entry-form: signed: day');
    expect(fault(`${text} `)).toThrow('entry-form: signed: something follows its last field');
  });

  test('is accepted by a reader that only asks JSON.parse: that is why the form is checked', () => {
    const lenient = (bytes: string) => {
      try {
        return JSON.parse(bytes).kind !== undefined;
      } catch {
        return false;
      }
    };
    const fooled = vectors.invalid.filter(({ code, ...rest }) => code === 'entry-form' && lenient(rest.bytes ?? ''));
    expect(fooled.length).toBeGreaterThan(150);
  });
});
