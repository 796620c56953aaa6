/**
 * Opening a SQLite file. Guarantees for the data file: WAL with `synchronous=FULL` on every connection (better-sqlite3
 * defaults to NORMAL in WAL mode, which loses acknowledged commits on a power cut), foreign keys enforced, a schema that
 * is exactly this version's.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Refusal, SetupError } from '../../errors.ts';
import { readMigrationFiles } from '../drizzle.ts';
import { type BetterSQLite3Database, drizzle, migrate } from './drizzle.ts';

export type Sqlite = BetterSQLite3Database & { readonly $client: Database.Database };

const MIGRATIONS = join(import.meta.dirname, '../../../drizzle');

const PASSING = /^SQLITE_(FULL|IOERR|READONLY|BUSY|CANTOPEN|LOCKED|NOMEM)/;
const TRY_AGAIN_MS = 100;
const TRIES = 20;

export type Durability = 'FULL' | 'OFF';

/**
 * An empty database that only its owner reads, like the files that SQLite will put beside it; one that is there stays, and
 * is not even opened: a process that closes any descriptor of a file gives up all its locks on it (POSIX, fcntl).
 */
export function createSqlite(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** @throws SetupError when the file cannot be opened or is not a database */
export function openSqlite(file: string, durability: Durability): Sqlite {
  try {
    const client = new Database(file, { fileMustExist: true });
    client.pragma('busy_timeout = 20'); // see act()
    client.pragma('journal_mode = WAL');
    client.pragma(`synchronous = ${durability}`);
    client.pragma('foreign_keys = ON');
    client.pragma(`secure_delete = ${durability === 'FULL' ? 'ON' : 'OFF'}`); // what a withdrawal empties is overwritten
    return drizzle(client);
  } catch (error) {
    throw cannotOpen(file, error);
  }
}

/** @throws SetupError when the file is there already */
export function backUp(database: Sqlite, file: string): void {
  if (existsSync(file)) throw new SetupError(`${file} is there already: a backup never replaces one.`);
  if (!existsSync(dirname(file))) throw new SetupError(`There is no folder ${dirname(file)}: is its disk mounted?`);
  const draft = `${file}.part`;
  rmSync(draft, { force: true });
  createSqlite(draft);
  try {
    database.$client.prepare('VACUUM INTO ?').run(draft);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new SetupError(`Cannot write ${file}: ${error instanceof Error ? error.message : error}.`);
  }
  const written = openSync(draft, 'r');
  fsyncSync(written);
  closeSync(written);
  renameSync(draft, file);
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

export function cannotOpen(file: string, error: unknown): SetupError {
  return new SetupError(`Cannot open ${file}: ${error instanceof Error ? error.message : String(error)}`);
}

/** The migrations of a folder under `drizzle/` that the file lacks. @throws SetupError when it has others */
export function pendingMigrations(database: Sqlite, folder: string): number {
  const known = readMigrationFiles({ migrationsFolder: join(MIGRATIONS, folder) }).map(({ hash }) => hash);
  const applied = appliedMigrations(database.$client);
  if (applied.some((hash, i) => hash !== known[i])) {
    throw new SetupError(
      `${database.$client.name} was written by another version of Paraphe, whose data this one does not migrate: move it away, or run that version.`,
    );
  }
  return known.length - applied.length;
}

export function applyMigrations(database: Sqlite, folder: string): void {
  database.$client.pragma('busy_timeout = 5000');
  migrate(database, { migrationsFolder: join(MIGRATIONS, folder) });
}

function appliedMigrations(client: Database.Database): readonly string[] {
  const table = client.prepare("SELECT 1 FROM sqlite_schema WHERE name = '__drizzle_migrations'").get();
  if (table === undefined) return [];
  return client.prepare('SELECT hash FROM __drizzle_migrations ORDER BY id').pluck().all() as string[];
}

/**
 * Runs one storage act. A file that another process has locked is asked again for two seconds, without holding up
 * everyone else: SQLite's own waiting would stop the whole process. A disk that is full, read-only or failing, or a lock
 * that stays, is bad news that may pass: it becomes a Refusal that answers 503, and the transaction is rolled back.
 * Anything else is a bug and goes through.
 */
export async function act<T>(work: () => T): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return work();
    } catch (error) {
      const cause = sqliteCode(error);
      if (cause === undefined || !PASSING.test(cause)) throw error;
      if (!cause.startsWith('SQLITE_BUSY') || tries === TRIES) {
        throw new Refusal('storage-unavailable', cause, { cause: error });
      }
      await wait(TRY_AGAIN_MS);
    }
  }
}

/** A file that is damaged, or no database. */
export function isSqliteError(error: unknown): error is Error {
  return sqliteCode(error) !== undefined;
}

function sqliteCode(error: unknown): string | undefined {
  if (error instanceof Database.SqliteError) return error.code;
  return error instanceof Error && error.cause instanceof Database.SqliteError ? error.cause.code : undefined;
}
