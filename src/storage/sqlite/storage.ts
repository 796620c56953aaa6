/** The data file and the journeys' file, opened. All of it is synchronous: what is asked is done when it returns. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../../errors.ts';
import { checkNotMoved, type MoveSource, type MoveTarget } from '../moving.ts';
import type { OpenJourneys, Storage } from '../open.ts';
import type { StoragePlace } from '../place.ts';
import { act, applyMigrations, backUp, createSqlite, openSqlite, pendingMigrations, type Sqlite } from './database.ts';
import { checkTables } from './integrity.ts';
import { sqliteJourneyStore } from './journey-store.ts';
import { sqliteLogStore } from './log-store.ts';
import { sqliteMoveSource, sqliteMoveTarget } from './moving.ts';
import { sqlitePetitionStore } from './petition-store.ts';
import { sqliteProviderRows } from './provider-rows.ts';
import { sqliteRequestStore } from './request-store.ts';
import { sqliteSignatureStore } from './signature-store.ts';
import { sqliteSiteStore } from './site-store.ts';
import { writesOfATurn } from './turn.ts';
import { sqliteWrappedSecrets } from './wrapped-secrets.ts';

const MIGRATIONS = 'sqlite';
const JOURNEY_MIGRATIONS = 'sqlite-journeys';
const LOOK_MS = 100;

/** @throws SetupError when the data are missing, have moved, are from another version, or lack a migration */
export function openSqliteStorage(place: StoragePlace, movingTo?: string): Storage {
  const data = openData(place, movingTo);
  const petitions = sqlitePetitionStore(data);
  const requests = sqliteRequestStore(join(place.dataDir, 'requests.sqlite'));
  return {
    petitions,
    signatures: sqliteSignatureStore(data),
    log: sqliteLogStore(data, () => petitions.forget()),
    requests,
    sites: sqliteSiteStore(data),
    secrets: sqliteWrappedSecrets(data, () => petitions.forget()),
    onPublished: look,
    isWriterGone: async () => false, // only by trying
    onReleased: look,
    checkTables: async () => checkTables(data),
    backup: async (to) => backUp(data, to),
    ready: () => act(() => void data.$client.prepare('SELECT 1 FROM petitions LIMIT 1').get()),
    async close() {
      requests.close();
      data.$client.close();
    },
  };
}

/** SQLite tells nobody anything. */
function look(told: () => void): () => void {
  const timer = setInterval(told, LOOK_MS);
  return () => clearInterval(timer);
}

export function openSqliteMoveSource(place: StoragePlace, to: string): MoveSource {
  return sqliteMoveSource(openData(place, to));
}

export function openSqliteMoveTarget(place: StoragePlace): MoveTarget {
  return sqliteMoveTarget(openData(place, undefined));
}

function openData(place: StoragePlace, movingTo: string | undefined): Sqlite {
  const file = sqliteFile(place);
  if (!existsSync(file)) {
    throw new SetupError(`There is no database ${file}: check DATA_DIR. (A new gateway begins with \`paraphe init\`.)`);
  }
  const data = openSqlite(file, 'FULL');
  try {
    if (pendingMigrations(data, MIGRATIONS) > 0) {
      throw new SetupError('The database is not up to date: run `paraphe migrate` first.');
    }
    const moved = data.$client.prepare<[], string | null>('SELECT moved FROM log').pluck().get();
    checkNotMoved(moved, file, movingTo);
    return data;
  } catch (error) {
    data.$client.close();
    throw error;
  }
}

/** Brings the file to this version's schema. Answers how many migrations it applied. */
export function migrateSqlite(place: StoragePlace): number {
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
 * Opens the journeys' file. It has no durability, and is made anew when it is torn or another version's: losing it costs a
 * few new logins.
 * @param isShared other processes have it open, and the one that writes the log has made it whole before
 */
export function openSqliteJourneys(dataDir: string, isShared = false): OpenJourneys {
  const file = join(dataDir, 'journeys.sqlite');
  const database = isShared ? openShared(file) : (openWhole(file) ?? remake(file));
  const write = writesOfATurn(database.$client);
  return {
    journeys: sqliteJourneyStore(database, write),
    providerRows: sqliteProviderRows(database, write),
    close: async () => void database.$client.close(),
  };
}

/** `sqlite:<path>`; an empty path is `paraphe.sqlite` in the data folder. */
export function sqliteFile({ databaseUrl, dataDir }: StoragePlace): string {
  const path = databaseUrl.slice('sqlite:'.length);
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

function openShared(file: string): Sqlite {
  const database = openSqlite(file, 'OFF');
  if (pendingMigrations(database, JOURNEY_MIGRATIONS) === 0) return database;
  database.$client.close();
  throw new SetupError(`${file} is not this version's: start the process that writes the log first.`);
}

function remake(file: string): Sqlite {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  createSqlite(file);
  const database = openSqlite(file, 'OFF');
  applyMigrations(database, JOURNEY_MIGRATIONS);
  return database;
}
