import type { Petition, PetitionId } from '../../petitions/petition.ts';
import type { PetitionStore } from '../../petitions/ports.ts';
import { asc, desc, eq, sql } from '../drizzle.ts';
import { type PetitionRow, petitionOf } from '../petition-row.ts';
import { act, type Sqlite } from './database.ts';
import { alias } from './drizzle.ts';
import { entries, petitions } from './schema.ts';

const FOLLOW_MS = 100;

export function sqlitePetitionStore(database: Sqlite): PetitionStore & { forget(): void } {
  const opening = alias(entries, 'opening');
  const closing = alias(entries, 'closing');
  const destruction = alias(entries, 'destruction');
  const select = () =>
    database
      .select({ petition: petitions, opened: opening.day, closed: closing.day, destroyed: destruction.day })
      .from(petitions)
      .innerJoin(opening, eq(opening.index, petitions.opening))
      .leftJoin(closing, eq(closing.index, petitions.closing))
      .leftJoin(destruction, eq(destruction.index, petitions.destruction));
  const bySlug = select()
    .where(eq(petitions.slug, sql.placeholder('slug')))
    .prepare();
  const byId = select()
    .where(eq(petitions.id, sql.placeholder('id')))
    .prepare();
  const all = select().orderBy(desc(petitions.ref), asc(petitions.id)).prepare();

  // A petition is read at every step of a journey and changes once in its life. What was read is kept until the file
  // changes: SQLite counts the commits of other connections in `data_version`, which is asked every tenth of a second,
  // and ours are told by `forget`. Whether a petition takes a signature is never decided from this: its row is read.
  const version = database.$client.prepare('PRAGMA data_version').pluck();
  let known: unknown;
  let asked = Number.NEGATIVE_INFINITY;
  let read = new Map<string, Kept>();
  const forget = () => {
    read = new Map();
  };
  function followOthers(): void {
    const now = performance.now();
    if (now - asked < FOLLOW_MS) return;
    const current = version.get();
    if (current !== known) forget();
    known = current;
    asked = now;
  }
  function find(name: string, get: () => PetitionRow | undefined): Kept | undefined {
    followOthers();
    let kept = read.get(name);
    if (kept !== undefined) return kept;
    const row = get();
    if (row === undefined) return undefined;
    kept = { petition: petitionOf(row), wrappedSecret: row.petition.wrappedSecret ?? undefined };
    read.set(name, kept);
    return kept;
  }
  const findById = (id: PetitionId) => find(`id ${id}`, () => byId.get({ id }));

  return {
    forget,
    findBySlug: (slug) => act(() => find(`slug ${slug}`, () => bySlug.get({ slug }))?.petition),
    findById: (id) => act(() => findById(id)?.petition),
    list: async () => act(() => all.all().map(petitionOf)),
    findWrappedSecret: (id) => act(() => findById(id)?.wrappedSecret),
  };
}

type Kept = { readonly petition: Petition; readonly wrappedSecret: Uint8Array | undefined };
