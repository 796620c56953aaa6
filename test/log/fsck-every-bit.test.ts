/**
 * Every single bit of what the log commits to, in every row, and of the keys that are wrapped beside it, is one that
 * `paraphe fsck` misses when it is flipped. `npm test` draws some of them; `npm run campaign` flips them all.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { destroyPseudonyms } from '../../src/destroy-pseudonyms.ts';
import { checkData } from '../../src/log-check.ts';
import { type OperatedLog, operatedLog, registerSiteOf } from '../fakes/operated-log.ts';
import { dice, rounds } from '../fakes/rounds.ts';

/** Not here: what the log says nothing about (`slug`, `at`, the requests of commands, the numbers of single rows). */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  entries: ['index', 'kind', 'day', 'petition', 'nym', 'department', 'evidence', 'ground', 'count', 'previous'],
  signatures: ['petition', 'nym', 'entry'],
  tiles: ['place', 'hashes'],
  log: ['origin', 'vkey', 'size', 'root', 'key_id'],
  publication: ['checkpoint'],
  identity_keys: ['hash', 'issuer', 'jwks', 'entry'],
  petitions: [
    ...['ref', 'id', 'title', 'text', 'statement', 'closes', 'min_age', 'departments', 'acr', 'issuer', 'client_id'],
    ...['nym_key', 'wrapped_secret', 'opening', 'closing', 'destruction'],
  ],
  sites: ['id', 'sealed_secret', 'wrapped_key'],
};
const LOCK: Readonly<Record<string, readonly string[]>> = { lock: ['checkpoint'] };

/** Above this bit an INTEGER is beyond every number that the gateway writes; a few of those stand for the others. */
const INTEGER_BITS = [...Array.from({ length: 34 }, (_, bit) => bit), 52, 53, 62, 63];

type Bit = { readonly file: string; readonly table: string; readonly column: string; row: number; bit: number };
type Cell = Buffer | string | bigint | null;

let log: OperatedLog;
let original: string;
beforeAll(async () => {
  log = await operatedLog(4);
  const [une, autre] = log.petitions;
  const [a, b] = log.nyms;
  await log.record({ kind: 'withdrawn', petition: une!.id, nym: a!, department: undefined });
  await log.record({ kind: 'signed', petition: une!.id, nym: a!, department: '2A' });
  await log.record({ kind: 'invalidated', petition: une!.id, nym: b!, ground: 'fraud' });
  await log.record({ kind: 'petition-closed', petition: autre!.id });
  await registerSiteOf(log.config);
  await destroyPseudonyms(log.config, 'autre', { clock: log.clock, followed: async () => {} });
  await log.publish();
  original = mkdtempSync(join(tmpdir(), 'paraphe-bits-'));
  for (const file of ['paraphe.sqlite', 'lock.sqlite']) {
    opened(join(log.config.dataDir, file), (database) => database.pragma('wal_checkpoint(TRUNCATE)'));
    copyFileSync(join(log.config.dataDir, file), join(original, file));
  }
});
afterAll(() => {
  log.done();
  rmSync(original, { recursive: true });
});

function opened<T>(file: string, work: (database: Database.Database) => T): T {
  const database = new Database(file);
  try {
    for (const pragma of ['foreign_keys = OFF', 'ignore_check_constraints = ON', 'synchronous = OFF']) {
      database.pragma(pragma);
    }
    return work(database.defaultSafeIntegers());
  } finally {
    database.close();
  }
}

function cellsOf(database: Database.Database, table: string, column: string): Cell[] {
  return database.prepare(`SELECT "${column}" FROM "${table}"`).pluck().all() as Cell[];
}

function bitsOf(cell: Cell): readonly number[] {
  if (cell === null) return [];
  if (typeof cell === 'bigint') return INTEGER_BITS;
  return Array.from({ length: 8 * Buffer.byteLength(cell) }, (_, bit) => bit);
}

function everyBit(file: string, tables: typeof COLUMNS): readonly Bit[] {
  return opened(join(original, file), (database) =>
    Object.entries(tables).flatMap(([table, columns]) =>
      columns.flatMap((column) =>
        cellsOf(database, table, column).flatMap((cell, row) =>
          bitsOf(cell).map((bit) => ({ file, table, column, row, bit })),
        ),
      ),
    ),
  );
}

/** Flips it in place. @returns false where an index of the database itself keeps the changed row out */
function flip(database: Database.Database, { table, column, row, bit }: Bit): boolean {
  const cell = cellsOf(database, table, column)[row] ?? null;
  const isText = typeof cell === 'string';
  const change = `UPDATE "${table}" SET "${column}" = ${isText ? 'CAST(? AS TEXT)' : '?'} WHERE "${column}" IS ?`;
  let flipped: Buffer | bigint;
  if (typeof cell === 'bigint') flipped = BigInt.asIntN(64, cell ^ (1n << BigInt(bit)));
  else {
    flipped = Buffer.from(cell ?? '');
    flipped[bit >> 3]! ^= 1 << (bit & 7);
  }
  // Of rows that say the same in this column, the one: by its place among them.
  const twins = cellsOf(database, table, column)
    .slice(0, row)
    .filter((other) => equal(other, cell)).length;
  const key = table === 'signatures' || table === 'identity_keys' ? 'entry' : 'rowid';
  const keys = database.prepare(`SELECT ${key} FROM "${table}" WHERE "${column}" IS ?`).pluck().all(cell);
  try {
    return database.prepare(`${change} AND ${key} = ?`).run(flipped, cell, keys[twins]).changes === 1;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT')) return false;
    throw error;
  }
}

function equal(a: Cell, b: Cell): boolean {
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : a === b;
}

test('whichever bit is flipped, fsck says so', async () => {
  const all = [...everyBit('paraphe.sqlite', COLUMNS), ...everyBit('lock.sqlite', LOCK)];
  const count = rounds(150, all.length);
  const throwDice = dice();
  const bits = count === all.length ? all : Array.from({ length: count }, () => all[throwDice(all.length)]!);
  const folder = mkdtempSync(join(tmpdir(), 'paraphe-bits-'));
  const config = { ...log.config, dataDir: folder };
  const missed: string[] = [];
  let flips = 0;
  for (const file of ['paraphe.sqlite', 'lock.sqlite']) copyFileSync(join(original, file), join(folder, file));
  expect((await checkData(config)).problems).toEqual([]);
  for (const bit of bits) {
    const { file, table, column, row } = bit;
    for (const suffix of ['-wal', '-shm']) rmSync(join(folder, file + suffix), { force: true });
    copyFileSync(join(original, file), join(folder, file));
    if (!opened(join(folder, file), (database) => flip(database, bit))) continue;
    flips++;
    const { problems } = await checkData(config);
    if (problems.length === 0) missed.push(`${table}.${column} of row ${row}, bit ${bit.bit}`);
    copyFileSync(join(original, file), join(folder, file));
  }
  rmSync(folder, { recursive: true });
  expect(missed).toEqual([]);
  expect(flips).toBeGreaterThan(count * 0.9);
  console.log(`${flips} of ${all.length} bits flipped, one at a time`);
});
