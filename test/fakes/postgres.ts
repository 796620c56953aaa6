/** Databases of the run's PostgreSQL, for as long as a test needs them. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { migrateStorage, type StoragePlace } from '../../src/storage/open.ts';

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

/** An empty database, or a copy of another that nobody has open. @returns its address */
export async function newDatabase(template = 'template0'): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await sql(`${server}/postgres`, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return `${server}/${name}`;
}

export async function dropDatabase(url: string): Promise<void> {
  await sql(`${server}/postgres`, `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
}

export type PostgresPlace = StoragePlace & { done(): Promise<void> };

/** A migrated database, and a folder for what is kept beside it. */
export async function newPlace(): Promise<PostgresPlace> {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-postgres-place-'));
  const databaseUrl = await newDatabase();
  await migrateStorage({ dataDir, databaseUrl });
  return {
    dataDir,
    databaseUrl,
    async done() {
      await dropDatabase(databaseUrl);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
