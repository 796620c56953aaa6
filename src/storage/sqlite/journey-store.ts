import { eq, lte, sql } from 'drizzle-orm';
import type { JourneyStore } from '../../web/ports.ts';
import { act, type Sqlite } from './database.ts';
import { claims, journeys } from './journey-schema.ts';

export function sqliteJourneyStore(database: Sqlite): JourneyStore {
  const { placeholder } = sql;
  const claim = database
    .insert(claims)
    .values({ id: placeholder('id'), claimed: placeholder('now'), expires: placeholder('expires') })
    .onConflictDoNothing()
    .prepare();
  const claimed = database
    .select({ claimed: claims.claimed })
    .from(claims)
    .where(eq(claims.id, placeholder('id')))
    .prepare();
  const save = database
    .insert(journeys)
    .values({ id: placeholder('id'), content: placeholder('content'), expires: placeholder('expires') })
    .onConflictDoUpdate({
      target: journeys.id,
      set: { content: sql`excluded.content`, expires: sql`excluded.expires` },
    })
    .prepare();
  const find = database
    .select()
    .from(journeys)
    .where(eq(journeys.id, placeholder('id')))
    .prepare();
  const forget = database
    .delete(journeys)
    .where(eq(journeys.id, placeholder('id')))
    .prepare();
  const sweepJourneys = database
    .delete(journeys)
    .where(lte(journeys.expires, placeholder('now')))
    .prepare();
  const sweepClaims = database
    .delete(claims)
    .where(lte(claims.expires, placeholder('now')))
    .prepare();

  return {
    claim: async (id, now, expires) =>
      act(() => (claim.run({ id, now, expires }).changes === 1 ? undefined : (claimed.get({ id })?.claimed ?? now))),
    save: async (id, content, expires) => act(() => void save.run({ id, content, expires })),
    find: async (id, now) =>
      act(() => {
        const row = find.get({ id });
        return row !== undefined && row.expires > now ? row.content : undefined;
      }),
    forget: async (id) => act(() => void forget.run({ id })),
    sweep: async (now) =>
      act(() => {
        sweepJourneys.run({ now });
        sweepClaims.run({ now });
      }),
  };
}
