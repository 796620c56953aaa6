/** The counted figures of petitions: changes gathered over a batch, applied once, read without counting rows. */
import { eq, sql } from 'drizzle-orm';
import type { Day } from '../../clock.ts';
import type { PetitionId } from '../../petitions/petition.ts';
import type { Tally } from '../../petitions/signature.ts';
import type { Sqlite } from './database.ts';
import { figures, petitions } from './schema.ts';

type Figure = typeof figures.$inferSelect;

/** What a batch adds to and takes from each figure. */
export class FigureChanges {
  readonly #changes = new Map<string, Figure>();

  signed(petition: number, day: Day, department: string | undefined, count: 1 | -1): void {
    this.#add(petition, 'total', '', count);
    this.#add(petition, 'day', day, count);
    if (department !== undefined) this.#add(petition, 'department', department, count);
  }

  withdrawn(petition: number, count: 1 | -1): void {
    this.#add(petition, 'withdrawn', '', count);
  }

  /** The changes that are not nil. */
  list(): readonly Figure[] {
    return [...this.#changes.values()].filter(({ count }) => count !== 0);
  }

  #add(petition: number, figure: Figure['figure'], key: string, count: number): void {
    const name = `${petition} ${figure} ${key}`;
    const change = this.#changes.get(name);
    if (change === undefined) this.#changes.set(name, { petition, figure, key, count });
    else change.count += count;
  }
}

export function sqliteFigures(database: Sqlite) {
  const { placeholder } = sql;
  // Insert, then add: an upsert would hold a negative change to the check on `count` before it is added.
  const create = database
    .insert(figures)
    .values({ petition: placeholder('petition'), figure: placeholder('figure'), key: placeholder('key'), count: 0 })
    .onConflictDoNothing()
    .prepare();
  const add = database
    .update(figures)
    .set({ count: sql`${figures.count} + ${placeholder('count')}` })
    .where(
      sql`${figures.petition} = ${placeholder('petition')} and ${figures.figure} = ${placeholder('figure')} and ${figures.key} = ${placeholder('key')}`,
    )
    .prepare();
  const ofPetition = database
    .select()
    .from(figures)
    .where(eq(figures.petition, placeholder('petition')))
    .prepare();
  const totals = database
    .select({ id: petitions.id, count: figures.count })
    .from(petitions)
    .innerJoin(figures, sql`${figures.petition} = ${petitions.ref} and ${figures.figure} = 'total'`)
    .prepare();

  return {
    /** Inside the transaction that changes the rows. */
    apply(changes: FigureChanges): void {
      for (const change of changes.list()) {
        if (add.run(change).changes === 1) continue;
        create.run(change);
        add.run(change);
      }
    },

    tally(petition: number | undefined): Tally {
      const rows = petition === undefined ? [] : ofPetition.all({ petition }).filter(({ count }) => count > 0);
      const counts = <K extends string>(figure: Figure['figure']) =>
        new Map(rows.filter((row) => row.figure === figure).map(({ key, count }) => [key as K, count]));
      return {
        total: counts('total').get('') ?? 0,
        byDay: counts<Day>('day'),
        byDepartment: counts('department'),
        withdrawn: counts('withdrawn').get('') ?? 0,
        invalidated: new Map(),
      };
    },

    totals(): ReadonlyMap<PetitionId, number> {
      return new Map(totals.all().map(({ id, count }) => [id as PetitionId, count]));
    },
  };
}
