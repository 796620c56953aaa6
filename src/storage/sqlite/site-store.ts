import type { SiteStore } from '../../provider/ports.ts';
import { asc, eq, sql } from '../drizzle.ts';
import { siteFromRow, siteToRow } from '../site-rows.ts';
import { act, type Sqlite } from './database.ts';
import { sites } from './schema.ts';

export function sqliteSiteStore(database: Sqlite): SiteStore {
  const find = database
    .select()
    .from(sites)
    .where(eq(sites.id, sql.placeholder('id')))
    .prepare();
  return {
    add: (site) => act(() => void database.insert(sites).values(siteToRow(site)).run()),
    find: (id) =>
      act(() => {
        const row = find.get({ id });
        return row && siteFromRow(row);
      }),
    list: () => act(() => database.select().from(sites).orderBy(asc(sites.id)).all().map(siteFromRow)),
    remove: (id) => act(() => database.delete(sites).where(eq(sites.id, id)).run().changes === 1),
    replaceSecret: (id, sealedSecret) =>
      act(() => {
        const set = { sealedSecret: Buffer.from(sealedSecret) };
        return database.update(sites).set(set).where(eq(sites.id, id)).run().changes === 1;
      }),
  };
}
