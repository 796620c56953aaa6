/**
 * What a witness keeps, in a file of its own: key and notes together, so that neither is ever there without the other.
 * WAL with `synchronous=FULL`: a note that was replaced survives a power cut. The file is locked for as long as it is open,
 * by a lock that ends with its process however it ends.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SetupError } from '../../errors.ts';
import type { WitnessStore } from '../../witness/ports.ts';
import { createSqlite } from './database.ts';

const VERSION = 1;
const SCHEMA = `
  CREATE TABLE self (name TEXT NOT NULL, seed BLOB NOT NULL) STRICT;
  CREATE TABLE latest (origin TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT;
  PRAGMA user_version = ${VERSION};`;

/**
 * Opens a witness's folder, and makes its key when it has none.
 * @throws SetupError when it is in use, another witness's, or another version's
 */
export function openWitnessStore(folder: string, name: string): WitnessStore & { close(): void } {
  const path = join(folder, 'witness.sqlite');
  createSqlite(path);
  const file = open(path);
  try {
    const self = identity(file, name, path);
    const find = file.prepare('SELECT note FROM latest WHERE origin = ?').pluck();
    const first = file.prepare('INSERT INTO latest (origin, note) VALUES (?, ?) ON CONFLICT DO NOTHING');
    const next = file.prepare('UPDATE latest SET note = ? WHERE origin = ? AND note = ?');
    return {
      ...self,
      find: (origin) => find.get(origin) as string | undefined,
      replace(origin, before, after) {
        const { changes } = before === undefined ? first.run(origin, after) : next.run(after, origin, before);
        return changes === 1;
      },
      close: () => void file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function open(path: string): Database.Database {
  const file = new Database(path, { timeout: 0 });
  try {
    file.pragma('locking_mode = EXCLUSIVE');
    file.pragma('journal_mode = WAL');
    file.pragma('synchronous = FULL');
    file.exec('BEGIN EXCLUSIVE; COMMIT');
    return file;
  } catch (error) {
    file.close();
    if (!(error instanceof Database.SqliteError)) throw error;
    const why = error.code.startsWith('SQLITE_BUSY') ? 'another process is this witness' : error.message;
    throw new SetupError(`Cannot open ${path}: ${why}.`);
  }
}

/** Made once, with the tables, in one transaction. */
function identity(file: Database.Database, name: string, path: string): { name: string; seed: Uint8Array } {
  const version = file.pragma('user_version', { simple: true });
  if (version === 0) {
    file.transaction(() => {
      file.exec(SCHEMA);
      file.prepare('INSERT INTO self (name, seed) VALUES (?, ?)').run(name, randomBytes(32));
    })();
  } else if (version !== VERSION) throw new SetupError(`${path} was written by another version of Paraphe.`);
  const self = file.prepare('SELECT name, seed FROM self').get() as { name: string; seed: Uint8Array };
  if (self.name === name) return { name, seed: new Uint8Array(self.seed) };
  throw new SetupError(`${path} is the witness ${self.name}: a key serves one name. Take another folder for ${name}.`);
}
