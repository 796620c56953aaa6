import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Day, dayFromNumber, dayNumber, parisDay, parisMidnight, parseDay } from '../../src/clock.ts';
import { computeNonce } from '../../src/person/nonce.ts';
import { nymBytes, nymFromBytes, parseNym } from '../../src/person/nym.ts';
import { hasReachedAge, parseBirthdate } from '../../src/person/person.ts';

const day = (text: string) => parseDay(text) as Day;

describe('age is counted at Paris’s date', () => {
  test.each([
    ['2008-11-21', 18, '2026-11-20', false],
    ['2008-11-21', 18, '2026-11-21', true],
    ['2008-02-29', 18, '2026-02-28', false],
    ['2008-02-29', 18, '2026-03-01', true],
    ['2008-02-29', 16, '2024-02-29', true],
    ['2008-02-29', 16, '2024-02-28', false],
    ['2008-12-31', 18, '2026-12-31', true],
    ['1992-01-01', 18, '2026-11-21', true],
  ])('born %s, asked for %i on %s: %s', (born, age, today, expected) => {
    expect(hasReachedAge(day(born), age, day(today))).toBe(expected);
  });

  test('the day changes at midnight in Paris, in summer and in winter', () => {
    expect(parisDay(new Date('2026-07-31T21:59:59Z'))).toBe('2026-07-31');
    expect(parisDay(new Date('2026-07-31T22:00:00Z'))).toBe('2026-08-01');
    expect(parisDay(new Date('2026-12-31T22:59:59Z'))).toBe('2026-12-31');
    expect(parisDay(new Date('2026-12-31T23:00:00Z'))).toBe('2027-01-01');
  });

  test('no age before, always from then on', () => {
    const days = fc.integer({ min: -20_000, max: 20_000 }).map(dayFromNumber);
    fc.assert(
      fc.property(days, fc.integer({ min: 0, max: 30 }), days, (born, age, today) => {
        if (hasReachedAge(born, age, today))
          expect(hasReachedAge(born, age, dayFromNumber(dayNumber(today) + 1))).toBe(true);
      }),
    );
  });

  test.each([
    '1992-11-00',
    '1992-00-00',
    '1992',
    '2001-02-30',
    '2027-01-01',
    '1492-10-12',
    '',
    19920101,
    null,
    undefined,
  ])('a birth date that is not a full, past day is none: %s', (claim) =>
    expect(parseBirthdate(claim, day('2026-11-21'))).toBeUndefined(),
  );
});

describe('days', () => {
  test('midnight in Paris is the first instant of its day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10_000, max: 40_000 }).map(dayFromNumber), (one) => {
        const seconds = parisMidnight(one);
        expect(parisDay(new Date(seconds * 1000))).toBe(one);
        expect(parisDay(new Date(seconds * 1000 - 1))).toBe(dayFromNumber(dayNumber(one) - 1));
      }),
    );
  });
});

describe('the nonce ties a login to an act on a text', () => {
  const hash = new Uint8Array(32).fill(1);
  const salt = new Uint8Array(32).fill(2);

  test('it has 64 hex characters and the bytes that the design fixes', () => {
    expect(computeNonce('sign', '01m7k8m0n1ew6076n6rar3zv8a', hash, salt)).toBe(
      'a7051116e96e3b596783e39de150bd3098f2cecbe5adb707c447b6b6b5d148ac',
    );
  });

  test('another act, petition, text or salt gives another nonce', () => {
    const other = new Uint8Array(32).fill(3);
    const all = [
      computeNonce('sign', 'a', hash, salt),
      computeNonce('withdraw', 'a', hash, salt),
      computeNonce('login', 'a', hash, salt),
      computeNonce('sign', 'b', hash, salt),
      computeNonce('sign', 'a', other, salt),
      computeNonce('sign', 'a', hash, other),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('a nym has one spelling', () => {
  test('bytes and text are one to one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const nym = nymFromBytes(bytes);
        expect(parseNym(nym)).toBe(nym);
        expect(new Uint8Array(nymBytes(nym))).toEqual(bytes);
      }),
    );
  });

  test.each(['', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}=`, `${'A'.repeat(42)}B`, `${'A'.repeat(42)}+`])(
    'anything else is no nym: %s',
    (text) => expect(parseNym(text)).toBeUndefined(),
  );
});
