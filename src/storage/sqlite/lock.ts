/**
 * The log's lock and the right to write, in two small files beside the data that no backup holds. `lock.sqlite` keeps the
 * last signed checkpoint; `writer.sqlite` is held by the one process that writes, and by nobody once it is dead.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SetupError } from '../../errors.ts';
import type { HeldWriter, OpenLock } from '../open.ts';
import { WriterBusy } from '../writer-busy.ts';
import { act, cannotOpen, createSqlite } from './database.ts';

/** @throws SetupError when the file cannot be opened or is not a database */
export function openSqliteLock(dataDir: string): OpenLock {
  const client = openSmall(join(dataDir, 'lock.sqlite'), (opened) => {
    opened.pragma('journal_mode = WAL');
    opened.pragma('synchronous = FULL');
    opened.exec('CREATE TABLE IF NOT EXISTS lock (id INTEGER PRIMARY KEY CHECK (id = 1), checkpoint TEXT NOT NULL)');
  });
  const read = client.prepare<[], string>('SELECT checkpoint FROM lock').pluck();
  const insert = client.prepare<[string]>('INSERT INTO lock (id, checkpoint) VALUES (1, ?) ON CONFLICT DO NOTHING');
  const update = client.prepare<[string, string]>('UPDATE lock SET checkpoint = ? WHERE checkpoint = ?');
  const clear = client.prepare<[string]>('DELETE FROM lock WHERE checkpoint = ?');
  return {
    read: async () => act(() => read.get() as string | undefined),
    swap: async (expected, next) =>
      act(() => (expected === undefined ? insert.run(next) : update.run(next, expected)).changes === 1),
    clear: async (checkpoint) => act(() => void clear.run(checkpoint)),
    close: async () => void client.close(),
  };
}

/** The lock's checkpoint, also while a gateway holds it; `undefined` where there is none. */
export function readSqliteLock(dataDir: string): string | undefined {
  const file = join(dataDir, 'lock.sqlite');
  if (!existsSync(file)) return undefined;
  const client = new Database(file, { fileMustExist: true });
  try {
    const table = client.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'lock'").get();
    return table === undefined
      ? undefined
      : (client.prepare('SELECT checkpoint FROM lock').pluck().get() as string | undefined);
  } finally {
    client.close();
  }
}

/** @throws SetupError when another process holds it, or the file cannot be opened */
export function holdSqliteWriter(dataDir: string): HeldWriter {
  const busy = () => new WriterBusy(`Another process writes the log in ${dataDir}: one gateway serves a data folder.`);
  const client = hold(join(dataDir, 'writer.sqlite'), busy);
  return { epoch: 0, release: async () => void client.close() };
}

/**
 * The right to replace the key-encryption key, or to move the data that are under it: one command at a time.
 * @returns what gives it back; it ends with the process, too @throws SetupError when another process holds it
 */
export function holdKeyFolder(keysDir: string): () => void {
  const busy = () =>
    new SetupError(`Another command works on the keys in ${keysDir}: wait for its end, and try again.`);
  const client = hold(join(keysDir, 'held.sqlite'), busy);
  return () => void client.close();
}

function hold(file: string, busy: () => SetupError): Database.Database {
  return openSmall(file, (opened) => {
    try {
      opened.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      if (!(error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))) throw error;
      throw busy();
    }
  });
}

function openSmall(file: string, prepare: (client: Database.Database) => void): Database.Database {
  let client: Database.Database | undefined;
  try {
    createSqlite(file);
    client = new Database(file, { fileMustExist: true });
    client.pragma('busy_timeout = 20'); // see act()
    prepare(client);
    return client;
  } catch (error) {
    client?.close();
    throw error instanceof SetupError ? error : cannotOpen(file, error);
  }
}
