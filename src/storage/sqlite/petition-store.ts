import { and, desc, eq, isNull, sql } from 'drizzle-orm';
import { dayFromNumber, dayNumber } from '../../clock.ts';
import type { Petition, PetitionId } from '../../petitions/petition.ts';
import type { PetitionStore } from '../../petitions/ports.ts';
import { act, type Sqlite } from './database.ts';
import { petitions } from './schema.ts';

export function sqlitePetitionStore(database: Sqlite): PetitionStore {
  const bySlug = database
    .select()
    .from(petitions)
    .where(eq(petitions.slug, sql.placeholder('slug')))
    .prepare();
  const byId = database
    .select()
    .from(petitions)
    .where(eq(petitions.id, sql.placeholder('id')))
    .prepare();
  const all = database.select().from(petitions).orderBy(desc(petitions.ref)).prepare();

  // A petition is read at every step of a journey and changes once in its life. What was read is kept until the file
  // changes: SQLite counts the commits of other connections in `data_version`, and ours are noted here.
  const version = database.$client.prepare('PRAGMA data_version').pluck();
  let known: unknown;
  let read = new Map<string, Kept>();
  const forget = () => {
    read = new Map();
  };
  function find(name: string, get: () => Row | undefined): Kept | undefined {
    const now = version.get();
    if (now !== known) forget();
    known = now;
    let kept = read.get(name);
    if (kept !== undefined) return kept;
    const row = get();
    if (row === undefined) return undefined;
    kept = { petition: fromRow(row), wrappedSecret: row.wrappedSecret ?? undefined };
    read.set(name, kept);
    return kept;
  }
  const findById = (id: PetitionId) => find(`id ${id}`, () => byId.get({ id }));

  return {
    open: async (petition, wrappedSecret) =>
      act(() => {
        const row = { ...toRow(petition), wrappedSecret: Buffer.from(wrappedSecret) };
        const { changes } = database
          .insert(petitions)
          .values(row)
          .onConflictDoNothing({ target: petitions.slug })
          .run();
        return changes === 1 ? 'opened' : 'slug-taken';
      }),

    close: async (id, day) =>
      act(() => {
        forget();
        const isOpen = and(eq(petitions.id, id), isNull(petitions.closed));
        const { changes } = database
          .update(petitions)
          .set({ closed: dayNumber(day) })
          .where(isOpen)
          .run();
        if (changes === 1) return 'closed';
        return byId.get({ id }) === undefined ? 'unknown' : 'already-closed';
      }),

    findBySlug: (slug) => act(() => find(`slug ${slug}`, () => bySlug.get({ slug }))?.petition),
    findById: (id) => act(() => findById(id)?.petition),
    list: async () => act(() => all.all().map(fromRow)),
    findWrappedSecret: (id) => act(() => findById(id)?.wrappedSecret),
  };
}

type Row = typeof petitions.$inferSelect;
type Kept = { readonly petition: Petition; readonly wrappedSecret: Uint8Array | undefined };

function toRow(petition: Petition): typeof petitions.$inferInsert {
  return {
    id: petition.id,
    slug: petition.slug,
    title: petition.statement.title,
    text: petition.statement.text,
    statement: Buffer.from(petition.statement.hash),
    opened: dayNumber(petition.opened),
    closes: optional(petition.closes, dayNumber) ?? null,
    closed: optional(petition.closed, dayNumber) ?? null,
    minAge: petition.minAge,
    departments: petition.departments,
    acr: petition.acr,
    issuer: petition.issuer,
    clientId: petition.clientId,
    nymKey: Buffer.from(petition.nymKey),
  };
}

function fromRow(row: Row): Petition {
  return {
    id: row.id as PetitionId,
    slug: row.slug,
    statement: { title: row.title, text: row.text, hash: row.statement },
    opened: dayFromNumber(row.opened),
    closes: optional(row.closes, dayFromNumber),
    closed: optional(row.closed, dayFromNumber),
    minAge: row.minAge,
    departments: row.departments,
    acr: row.acr,
    issuer: row.issuer,
    clientId: row.clientId,
    nymKey: row.nymKey,
  };
}

function optional<T, U>(value: T | null | undefined, map: (value: T) => U): U | undefined {
  return value === null || value === undefined ? undefined : map(value);
}
