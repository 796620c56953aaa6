/**
 * `drizzle-orm`, from the CommonJS build of the same release. Node's loader of ES modules parses a package's package.json
 * once more for each module of it (Node 24, `getPackageScopeConfig`), and this one's is 180 KB: its 150 modules cost a
 * second of CPU at the start of each command, and a tenth of one like this. Its values come through here, or through the
 * file of this name beside each schema.
 */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

export const { asc, desc, eq, getTableName, is, sql } = load('drizzle-orm') as typeof import('drizzle-orm');
export const { DrizzleQueryError } = load('drizzle-orm/errors') as typeof import('drizzle-orm/errors');
export const { readMigrationFiles } = load('drizzle-orm/migrator') as typeof import('drizzle-orm/migrator');
