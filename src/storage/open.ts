/**
 * Opens the storage that `DATABASE_URL` names. The journeys have a file of their own, without durability: it can be
 * deleted at any time at the cost of a few new logins, and is made anew when it cannot be read.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from '../errors.ts';
import type { IdentityKeyArchive } from '../identity/ports.ts';
import type { PetitionStore, SignatureStore } from '../petitions/ports.ts';
import type { JourneyStore } from '../web/ports.ts';
import { applyMigrations, openSqlite, pendingMigrations, type Sqlite } from './sqlite/database.ts';
import { sqliteIdentityKeyArchive } from './sqlite/identity-key-store.ts';
import { sqliteJourneyStore } from './sqlite/journey-store.ts';
import { sqlitePetitionStore } from './sqlite/petition-store.ts';
import { sqliteSignatureStore } from './sqlite/signature-store.ts';

export type Storage = {
  readonly petitions: PetitionStore;
  readonly signatures: SignatureStore;
  readonly identityKeys: IdentityKeyArchive;
  readonly journeys: JourneyStore;
  /** Resolves when the database answers. @throws Refusal `storage-unavailable` */
  ready(): Promise<void>;
  close(): void;
};

export type StoragePlace = { readonly databaseUrl: string; readonly dataDir: string };

/** @throws SetupError when the data are missing, from another version, or lack a migration */
export function openStorage(place: StoragePlace): Storage {
  const data = openData(place);
  if (pendingMigrations(data, 'sqlite') > 0) {
    data.$client.close();
    throw new SetupError('The database is not up to date: run `paraphe migrate` first.');
  }
  const journeys = openJourneys(join(place.dataDir, 'journeys.sqlite'));
  return {
    petitions: sqlitePetitionStore(data),
    signatures: sqliteSignatureStore(data),
    identityKeys: sqliteIdentityKeyArchive(data),
    journeys: sqliteJourneyStore(journeys),
    ready: async () => void data.$client.prepare('SELECT 1 FROM petitions LIMIT 1').get(),
    close() {
      data.$client.close();
      journeys.$client.close();
    },
  };
}

/** Brings the database to this version's schema. Answers how many migrations it applied. */
export function migrateStorage(place: StoragePlace): number {
  const data = openData(place);
  try {
    const pending = pendingMigrations(data, 'sqlite');
    if (pending > 0) applyMigrations(data, 'sqlite');
    return pending;
  } finally {
    data.$client.close();
  }
}

function openData({ databaseUrl, dataDir }: StoragePlace): Sqlite {
  const file = sqliteFile(databaseUrl, dataDir);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return openSqlite(file, 'FULL');
}

/** `sqlite:<path>`; an empty path is `paraphe.sqlite` in the data folder. */
function sqliteFile(databaseUrl: string, dataDir: string): string {
  const path = /^sqlite:(.*)$/.exec(databaseUrl)?.[1];
  if (path === undefined)
    throw new SetupError('DATABASE_URL must start with `sqlite:`; no other database is supported yet.');
  return path === '' ? join(dataDir, 'paraphe.sqlite') : path;
}

function openJourneys(file: string): Sqlite {
  try {
    return openCurrentJourneys(file);
  } catch {
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    return openCurrentJourneys(file);
  }
}

function openCurrentJourneys(file: string): Sqlite {
  const journeys = openSqlite(file, 'OFF');
  try {
    if (pendingMigrations(journeys, 'sqlite-journeys') > 0) applyMigrations(journeys, 'sqlite-journeys');
    return journeys;
  } catch (error) {
    journeys.$client.close();
    throw error;
  }
}
