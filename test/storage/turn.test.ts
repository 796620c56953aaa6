/** Writes of one turn of the event loop: one transaction, in the order in which they were asked for. */
import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { beforeEach, expect, test } from 'vitest';
import { type Write, writesOfATurn } from '../../src/storage/sqlite/turn.ts';

let database: Database.Database;
let write: Write;
let inTransaction: boolean[];
beforeEach(() => {
  database = new Database(':memory:');
  database.exec('CREATE TABLE things (name TEXT PRIMARY KEY NOT NULL)');
  write = writesOfATurn(database);
  inTransaction = [];
});

const names = () => database.prepare('SELECT name FROM things ORDER BY rowid').pluck().all();
const add = (name: string) =>
  write(() => {
    inTransaction.push(database.inTransaction);
    return database.prepare('INSERT INTO things VALUES (?)').run(name).changes;
  });

test('all are kept, in their order, each with its own answer', async () => {
  const [first, second, third] = await Promise.all([add('a'), add('b'), write(() => names())]);
  expect([first, second, third]).toEqual([1, 1, ['a', 'b']]);
  expect(inTransaction).toEqual([true, true]);
});

test('none is answered before it is kept', async () => {
  const answered = add('a').then(() => database.inTransaction);
  expect(names()).toEqual([]);
  expect(await answered).toBe(false);
  expect(names()).toEqual(['a']);
});

test('one that fails keeps none of its turn, and says so to each; the next turn is another', async () => {
  const answers = await Promise.allSettled([add('a'), add('a'), add('b')]);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(names()).toEqual([]);
  await setImmediate();
  expect(await add('b')).toBe(1);
  expect(names()).toEqual(['b']);
});
