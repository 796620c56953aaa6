/** Opens the storage that `DATABASE_URL` names, and the journeys' file beside it. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../errors.ts';
import type { LogStore } from '../log/ports.ts';
import type { PetitionAct, PetitionOutcome } from '../petitions/acts.ts';
import type { PetitionStore, RequestStore, SignatureStore } from '../petitions/ports.ts';
import type { JourneyStore } from '../web/ports.ts';
import {
  act,
  applyMigrations,
  backUp,
  createSqlite,
  openSqlite,
  pendingMigrations,
  type Sqlite,
} from './sqlite/database.ts';
import { checkTables } from './sqlite/integrity.ts';
import { sqliteJourneyStore } from './sqlite/journey-store.ts';
import { sqliteLogStore } from './sqlite/log-store.ts';
import { sqlitePetitionStore } from './sqlite/petition-store.ts';
import { sqliteRequestStore } from './sqlite/request-store.ts';
import { sqliteSignatureStore } from './sqlite/signature-store.ts';

export type Storage = {
  readonly petitions: PetitionStore;
  readonly signatures: SignatureStore;
  readonly log: LogStore<PetitionAct, PetitionOutcome>;
  readonly requests: RequestStore;
  /** What is wrong with the tables beside the log, in words. */
  checkTables(): readonly string[];
  /** Copies the data, as they are at one moment, into a file that is not there yet; others go on writing. */
  backup(file: string): void;
  /** Resolves when the database answers. @throws Refusal `storage-unavailable` */
  ready(): Promise<void>;
  close(): void;
};

export { isDatabaseError } from './sqlite/database.ts';
export { holdWriter, openSqliteLock as openLock, readSqliteLock as readLock, WriterBusy } from './sqlite/lock.ts';

export type StoragePlace = { readonly databaseUrl: string; readonly dataDir: string };

/** @throws SetupError when the data are missing, from another version, or lack a migration */
export function openStorage(place: StoragePlace): Storage {
  const file = sqliteFile(place);
  if (!existsSync(file)) {
    throw new SetupError(`There is no database ${file}: check DATA_DIR. (A new gateway begins with \`paraphe init\`.)`);
  }
  const data = openSqlite(file, 'FULL');
  try {
    if (pendingMigrations(data, MIGRATIONS) > 0) {
      throw new SetupError('The database is not up to date: run `paraphe migrate` first.');
    }
  } catch (error) {
    data.$client.close();
    throw error;
  }
  const petitions = sqlitePetitionStore(data);
  return {
    petitions,
    signatures: sqliteSignatureStore(data),
    log: sqliteLogStore(data, () => petitions.forget()),
    requests: sqliteRequestStore(data),
    checkTables: () => checkTables(data),
    backup: (to) => backUp(data, to),
    ready: () => act(() => void data.$client.prepare('SELECT 1 FROM petitions LIMIT 1').get()),
    close: () => void data.$client.close(),
  };
}

/** Brings the database to this version's schema. Answers how many migrations it applied. */
export function migrateStorage(place: StoragePlace): number {
  const file = sqliteFile(place);
  createSqlite(file);
  const data = openSqlite(file, 'FULL');
  try {
    const pending = pendingMigrations(data, MIGRATIONS);
    if (pending > 0) applyMigrations(data, MIGRATIONS);
    return pending;
  } finally {
    data.$client.close();
  }
}

/**
 * Opens the journeys' file, for a gateway alone. It has no durability, and is made anew when it is torn or another
 * version's: losing it costs a few new logins.
 */
export function openJourneys(dataDir: string): { readonly journeys: JourneyStore; close(): void } {
  const file = join(dataDir, 'journeys.sqlite');
  const database = openWhole(file) ?? remake(file);
  return { journeys: sqliteJourneyStore(database), close: () => void database.$client.close() };
}

const MIGRATIONS = 'sqlite';
const JOURNEY_MIGRATIONS = 'sqlite-journeys';

/** `sqlite:<path>`; an empty path is `paraphe.sqlite` in the data folder. */
function sqliteFile({ databaseUrl, dataDir }: StoragePlace): string {
  const path = /^sqlite:(.*)$/.exec(databaseUrl)?.[1];
  if (path === undefined) {
    throw new SetupError('DATABASE_URL must start with `sqlite:`; no other database is supported yet.');
  }
  return path === '' ? join(dataDir, 'paraphe.sqlite') : path;
}

/** The file as it is, where it is sound and this version's. */
function openWhole(file: string): Sqlite | undefined {
  let database: Sqlite | undefined;
  try {
    createSqlite(file);
    database = openSqlite(file, 'OFF');
    if (pendingMigrations(database, JOURNEY_MIGRATIONS) > 0) applyMigrations(database, JOURNEY_MIGRATIONS);
    if (database.$client.pragma('quick_check', { simple: true }) === 'ok') return database;
  } catch {
    // torn, or another version's: remade below
  }
  database?.$client.close();
  return undefined;
}

function remake(file: string): Sqlite {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  createSqlite(file);
  const database = openSqlite(file, 'OFF');
  applyMigrations(database, JOURNEY_MIGRATIONS);
  return database;
}
