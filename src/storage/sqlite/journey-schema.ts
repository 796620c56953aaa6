/**
 * Tables of the journeys' file, which is separate from the data and worth nothing without the browsers' cookies: losing
 * it costs a new login. `id` is a hash of the journey's `state`; `claimed` and `expires` are in seconds since 1970.
 * Claims are kept WITHOUT ROWID (see the migration), their rows being little more than the key. Rows with a content are
 * not: four of them fill a page, and in the tree of their keys every other insert would split one.
 */
import { blob, index, integer, sqliteTable } from './drizzle.ts';

/** A journey's content, sealed under a key that only its cookie holds. */
export const journeys = sqliteTable(
  'journeys',
  {
    id: blob({ mode: 'buffer' }).primaryKey(),
    content: blob({ mode: 'buffer' }).notNull(),
    expires: integer().notNull(),
  },
  (table) => [index('journeys_expires').on(table.expires)],
);

/** Logins that have come back: the primary key makes each `state`, and so each nonce, serve once. */
export const claims = sqliteTable(
  'claims',
  { id: blob({ mode: 'buffer' }).primaryKey(), claimed: integer().notNull(), expires: integer().notNull() },
  (table) => [index('claims_expires').on(table.expires)],
);

/** The OpenID Provider's own: `id` is a hash of what the row is named after, and its content is sealed under that name. */
export const providerRows = sqliteTable(
  'provider_rows',
  {
    id: blob({ mode: 'buffer' }).primaryKey(),
    content: blob({ mode: 'buffer' }).notNull(),
    consumed: integer(),
    expires: integer().notNull(),
  },
  (table) => [index('provider_rows_expires').on(table.expires)],
);
