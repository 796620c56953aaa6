/** The table of nyms against a plain Map. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Day, dayFromNumber } from '../../src/clock.ts';
import { type NymState, NymTable } from '../../src/log/nym-table.ts';
import type { Nym } from '../../src/person/nym.ts';
import { nymFromBytes } from '../../src/person/nym.ts';

const active = (day: Day, department: string | null): NymState => ({ state: 'active', day, department });

test('a table remembers what a Map remembers, through all its growing', () => {
  const table = new NymTable(randomBytes(4).readUInt32LE());
  const map = new Map<string, NymState>();
  const nyms = Array.from({ length: 20_000 }, () => nymFromBytes(randomBytes(32)));
  const codes = [null, ...Array.from({ length: 111 }, (_, i) => `${i}`)];
  for (let i = 0; i < 60_000; i++) {
    const nym = nyms[(i * 7919) % nyms.length]!;
    const petition = `petition ${i % 3}`;
    const state: NymState =
      i % 11 === 0
        ? { state: 'withdrawn' }
        : i % 13 === 0
          ? { state: 'invalidated' }
          : active(dayFromNumber(i), codes[i % 112]!);
    table.set(petition, nym, state);
    map.set(petition + nym, state);
  }
  expect(table.size).toBe(map.size);
  const differ = nyms.filter((nym) =>
    ['petition 0', 'petition 1', 'petition 2', 'petition 3'].some(
      (petition) => JSON.stringify(table.get(petition, nym)) !== JSON.stringify(map.get(petition + nym)),
    ),
  );
  expect(differ).toEqual([]);
});

test('two nyms that differ in one bit are two', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(255), (bytes, bit) => {
      const table = new NymTable();
      const other = Uint8Array.from(bytes);
      other[bit >> 3]! ^= 1 << (bit & 7);
      table.set('p', nymFromBytes(bytes), active('2026-11-21' as Day, '75'));
      expect(table.get('p', nymFromBytes(other))).toBeUndefined();
      expect(table.get('q', nymFromBytes(bytes))).toBeUndefined();
      expect(table.get('p', nymFromBytes(bytes))).toEqual(active('2026-11-21' as Day, '75'));
    }),
  );
});

test('every day from year 0 to 9999 fits beside every département', () => {
  const table = new NymTable();
  const nym = 'A'.repeat(43) as Nym;
  const days = Array.from({ length: 40_000 }, (_, i) => dayFromNumber(i * 70));
  for (const day of days) table.set('p', nym, active(day, '988'));
  expect(table.get('p', nym)).toEqual(active(days.at(-1)!, '988'));
  expect(table.size).toBe(1);
});
