/**
 * Tables of the data file. Nyms, hashes and references are binary or whole numbers, and a day is the number of days
 * since 1970-01-01: tens of millions of rows are kept. What each row says of a person is listed in docs/privacy.md.
 * The bytes of log entries are not stored: they are derived from these columns, and the tiles tell whether a column changed.
 */
import { sql } from '../drizzle.ts';
import { blob, check, integer, primaryKey, sqliteTable, text, uniqueIndex } from './drizzle.ts';

export const petitions = sqliteTable(
  'petitions',
  {
    ref: integer().primaryKey(),
    id: text().notNull(),
    slug: text().notNull(),
    title: text().notNull(),
    text: text().notNull(),
    statement: blob({ mode: 'buffer' }).notNull(),
    author: text(),
    /** JSON of the list of `Threshold`. */
    thresholds: text().notNull(),
    /** The last day on which one can sign. */
    closes: integer(),
    minAge: integer('min_age').notNull(),
    departments: integer({ mode: 'boolean' }).notNull(),
    acr: text().notNull(),
    issuer: text().notNull(),
    clientId: text('client_id').notNull(),
    nymKey: blob('nym_key', { mode: 'buffer' }).notNull(),
    wrappedSecret: blob('wrapped_secret', { mode: 'buffer' }),
    /** The indexes of its `petition-opened`, `petition-closed` and `pseudonyms-destroyed` entries, which hold the days. */
    opening: integer().notNull(),
    closing: integer(),
    destruction: integer(),
  },
  (table) => [uniqueIndex('petitions_id').on(table.id), uniqueIndex('petitions_slug').on(table.slug)],
);

/**
 * One person, one signature: the primary key is the promise. Kept WITHOUT ROWID, clustered by it (see the migration).
 * What became of the signature is what its latest entry says.
 */
export const signatures = sqliteTable(
  'signatures',
  {
    petition: integer()
      .notNull()
      .references(() => petitions.ref),
    nym: blob({ mode: 'buffer' }).notNull(),
    /** The index of the latest entry about this pseudonym. */
    entry: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.petition, table.nym] }),
    check('signatures_nym', sql`length(${table.nym}) = 32`),
  ],
);

/** The log's entries, in its order. The columns that a kind does not use are null. */
export const entries = sqliteTable('entries', {
  /** From 0, without gaps. */
  index: integer('index').primaryKey(),
  kind: integer().notNull(),
  day: integer().notNull(),
  petition: integer().references(() => petitions.ref),
  nym: blob({ mode: 'buffer' }),
  department: text(),
  evidence: blob({ mode: 'buffer' }),
  ground: text({ enum: ['fraud', 'court', 'error'] }),
  count: integer(),
  /** The index of the entry before this one about the same pseudonym. */
  previous: integer(),
});

/** The widest tile at each place: `place` is level * 2^44 + index. */
export const tiles = sqliteTable('tiles', {
  place: integer().primaryKey(),
  hashes: blob({ mode: 'buffer' }).notNull(),
});

const one = () => integer().primaryKey();

/** The log's name and its head: one row, written with the rows and tiles that the head commits to. */
export const log = sqliteTable('log', {
  id: one(),
  origin: text().notNull(),
  /** The verifier key, as `/log/vkey` serves it. */
  vkey: text().notNull(),
  size: integer().notNull(),
  root: blob({ mode: 'buffer' }).notNull(),
  /** Where `paraphe migrate` has taken these data: nobody opens them here any more. */
  moved: text(),
  /** Names the key that every secret in these data is wrapped under; null until it is replaced for the first time. */
  keyId: blob('key_id', { mode: 'buffer' }),
});

/** What is published: one row. */
export const publication = sqliteTable('publication', {
  id: one(),
  /** The signed note, cosignatures included. */
  checkpoint: text().notNull(),
  /** Milliseconds since 1970. */
  at: integer().notNull(),
});

/** The fold at rest, so that a start folds only what came later: one row. */
export const fold = sqliteTable('fold', {
  id: one(),
  /** JSON of a `FoldSnapshot`. */
  snapshot: text().notNull(),
});

/** Every JWK Set that an identity provider was seen to publish, by the SHA-256 of its bytes. */
export const identityKeys = sqliteTable(
  'identity_keys',
  {
    hash: blob({ mode: 'buffer' }).notNull(),
    issuer: text().notNull(),
    jwks: blob({ mode: 'buffer' }).notNull(),
    /** The index of its `identity-keys` entry. */
    entry: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.issuer, table.hash] }), uniqueIndex('identity_keys_entry').on(table.entry)],
);

/** Petition sites: what they are registered with, their secrets wrapped. Nothing here is of a person. */
export const sites = sqliteTable('sites', {
  id: text().primaryKey(),
  name: text().notNull(),
  /** JSON arrays: exact addresses; the ids of the petitions that it may ask signatures for. */
  redirectUris: text('redirect_uris').notNull(),
  petitions: text().notNull(),
  auth: text({ enum: ['client_secret_basic', 'private_key_jwt'] }).notNull(),
  jwksUri: text('jwks_uri'),
  sealedSecret: blob('sealed_secret', { mode: 'buffer' }),
  wrappedKey: blob('wrapped_key', { mode: 'buffer' }).notNull(),
});
