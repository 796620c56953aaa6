import type { SiteStore } from '../../provider/ports.ts';
import { asc, eq } from '../drizzle.ts';
import { siteFromRow, siteToRow } from '../site-rows.ts';
import type { Database } from './database.ts';
import { drizzle } from './drizzle.ts';
import { sites } from './schema.ts';

export function postgresSiteStore(database: Database): SiteStore {
  const db = drizzle(database.pool);
  return {
    add: (site) => database.act(async () => void (await db.insert(sites).values(siteToRow(site)))),
    find: (id) =>
      database.act(async () => {
        const [row] = await db.select().from(sites).where(eq(sites.id, id));
        return row && siteFromRow(row);
      }),
    list: () => database.act(async () => (await db.select().from(sites).orderBy(asc(sites.id))).map(siteFromRow)),
    remove: (id) => database.act(async () => (await db.delete(sites).where(eq(sites.id, id))).rowCount === 1),
    replaceSecret: (id, sealedSecret) =>
      database.act(async () => {
        const set = { sealedSecret: Buffer.from(sealedSecret) };
        return (await db.update(sites).set(set).where(eq(sites.id, id))).rowCount === 1;
      }),
  };
}
