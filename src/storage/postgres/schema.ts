/**
 * Tables of the data on PostgreSQL: those of SQLite's files (`../sqlite/schema.ts` says what each column is; a test compares
 * the two), journeys included. What a mapper cannot say stands in the migration: journeys are UNLOGGED, tiles are kept out
 * of line as they are, and rows that are written again and again leave room for it.
 */
import { sql } from '../drizzle.ts';
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
} from './drizzle.ts';

const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
/** The index of an entry, or a number of them. */
const count = () => bigint({ mode: 'number' });
const one = () => integer().primaryKey();

export const petitions = pgTable(
  'petitions',
  {
    ref: integer().primaryKey().generatedAlwaysAsIdentity(),
    id: text().notNull(),
    slug: text().notNull(),
    title: text().notNull(),
    text: text().notNull(),
    statement: bytes().notNull(),
    author: text(),
    thresholds: text().notNull(),
    closes: integer(),
    minAge: integer('min_age').notNull(),
    departments: boolean().notNull(),
    acr: text().notNull(),
    issuer: text().notNull(),
    clientId: text('client_id').notNull(),
    nymKey: bytes('nym_key').notNull(),
    wrappedSecret: bytes('wrapped_secret'),
    opening: count().notNull(),
    closing: count(),
    destruction: count(),
  },
  (table) => [uniqueIndex('petitions_id').on(table.id), uniqueIndex('petitions_slug').on(table.slug)],
);

/**
 * One person, one signature: the primary key is the promise. No foreign key: checking it would lock the petition's row for
 * every signature, petitions are never removed, and `fsck` follows every pointer.
 */
export const signatures = pgTable(
  'signatures',
  {
    petition: integer().notNull(),
    nym: bytes().notNull(),
    entry: count().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.petition, table.nym] }),
    check('signatures_nym', sql`octet_length(${table.nym}) = 32`),
  ],
);

export const entries = pgTable('entries', {
  index: bigint('index', { mode: 'number' }).primaryKey(),
  kind: smallint().notNull(),
  day: integer().notNull(),
  petition: integer(),
  nym: bytes(),
  department: text(),
  evidence: bytes(),
  ground: text({ enum: ['fraud', 'court', 'error'] }),
  count: count(),
  previous: count(),
});

export const tiles = pgTable('tiles', { place: count().primaryKey(), hashes: bytes().notNull() });

export const log = pgTable('log', {
  id: one(),
  origin: text().notNull(),
  vkey: text().notNull(),
  size: count().notNull(),
  root: bytes().notNull(),
  moved: text(),
  keyId: bytes('key_id'),
});

export const publication = pgTable('publication', {
  id: one(),
  checkpoint: text().notNull(),
  at: count().notNull(),
});

export const fold = pgTable('fold', { id: one(), snapshot: text().notNull() });

export const identityKeys = pgTable(
  'identity_keys',
  { hash: bytes().notNull(), issuer: text().notNull(), jwks: bytes().notNull(), entry: count().notNull() },
  (table) => [primaryKey({ columns: [table.issuer, table.hash] }), uniqueIndex('identity_keys_entry').on(table.entry)],
);

export const sites = pgTable('sites', {
  id: text().primaryKey(),
  name: text().notNull(),
  redirectUris: text('redirect_uris').notNull(),
  petitions: text().notNull(),
  auth: text({ enum: ['client_secret_basic', 'private_key_jwt'] }).notNull(),
  jwksUri: text('jwks_uri'),
  sealedSecret: bytes('sealed_secret'),
  wrappedKey: bytes('wrapped_key').notNull(),
});

/** UNLOGGED like the journeys: nothing in it was acknowledged. `asked` is the minute, in seconds since 1970. */
export const requests = pgTable(
  'requests',
  { id: text().primaryKey(), acts: text().notNull(), outcomes: text(), asked: count().notNull() },
  (table) => [index('requests_waiting').on(table.id).where(sql`${table.outcomes} IS NULL`)],
);

/** The right to write. Not on SQLite, where it ends with the process that holds it. */
export const lease = pgTable('lease', {
  id: one(),
  epoch: count().notNull(),
  renewed: timestamp({ withTimezone: true }).notNull(),
});

/** UNLOGGED: empty after a crash of the database, at the cost of new logins. */
export const journeys = pgTable(
  'journeys',
  { id: bytes().primaryKey(), content: bytes().notNull(), expires: count().notNull() },
  (table) => [index('journeys_expires').on(table.expires)],
);

/** UNLOGGED like the journeys: whoever's claim is lost has lost the journey too, and cannot come back. */
export const claims = pgTable(
  'claims',
  { id: bytes().primaryKey(), claimed: count().notNull(), expires: count().notNull() },
  (table) => [index('claims_expires').on(table.expires)],
);

/** UNLOGGED like the journeys. */
export const providerRows = pgTable(
  'provider_rows',
  {
    id: bytes().primaryKey(),
    content: bytes().notNull(),
    consumed: count(),
    expires: count().notNull(),
  },
  (table) => [index('provider_rows_expires').on(table.expires)],
);
