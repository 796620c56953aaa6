/**
 * Tables of the data file. Nyms, hashes and references are binary or whole numbers, and a day is the number of days
 * since 1970-01-01: tens of millions of rows are kept. What each row says of a person is listed in docs/privacy.md.
 */
import { sql } from 'drizzle-orm';
import { blob, check, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

export const petitions = sqliteTable(
  'petitions',
  {
    ref: integer().primaryKey(),
    id: text().notNull(),
    slug: text().notNull(),
    title: text().notNull(),
    text: text().notNull(),
    statement: blob({ mode: 'buffer' }).notNull(),
    opened: integer().notNull(),
    closes: integer(),
    closed: integer(),
    minAge: integer('min_age').notNull(),
    departments: integer({ mode: 'boolean' }).notNull(),
    acr: text().notNull(),
    issuer: text().notNull(),
    clientId: text('client_id').notNull(),
    nymKey: blob('nym_key', { mode: 'buffer' }).notNull(),
    wrappedSecret: blob('wrapped_secret', { mode: 'buffer' }),
  },
  (table) => [uniqueIndex('petitions_id').on(table.id), uniqueIndex('petitions_slug').on(table.slug)],
);

/** One person, one signature: the primary key is the promise. Kept WITHOUT ROWID, clustered by it (see the migration). */
export const signatures = sqliteTable(
  'signatures',
  {
    petition: integer()
      .notNull()
      .references(() => petitions.ref),
    nym: blob({ mode: 'buffer' }).notNull(),
    state: integer().notNull(),
    day: integer().notNull(),
    department: text(),
  },
  (table) => [
    primaryKey({ columns: [table.petition, table.nym] }),
    check('signatures_nym', sql`length(${table.nym}) = 32`),
    check('signatures_state', sql`${table.state} in (1, 2, 3)`),
  ],
);

/** Counts of signatures by figure (`total`, `withdrawn`, `day`, `department`) and key, kept by the recording itself. */
export const figures = sqliteTable(
  'figures',
  {
    petition: integer()
      .notNull()
      .references(() => petitions.ref),
    figure: text({ enum: ['total', 'withdrawn', 'day', 'department'] }).notNull(),
    key: text().notNull(),
    count: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.petition, table.figure, table.key] }),
    check('figures_count', sql`${table.count} >= 0`),
  ],
);

/** Every JWK Set that an identity provider was seen to publish, by the SHA-256 of its bytes. */
export const identityKeys = sqliteTable(
  'identity_keys',
  {
    hash: blob({ mode: 'buffer' }).notNull(),
    issuer: text().notNull(),
    jwks: blob({ mode: 'buffer' }).notNull(),
    seen: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.issuer, table.hash] })],
);
