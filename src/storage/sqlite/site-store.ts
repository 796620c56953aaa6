import type { SiteStore } from '../../provider/ports.ts';
import { asc, eq, sql } from '../drizzle.ts';
import { siteFromRow, siteToRow } from '../site-rows.ts';
import { isSameKey } from '../wrapped-secrets.ts';
import { act, type Sqlite } from './database.ts';
import { sites } from './schema.ts';

export function sqliteSiteStore(database: Sqlite): SiteStore {
  const find = database
    .select()
    .from(sites)
    .where(eq(sites.id, sql.placeholder('id')))
    .prepare();
  const keyOfData = database.$client.prepare<[], Buffer | null>('SELECT key_id FROM log').pluck();
  /** What adds a secret, where the data are under its key. @returns `undefined` where they are not */
  function underKey<T>(keyId: Uint8Array, work: () => T): Promise<T | undefined> {
    const transaction = database.$client.transaction(() => (isSameKey(keyOfData.get(), keyId) ? work() : undefined));
    return act(() => transaction.immediate());
  }

  return {
    add: async (site, keyId) =>
      (await underKey(keyId, () => database.insert(sites).values(siteToRow(site)).run())) !== undefined,
    find: (id) =>
      act(() => {
        const row = find.get({ id });
        return row && siteFromRow(row);
      }),
    list: () => act(() => database.select().from(sites).orderBy(asc(sites.id)).all().map(siteFromRow)),
    remove: (id) => act(() => database.delete(sites).where(eq(sites.id, id)).run().changes === 1),
    async replaceSecret(id, sealedSecret, keyId) {
      const set = { sealedSecret: Buffer.from(sealedSecret) };
      const done = await underKey(keyId, () => database.update(sites).set(set).where(eq(sites.id, id)).run());
      if (done === undefined) return 'key-replaced';
      return done.changes === 1 ? 'replaced' : 'site-unknown';
    },
  };
}
