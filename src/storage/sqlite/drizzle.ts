/** What SQLite needs of `drizzle-orm`; `../drizzle.ts` says why it is loaded like this. */
import { createRequire } from 'node:module';

export type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';

const load = createRequire(import.meta.url);

export const { drizzle } = load('drizzle-orm/better-sqlite3') as typeof import('drizzle-orm/better-sqlite3');
export const { migrate } = load(
  'drizzle-orm/better-sqlite3/migrator',
) as typeof import('drizzle-orm/better-sqlite3/migrator');
export const {
  alias,
  blob,
  check,
  getTableConfig,
  index,
  integer,
  primaryKey,
  SQLiteTable,
  sqliteTable,
  text,
  uniqueIndex,
} = load('drizzle-orm/sqlite-core') as typeof import('drizzle-orm/sqlite-core');
