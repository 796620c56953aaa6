/**
 * Opens what `DATABASE_URL` and `LOCK_URL` name. Each part has one adapter for SQLite and one for PostgreSQL, each written
 * for its database; a contract suite runs on both, and nobody above knows which one it has.
 */
import { SetupError } from '../errors.ts';
import type { LogLock, LogStore } from '../log/ports.ts';
import type { PetitionAct, PetitionOutcome } from '../petitions/acts.ts';
import type { PetitionStore, RequestStore, SignatureStore } from '../petitions/ports.ts';
import type { ProviderRows, SiteStore } from '../provider/ports.ts';
import type { JourneyStore } from '../web/ports.ts';
import type { MoveSource, MoveTarget } from './moving.ts';
import type { StoragePlace } from './place.ts';
import { isPostgresDamage, placeOf } from './postgres/database.ts';
import { holdPostgresWriter } from './postgres/lease.ts';
import { openPostgresLock, readPostgresLock } from './postgres/lock.ts';
import { postgresMoveSource, postgresMoveTarget } from './postgres/moving.ts';
import { migratePostgres, openPostgresJourneys, openPostgresStorage } from './postgres/storage.ts';
import { isSqliteError } from './sqlite/database.ts';
import { holdKeyFolder, holdSqliteWriter, openSqliteLock, readSqliteLock } from './sqlite/lock.ts';
import {
  migrateSqlite,
  openSqliteJourneys,
  openSqliteMoveSource,
  openSqliteMoveTarget,
  openSqliteStorage,
  sqliteFile,
} from './sqlite/storage.ts';
import type { WrappedSecrets } from './wrapped-secrets.ts';

export type { StoragePlace } from './place.ts';
export { WriterBusy } from './writer-busy.ts';
export { holdKeyFolder };

export type Storage = {
  readonly petitions: PetitionStore;
  readonly signatures: SignatureStore;
  readonly log: LogStore<PetitionAct, PetitionOutcome>;
  readonly requests: RequestStore;
  /** Calls soon after a process has published, and now and then without that. @returns what ends it */
  onPublished(told: () => void): () => void;
  /** Whether the right to write is free for sure. */
  isWriterGone(): Promise<boolean>;
  /** Calls soon after the right to write was given back, and now and then without that. @returns what ends it */
  onReleased(told: () => void): () => void;
  readonly sites: SiteStore;
  readonly secrets: WrappedSecrets;
  /** What is wrong with the tables beside the log, in words. */
  checkTables(): Promise<readonly string[]>;
  /**
   * Copies the data, as they are at one moment, into a file that is not there yet; others go on writing.
   * @throws SetupError where the database has its own tool for it
   */
  backup(file: string): Promise<void>;
  /** Resolves when the database answers. @throws Refusal `storage-unavailable` */
  ready(): Promise<void>;
  close(): Promise<void>;
};

export type OpenJourneys = {
  readonly journeys: JourneyStore;
  readonly providerRows: ProviderRows;
  close(): Promise<void>;
};
export type OpenLock = LogLock & {
  /** Takes away a checkpoint whose place is elsewhere from now on: whoever asks here finds no lock, and signs nothing. */
  clear(checkpoint: string): Promise<void>;
  close(): Promise<void>;
};
export type HeldWriter = {
  /** See `Batch`. */
  readonly epoch: number;
  release(): Promise<void>;
};

/** @throws SetupError when the data are missing, from another version, or lack a migration; or the database is not fit */
export async function openStorage(place: StoragePlace): Promise<Storage> {
  return isPostgres(place) ? openPostgresStorage(place) : openSqliteStorage(place);
}

export type Leaving = { readonly storage: Storage; readonly source: MoveSource; close(): Promise<void> };

/** Opens data that move to another place, also when a move there has marked them and was cut short. */
export async function openLeaving(place: StoragePlace, to: StoragePlace): Promise<Leaving> {
  const name = nameOfPlace(to);
  const storage = await (isPostgres(place) ? openPostgresStorage(place, name) : openSqliteStorage(place, name));
  const source = isPostgres(place) ? await postgresMoveSource(place.databaseUrl) : openSqliteMoveSource(place, name);
  return {
    storage,
    source,
    async close() {
      await source.close();
      await storage.close();
    },
  };
}

/** Opens the empty database that data move into. */
export async function openArriving(place: StoragePlace): Promise<MoveTarget> {
  return isPostgres(place) ? postgresMoveTarget(place.databaseUrl) : openSqliteMoveTarget(place);
}

/** A database as messages name it, without a password. */
export function nameOfPlace(place: StoragePlace): string {
  return isPostgres(place) ? placeOf(place.databaseUrl) : `sqlite:${sqliteFile(place)}`;
}

/** Brings the database to this version's schema. Answers how many migrations it applied. */
export async function migrateStorage(place: StoragePlace): Promise<number> {
  return isPostgres(place) ? migratePostgres(place) : migrateSqlite(place);
}

/**
 * Opens where journeys wait.
 * @param isShared other processes have it open: on SQLite it is then never made anew, which holding the right to write allows
 */
export async function openJourneys(place: StoragePlace, isShared = false): Promise<OpenJourneys> {
  return isPostgres(place) ? openPostgresJourneys(place) : openSqliteJourneys(place.dataDir, isShared);
}

/**
 * The lock's place is its own: `LOCK_URL`; without it, a file beside SQLite's data, or a table beside PostgreSQL's, which
 * every process reaches and a restored backup brings back.
 */
export async function openLock(place: StoragePlace): Promise<OpenLock> {
  return isLockOnPostgres(place) ? openPostgresLock(place) : openSqliteLock(place.dataDir);
}

/** The lock's checkpoint, also while a gateway holds it; `undefined` where there is none. */
export async function readLock(place: StoragePlace): Promise<string | undefined> {
  return isLockOnPostgres(place) ? readPostgresLock(place) : readSqliteLock(place.dataDir);
}

function isLockOnPostgres(place: StoragePlace): boolean {
  return place.lockUrl !== undefined || isPostgres(place);
}

/**
 * Takes the right to write: on SQLite it ends with the process however it ends, on PostgreSQL when it is not renewed.
 * @param lost told, once, when the right is gone although it was not released
 * @throws WriterBusy when another process holds it
 */
export async function holdWriter(place: StoragePlace, lost: (error: Error) => void): Promise<HeldWriter> {
  return isPostgres(place) ? holdPostgresWriter(place, lost) : holdSqliteWriter(place.dataDir);
}

/** Whether the data are in a database that other machines reach too. */
export function isPostgres({ databaseUrl }: Pick<StoragePlace, 'databaseUrl'>): boolean {
  if (/^postgres(ql)?:\/\//.test(databaseUrl)) return true;
  if (databaseUrl.startsWith('sqlite:')) return false;
  throw new SetupError('DATABASE_URL must start with `sqlite:` or `postgres://`.');
}

/** A database that is damaged, or none. */
export function isDatabaseError(error: unknown): error is Error {
  return isSqliteError(error) || isPostgresDamage(error);
}
