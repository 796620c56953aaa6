import type { SiteStore } from '../../provider/ports.ts';
import { asc, eq } from '../drizzle.ts';
import { siteFromRow, siteToRow } from '../site-rows.ts';
import type { Database, Statement } from './database.ts';
import { drizzle } from './drizzle.ts';
import { sites } from './schema.ts';
import { keepsKey } from './wrapped-secrets.ts';

const addSite: Statement = {
  name: 'paraphe_add_site',
  text: `INSERT INTO sites (id, name, redirect_uris, petitions, auth, jwks_uri, sealed_secret, wrapped_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
};
const replaceSiteSecret: Statement = {
  name: 'paraphe_replace_site_secret',
  text: 'UPDATE sites SET sealed_secret = $1 WHERE id = $2',
};

export function postgresSiteStore(database: Database): SiteStore {
  const db = drizzle(database.pool);
  return {
    add: (site, keyId) =>
      database.transact(async (transaction) => {
        if (!(await keepsKey(transaction, keyId))) return false;
        const { id, name, redirectUris, petitions, auth, jwksUri, sealedSecret, wrappedKey } = siteToRow(site);
        await transaction.run(addSite, id, name, redirectUris, petitions, auth, jwksUri, sealedSecret, wrappedKey);
        return true;
      }),
    find: (id) =>
      database.act(async () => {
        const [row] = await db.select().from(sites).where(eq(sites.id, id));
        return row && siteFromRow(row);
      }),
    list: () => database.act(async () => (await db.select().from(sites).orderBy(asc(sites.id))).map(siteFromRow)),
    remove: (id) => database.act(async () => (await db.delete(sites).where(eq(sites.id, id))).rowCount === 1),
    replaceSecret: (id, sealedSecret, keyId) =>
      database.transact(async (transaction) => {
        if (!(await keepsKey(transaction, keyId))) return 'key-replaced';
        const { count } = await transaction.run(replaceSiteSecret, sealedSecret, id);
        return count === 1 ? 'replaced' : 'site-unknown';
      }),
  };
}
