/**
 * Requests to the process that writes the log, in a small file of their own without durability: nothing in it is answered
 * before the log holds it. SQLite tells nobody anything: who waits looks again and again.
 */
import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { PetitionAct, PetitionOutcome } from '../../petitions/acts.ts';
import type { RequestStore } from '../../petitions/ports.ts';
import { decode, encode } from '../request-text.ts';
import { act, createSqlite } from './database.ts';

/**
 * How often a writer looks for requests while others ask, and when nobody has for a while: each look wakes a process that
 * may have nothing else to do, and a gateway alone is asked by commands only.
 */
const LOOK_MS = 10;
const QUIET_LOOK_MS = 100;
const QUIET_AFTER_MS = 5_000;
/** No finer: it stands beside pseudonyms. */
const MINUTE = 'unixepoch() / 60 * 60';
const TABLE = `CREATE TABLE IF NOT EXISTS requests (
  id TEXT PRIMARY KEY NOT NULL, acts TEXT NOT NULL, outcomes TEXT, asked INTEGER NOT NULL) WITHOUT ROWID`;

/** @param file made, and opened, when it is first used; a torn one is made anew */
export function sqliteRequestStore(file: string): RequestStore & { close(): void } {
  let opened: ReturnType<typeof prepare> | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  const statements = () => {
    opened ??= prepare(openWhole(file) ?? remake(file));
    return opened;
  };
  return {
    leave: (id, acts) => act(() => void statements().leave.run(id, encode(acts))),
    waiting: (except) =>
      act(() => {
        const rows = statements().waiting.all(JSON.stringify(except));
        if (rows.length > 0) asked = performance.now();
        return rows.map(({ id, acts }) => ({ id, acts: decode(acts) as readonly PetitionAct[] }));
      }),
    answer: (answers) =>
      act(() => {
        const { client, answer } = statements();
        client.transaction(() => {
          for (const { id, outcomes } of answers) answer.run(encode(outcomes), id);
        })();
      }),
    collect: (ids) =>
      act(() => {
        const rows = statements().collect.all(JSON.stringify(ids));
        return rows.map(({ id, outcomes }) => ({ id, outcomes: decode(outcomes) as readonly PetitionOutcome[] }));
      }),
    withdraw: (id) => act(() => statements().withdraw.run(id).changes === 1),
    sweep: () => act(() => void statements().sweep.run()),
    onAsked: (told) => look(told, () => (performance.now() - asked < QUIET_AFTER_MS ? LOOK_MS : QUIET_LOOK_MS)),
    onAnswered: (told) => look(told, () => LOOK_MS),
    close: () => void opened?.client.close(),
  };
}

/** @param pauseMs asked after each look: it may have changed by what was found */
function look(told: () => void, pauseMs: () => number): () => void {
  let isOver = false;
  const again = () => {
    told();
    if (!isOver) timer = setTimeout(again, pauseMs());
  };
  let timer = setTimeout(again, pauseMs());
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

function prepare(client: Database.Database) {
  return {
    client,
    leave: client.prepare<[string, string]>(`INSERT INTO requests (id, acts, asked) VALUES (?, ?, ${MINUTE})`),
    waiting: client.prepare<[string], { id: string; acts: string }>(
      'SELECT id, acts FROM requests WHERE outcomes IS NULL AND id NOT IN (SELECT value FROM json_each(?))',
    ),
    answer: client.prepare<[string, string]>('UPDATE requests SET outcomes = ? WHERE id = ?'),
    collect: client.prepare<[string], { id: string; outcomes: string }>(
      'DELETE FROM requests WHERE id IN (SELECT value FROM json_each(?)) AND outcomes IS NOT NULL RETURNING id, outcomes',
    ),
    withdraw: client.prepare<[string]>('DELETE FROM requests WHERE id = ? AND outcomes IS NULL'),
    sweep: client.prepare<[]>(`DELETE FROM requests WHERE asked < ${MINUTE} - 300`),
  };
}

function openWhole(file: string): Database.Database | undefined {
  let client: Database.Database | undefined;
  try {
    createSqlite(file);
    client = new Database(file, { fileMustExist: true });
    client.pragma('busy_timeout = 20'); // see act()
    client.pragma('journal_mode = WAL');
    client.pragma('synchronous = OFF');
    client.pragma('secure_delete = ON');
    client.exec(TABLE);
    client.prepare('SELECT id, acts, outcomes, asked FROM requests LIMIT 1').get();
    if (client.pragma('quick_check', { simple: true }) === 'ok') return client;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) throw error;
    // torn, or another version's: remade
  }
  client?.close();
  return undefined;
}

function remake(file: string): Database.Database {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  const client = openWhole(file);
  if (client === undefined) throw new RangeError(`${file} cannot be made`);
  return client;
}
