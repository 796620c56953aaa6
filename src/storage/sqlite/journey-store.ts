import { setImmediate } from 'node:timers/promises';
import { count as countOf, eq, gt, inArray, lte, sql } from 'drizzle-orm';
import type { JourneyStore } from '../../web/ports.ts';
import { act, type Sqlite } from './database.ts';
import { claims, journeys } from './journey-schema.ts';

const PORTION = 500;

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
    .update(journeys)
    .set({ expires: sql`min(${journeys.expires}, ${placeholder('by')})` })
    .where(eq(journeys.id, placeholder('id')))
    .prepare();
  const waiting = database
    .select({ expires: journeys.expires })
    .from(journeys)
    .where(gt(journeys.expires, placeholder('now')))
    .limit(placeholder('most'))
    .as('waiting');
  const count = database.select({ waiting: countOf() }).from(waiting).prepare();
  // In portions: at hundreds of logins a second, one sweep of a minute's rows would hold up everyone.
  const sweepers = [journeys, claims].map((table) => {
    const expired = database
      .select({ id: table.id })
      .from(table)
      .where(lte(table.expires, placeholder('now')));
    return database
      .delete(table)
      .where(inArray(table.id, expired.limit(PORTION)))
      .prepare();
  });

  return {
    claim: async (id, now, expires) =>
      act(() => (claim.run({ id, now, expires }).changes === 1 ? undefined : (claimed.get({ id })?.claimed ?? now))),
    save: async (id, content, expires) => act(() => void save.run({ id, content, expires })),
    find: async (id, now) =>
      act(() => {
        const row = find.get({ id });
        return row !== undefined && row.expires > now ? row.content : undefined;
      }),
    forget: async (id, by) => act(() => void forget.run({ id, by })),
    count: async (now, most) => act(() => count.get({ now, most })?.waiting ?? 0),
    async sweep(now) {
      for (const sweeper of sweepers) {
        while ((await act(() => sweeper.run({ now }).changes)) === PORTION) await setImmediate();
      }
    },
  };
}
