import { setImmediate } from 'node:timers/promises';
import { and, eq, inArray, isNull, lte, sql } from 'drizzle-orm';
import type { ProviderRows } from '../../provider/ports.ts';
import { act, type Sqlite } from './database.ts';
import { providerRows as rows } from './journey-schema.ts';

const PORTION = 500;

export function sqliteProviderRows(database: Sqlite): ProviderRows {
  const { placeholder } = sql;
  const named = eq(rows.id, placeholder('id'));
  const save = database
    .insert(rows)
    .values({
      id: placeholder('id'),
      content: placeholder('content'),
      grant: placeholder('grant'),
      expires: placeholder('expires'),
    })
    .onConflictDoUpdate({
      target: rows.id,
      set: { content: sql`excluded.content`, grant: sql`excluded.grant_hash`, expires: sql`excluded.expires` },
    })
    .prepare();
  const find = database.select().from(rows).where(named).prepare();
  const consume = database
    .update(rows)
    .set({ consumed: sql`${placeholder('now')}` })
    .where(and(named, isNull(rows.consumed)))
    .prepare();
  const remove = database.delete(rows).where(named).prepare();
  const removeGrant = database
    .delete(rows)
    .where(eq(rows.grant, placeholder('grant')))
    .prepare();
  const expired = database
    .select({ id: rows.id })
    .from(rows)
    .where(lte(rows.expires, placeholder('now')));
  const sweep = database
    .delete(rows)
    .where(inArray(rows.id, expired.limit(PORTION)))
    .prepare();

  return {
    save: (id, content, grant, expires) => act(() => void save.run({ id, content, grant: grant ?? null, expires })),
    find: (id, now) =>
      act(() => {
        const row = find.get({ id });
        if (row === undefined || row.expires <= now) return undefined;
        return { content: row.content, consumed: row.consumed ?? undefined };
      }),
    consume: (id, now) => act(() => consume.run({ id, now }).changes === 1),
    remove: (id) => act(() => void remove.run({ id })),
    removeGrant: (grant) => act(() => void removeGrant.run({ grant })),
    async sweep(now) {
      while ((await act(() => sweep.run({ now }).changes)) === PORTION) await setImmediate();
    },
  };
}
