/** What PostgreSQL needs of `drizzle-orm`; `../drizzle.ts` says why it is loaded like this. */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

export const { drizzle } = load('drizzle-orm/node-postgres') as typeof import('drizzle-orm/node-postgres');
export const { migrate } = load(
  'drizzle-orm/node-postgres/migrator',
) as typeof import('drizzle-orm/node-postgres/migrator');
export const {
  alias,
  bigint,
  boolean,
  check,
  customType,
  getTableConfig,
  index,
  integer,
  PgTable,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
} = load('drizzle-orm/pg-core') as typeof import('drizzle-orm/pg-core');
