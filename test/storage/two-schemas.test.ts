/** Two databases, two schemas, one meaning: as they really are once their migrations have run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { migrateSqlite, openSqliteJourneys, openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { newPlace, sql } from '../fakes/postgres.ts';

/** Of each table: its columns with what they hold, and the columns that are unique together. */
type Schema = Record<string, { columns: string[]; unique: string[] }>;

const HOLDS: Record<string, string> = {
  integer: 'a number',
  bigint: 'a number',
  smallint: 'a number',
  boolean: 'a number', // 0 or 1
  blob: 'bytes',
  bytea: 'bytes',
  text: 'text',
};
const describeColumn = (name: string, type: string, mayBeNull: boolean) =>
  `${name}: ${HOLDS[type.toLowerCase()]}${mayBeNull ? ' or null' : ''}`;

test('SQLite and PostgreSQL have the same tables, columns and unique indexes', async () => {
  const { lease, ...postgres } = await schemaOfPostgres();
  expect(await schemaOfSqlite()).toEqual(postgres);
  expect(lease?.columns).toContain('epoch: a number'); // on SQLite the right to write is a lock on a file
  expect(postgres.signatures).toEqual({
    columns: ['entry: a number', 'nym: bytes', 'petition: a number'],
    unique: ['petition, nym'],
  });
});

async function schemaOfSqlite(): Promise<Schema> {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-schema-'));
  migrateSqlite({ dataDir, databaseUrl: 'sqlite:' });
  void openSqliteJourneys(dataDir).close();
  const storage = openSqliteStorage({ dataDir, databaseUrl: 'sqlite:' });
  await storage.requests.waiting([]);
  await storage.close();
  const schema: Schema = {};
  for (const file of ['paraphe.sqlite', 'journeys.sqlite', 'requests.sqlite']) {
    const database = new Database(join(dataDir, file), { readonly: true });
    const names = (query: string) => database.prepare<[], string>(query).pluck().all();
    for (const table of names("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '*_*drizzle*'")) {
      if (table.startsWith('sqlite_')) continue;
      type Column = { name: string; type: string; notnull: number; pk: number };
      const columns = database.prepare<[], Column>(`SELECT * FROM pragma_table_info('${table}')`).all();
      const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
      const indexes = names(`SELECT name FROM pragma_index_list('${table}') WHERE "unique"`);
      const unique = indexes.map((index) => names(`SELECT name FROM pragma_index_info('${index}')`).join(', '));
      schema[table] = {
        columns: columns.map(({ name, type, notnull, pk }) => describeColumn(name, type, notnull + pk === 0)).sort(),
        unique: [...new Set([...unique, key.map(({ name }) => name).join(', ')])].sort(),
      };
    }
    database.close();
  }
  rmSync(dataDir, { recursive: true });
  return schema;
}

async function schemaOfPostgres(): Promise<Schema> {
  const { databaseUrl, done } = await newPlace();
  type Column = { table: string; name: string; type: string; null: boolean };
  const columns = await sql<Column>(
    databaseUrl,
    `SELECT table_name AS table, column_name AS name, data_type AS type, is_nullable = 'YES' AS null
     FROM information_schema.columns WHERE table_schema = 'public'`,
  );
  const indexes = await sql<{ table: string; columns: string }>(
    databaseUrl,
    `SELECT t.relname AS table, (
       SELECT string_agg(a.attname, ', ' ORDER BY k.at) FROM unnest(i.indkey) WITH ORDINALITY AS k (number, at)
       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) AS columns
     FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
     WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace`,
  );
  done();
  const tables = [...new Set(columns.map(({ table }) => table))];
  const of = <T extends { table: string }>(table: string, things: T[]) => things.filter((one) => one.table === table);
  return Object.fromEntries(
    tables.map((table) => [
      table,
      {
        columns: of(table, columns)
          .map((column) => describeColumn(column.name, column.type, column.null))
          .sort(),
        unique: of(table, indexes)
          .map((index) => index.columns)
          .sort(),
      },
    ]),
  );
}
