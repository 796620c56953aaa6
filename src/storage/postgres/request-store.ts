/** Requests of commands to the gateway that writes the log: a row each, for as long as one waits for the other. */
import { and, asc, eq, isNotNull, isNull } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { PetitionAct, PetitionOutcome } from '../../petitions/acts.ts';
import type { RequestStore } from '../../petitions/ports.ts';
import { decode, encode } from '../request-text.ts';
import type { Database } from './database.ts';
import { requests } from './schema.ts';

export function postgresRequestStore(database: Database): RequestStore {
  const tables = drizzle(database.pool);
  const take = (id: number, answered: boolean) =>
    database.act(async () => {
      const isReady = answered ? isNotNull(requests.outcomes) : isNull(requests.outcomes);
      const [row] = await tables
        .delete(requests)
        .where(and(eq(requests.id, id), isReady))
        .returning({ outcomes: requests.outcomes });
      return row;
    });

  return {
    async leave(acts) {
      const values = { acts: encode(acts) };
      const [row] = await database.act(() => tables.insert(requests).values(values).returning({ id: requests.id }));
      if (row === undefined) throw new RangeError('a request was not left');
      return row.id;
    },
    async collect(id) {
      const outcomes = (await take(id, true))?.outcomes;
      return outcomes == null ? undefined : (decode(outcomes) as readonly PetitionOutcome[]);
    },
    withdraw: async (id) => (await take(id, false)) !== undefined,
    async waiting() {
      const asked = { id: requests.id, acts: requests.acts };
      const rows = await database.act(() =>
        tables.select(asked).from(requests).where(isNull(requests.outcomes)).orderBy(asc(requests.id)),
      );
      return rows.map(({ id, acts }) => ({ id, acts: decode(acts) as readonly PetitionAct[] }));
    },
    async answer(id, outcomes) {
      const row = { outcomes: encode(outcomes) };
      await database.act(() => tables.update(requests).set(row).where(eq(requests.id, id)));
    },
  };
}
