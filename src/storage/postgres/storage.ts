/** The data and the journeys on PostgreSQL, opened for one process: its connections are bounded, journeys have their own. */
import { join } from 'node:path';
import type pg from 'pg';
import { SetupError } from '../../errors.ts';
import { readMigrationFiles } from '../drizzle.ts';
import { checkNotMoved } from '../moving.ts';
import type { OpenJourneys, Storage } from '../open.ts';
import type { StoragePlace } from '../place.ts';
import { connect, Database, placeOf } from './database.ts';
import { drizzle, migrate } from './drizzle.ts';
import { checkTables } from './integrity.ts';
import { postgresJourneyStore } from './journey-store.ts';
import { isWriterGone } from './lease.ts';
import { Listener } from './listener.ts';
import { postgresLogStore } from './log-store.ts';
import { postgresPetitionStore } from './petition-store.ts';
import { postgresProviderRows } from './provider-rows.ts';
import { postgresRequestStore } from './request-store.ts';
import { checkServer } from './server.ts';
import { postgresSignatureStore } from './signature-store.ts';
import { postgresSiteStore } from './site-store.ts';
import { postgresWrappedSecrets } from './wrapped-secrets.ts';

const MIGRATIONS = join(import.meta.dirname, '../../../drizzle/postgres');
/**
 * With two for the lock and one to listen, and where it writes two more for the lock and one for the right to write, a
 * process holds at most 21 connections.
 */
const CONNECTIONS = 10;
const JOURNEY_CONNECTIONS = 5;
/** The number that stands for migrating among the advisory locks of a database: "migrate" in ASCII. */
const MIGRATING = '30796665482998885';
const MOVED = { name: 'paraphe_moved', text: 'SELECT moved FROM log' };
const READY = { name: 'paraphe_ready', text: 'SELECT 1 FROM petitions LIMIT 1' };

/** @throws SetupError when the database is out of reach or not fit, has moved, is from another version, or lacks a migration */
export async function openPostgresStorage(
  { databaseUrl, allowUnsafeCommits }: StoragePlace,
  movingTo?: string,
): Promise<Storage> {
  const database = new Database(databaseUrl, CONNECTIONS);
  const checkHere = async () => {
    const [log] = await database.rows<{ moved: string | null }>(MOVED);
    checkNotMoved(log?.moved, placeOf(databaseUrl), movingTo);
  };
  try {
    await checkServer(database.pool, databaseUrl, allowUnsafeCommits);
    if ((await pendingMigrations(database.pool, databaseUrl)) > 0) {
      throw new SetupError('The database is not up to date: run `paraphe migrate` first.');
    }
    await checkHere();
  } catch (error) {
    await database.close();
    throw error;
  }
  const petitions = postgresPetitionStore(database);
  const log = postgresLogStore(database, () => petitions.forget());
  const listener = new Listener(databaseUrl);
  return {
    petitions,
    signatures: postgresSignatureStore(database),
    log: {
      ...log,
      async state() {
        await checkHere(); // whoever was running when they moved learns it before the next write
        return log.state();
      },
    },
    requests: postgresRequestStore(database, listener),
    onPublished: (told) => listener.on('published', told),
    isWriterGone: () => isWriterGone(database),
    onReleased: (told) => listener.on('released', told),
    sites: postgresSiteStore(database),
    secrets: postgresWrappedSecrets(database, () => petitions.forget()),
    checkTables: () => checkTables(databaseUrl),
    async backup() {
      throw new SetupError(
        `The data are on PostgreSQL: copy ${placeOf(databaseUrl)} with \`pg_dump --format=custom --no-unlogged-table-data\`.`,
      );
    },
    ready: async () => void (await database.rows(READY)),
    async close() {
      await listener.close();
      await database.close();
    },
  };
}

/** Brings the database, which must be there, to this version's schema. Answers how many migrations it applied. */
export async function migratePostgres({ databaseUrl, allowUnsafeCommits }: StoragePlace): Promise<number> {
  const client = await connect(databaseUrl);
  try {
    await checkServer(client, databaseUrl, allowUnsafeCommits);
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATING]); // until the connection ends
    const pending = await pendingMigrations(client, databaseUrl);
    if (pending > 0) await migrate(drizzle(client), { migrationsFolder: MIGRATIONS });
    return pending;
  } finally {
    await client.end();
  }
}

export async function openPostgresJourneys({ databaseUrl }: StoragePlace): Promise<OpenJourneys> {
  const database = new Database(databaseUrl, JOURNEY_CONNECTIONS);
  return {
    journeys: postgresJourneyStore(database),
    providerRows: postgresProviderRows(database),
    close: () => database.close(),
  };
}

/** @throws SetupError when the database has other migrations than ours */
async function pendingMigrations(client: pg.Client | pg.Pool, url: string): Promise<number> {
  const known = readMigrationFiles({ migrationsFolder: MIGRATIONS }).map(({ hash }) => hash);
  const applied = await appliedMigrations(client);
  if (applied.some((hash, i) => hash !== known[i])) {
    throw new SetupError(
      `${placeOf(url)} was written by another version of Paraphe, whose data this one does not migrate: name another database, or run that version.`,
    );
  }
  return known.length - applied.length;
}

async function appliedMigrations(client: pg.Client | pg.Pool): Promise<readonly string[]> {
  const table = await client.query<{ there: boolean }>(
    "SELECT to_regclass('drizzle.__drizzle_migrations') IS NOT NULL AS there",
  );
  if (table.rows[0]?.there !== true) return [];
  const { rows } = await client.query<{ hash: string }>('SELECT hash FROM drizzle.__drizzle_migrations ORDER BY id');
  return rows.map(({ hash }) => hash);
}
