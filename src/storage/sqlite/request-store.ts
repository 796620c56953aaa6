/** Requests of commands to the gateway that writes the log: a row each, for as long as one waits for the other. */
import { and, asc, eq, isNotNull, isNull } from 'drizzle-orm';
import type { PetitionAct, PetitionOutcome } from '../../petitions/acts.ts';
import type { RequestStore } from '../../petitions/ports.ts';
import { decode, encode } from '../request-text.ts';
import { act, type Sqlite } from './database.ts';
import { requests } from './schema.ts';

export function sqliteRequestStore(database: Sqlite): RequestStore {
  const waiting = database
    .select({ id: requests.id, acts: requests.acts })
    .from(requests)
    .where(isNull(requests.outcomes))
    .orderBy(asc(requests.id))
    .prepare();
  const take = (id: number, answered: boolean) =>
    database
      .delete(requests)
      .where(and(eq(requests.id, id), answered ? isNotNull(requests.outcomes) : isNull(requests.outcomes)))
      .returning({ outcomes: requests.outcomes })
      .get();

  return {
    leave: async (acts) =>
      act(() => {
        const row = database
          .insert(requests)
          .values({ acts: encode(acts) })
          .returning({ id: requests.id })
          .get();
        return row.id;
      }),
    collect: async (id) =>
      act(() => {
        const outcomes = take(id, true)?.outcomes;
        return outcomes == null ? undefined : (decode(outcomes) as readonly PetitionOutcome[]);
      }),
    withdraw: async (id) => act(() => take(id, false) !== undefined),
    waiting: async () =>
      act(() => waiting.all().map(({ id, acts }) => ({ id, acts: decode(acts) as readonly PetitionAct[] }))),
    answer: async (id, outcomes) =>
      act(
        () =>
          void database
            .update(requests)
            .set({ outcomes: encode(outcomes) })
            .where(eq(requests.id, id))
            .run(),
      ),
  };
}
