import type { Petition } from '../../petitions/petition.ts';
import type { PetitionStore } from '../../petitions/ports.ts';
import { asc, desc, eq, sql } from '../drizzle.ts';
import { petitionOf } from '../petition-row.ts';
import type { Database } from './database.ts';
import { alias, drizzle } from './drizzle.ts';
import { entries, petitions } from './schema.ts';

const KEEP_MS = 100;

export function postgresPetitionStore(database: Database): PetitionStore & { forget(): void } {
  const opening = alias(entries, 'opening');
  const closing = alias(entries, 'closing');
  const destruction = alias(entries, 'destruction');
  const orm = drizzle(database.pool);
  const select = () =>
    orm
      .select({ petition: petitions, opened: opening.day, closed: closing.day, destroyed: destruction.day })
      .from(petitions)
      .innerJoin(opening, eq(opening.index, petitions.opening))
      .leftJoin(closing, eq(closing.index, petitions.closing))
      .leftJoin(destruction, eq(destruction.index, petitions.destruction));

  const by = {
    id: select()
      .where(eq(petitions.id, sql.placeholder('value')))
      .prepare('paraphe_petition_by_id'),
    slug: select()
      .where(eq(petitions.slug, sql.placeholder('value')))
      .prepare('paraphe_petition_by_slug'),
  };
  const all = select().orderBy(desc(petitions.ref), asc(petitions.id)).prepare('paraphe_petitions');

  // A petition is read at every step of a journey and changes once in its life. What was read serves for a tenth of a
  // second, everyone who asks meanwhile included, and is forgotten at once when this process changes it. Whether a petition
  // takes a signature is never decided from this: its row is read.
  let read = new Map<string, Reading>();
  const forget = () => {
    read = new Map();
  };
  function find(column: 'id' | 'slug', value: string): Promise<Kept | undefined> {
    const name = `${column} ${value}`;
    const reading = read.get(name);
    if (reading !== undefined && performance.now() - reading.at < KEEP_MS) return reading.kept;
    const kept = database.act(async () => {
      const [row] = await by[column].execute({ value });
      return row && { petition: petitionOf(row), wrappedSecret: row.petition.wrappedSecret ?? undefined };
    });
    const now = { at: performance.now(), kept };
    read.set(name, now);
    const drop = () => void (read.get(name) === now && read.delete(name));
    kept.then((found) => found === undefined && drop(), drop); // only what is there is kept
    return kept;
  }

  return {
    forget,
    findBySlug: async (slug) => (await find('slug', slug))?.petition,
    findById: async (id) => (await find('id', id))?.petition,
    list: () => database.act(async () => (await all.execute()).map(petitionOf)),
    findWrappedSecret: async (id) => (await find('id', id))?.wrappedSecret,
  };
}

type Kept = { readonly petition: Petition; readonly wrappedSecret: Uint8Array | undefined };
type Reading = { readonly at: number; readonly kept: Promise<Kept | undefined> };
