/** Databases of the run's PostgreSQL, for as long as a test needs them. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { getTableName, is } from '../../src/storage/drizzle.ts';
import { migrateStorage, type StoragePlace } from '../../src/storage/open.ts';
import { PgTable } from '../../src/storage/postgres/drizzle.ts';
import * as schema from '../../src/storage/postgres/schema.ts';

const server = inject('postgres');

/** Runs statements in a database, as its operator would. @returns the rows of the last one */
export async function sql<R extends pg.QueryResultRow>(url: string, ...statements: string[]): Promise<R[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    let rows: R[] = [];
    for (const statement of statements) rows = (await client.query<R>(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** An empty database. It goes with the server, when the run ends. @returns its address */
export async function newDatabase(template = 'template1'): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await sql(`${server}/postgres`, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return `${server}/${name}`;
}

/** A copy of a database that nobody has open, as a dump would restore it. @returns its address */
export function copyDatabase(url: string): Promise<string> {
  return newDatabase(nameOf(url));
}

/** Puts a database in the place of another, which is lost. */
export async function putInPlace(url: string, place: string): Promise<void> {
  await sql(
    `${server}/postgres`,
    `DROP DATABASE ${nameOf(place)} WITH (FORCE)`,
    `ALTER DATABASE ${nameOf(url)} RENAME TO ${nameOf(place)}`,
  );
}

const nameOf = (url: string) => new URL(url).pathname.slice(1);

export type PostgresPlace = StoragePlace & {
  /** Empties every table: quicker than another database. */
  empty(): Promise<void>;
  done(): void;
};

const TABLES = [...Object.values(schema)].filter((value) => is(value, PgTable)).map((table) => getTableName(table));

/** A migrated database, and a folder for what is kept beside it. */
export async function newPlace(): Promise<PostgresPlace> {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-postgres-place-'));
  const databaseUrl = await newDatabase();
  await migrateStorage({ dataDir, databaseUrl });
  return {
    dataDir,
    databaseUrl,
    empty: async () => void (await sql(databaseUrl, TABLES.map((table) => `DELETE FROM ${table}`).join(';'))),
    done: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}
