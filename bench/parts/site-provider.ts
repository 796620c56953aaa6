/**
 * The petition sites' provider as the gateway runs it (sealed rows on SQLite, sites read anew), and `oidc-provider` bare with
 * its memory adapter: the same requests, each with a person who says yes at once, in a process whose CPU time is its own.
 */

import { createSecretKey, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { Provider } from 'oidc-provider';
import { KeyEncryptionKey } from '../../src/key-encryption.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { pseudonyms } from '../../src/person/pseudonym.ts';
import { registerSite } from '../../src/provider/register-site.ts';
import { parseSite } from '../../src/provider/site.ts';
import { SiteProvider } from '../../src/provider/site-provider.ts';
import { generateReceiptKeys, loadReceiptKeys } from '../../src/receipt/keys.ts';
import { migrateSqlite, openSqliteJourneys, openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { answer } from '../part.ts';

const REDIRECT_URI = 'https://participe.example.org/callback';
export type Served = { readonly port: number; readonly id: string; readonly secret: string };
type Handle = (req: IncomingMessage, res: ServerResponse) => void;

answer({
  ours: async ({ dataDir }: { dataDir: string }): Promise<Served> => {
    const [app, port] = await listening();
    const place = { dataDir, databaseUrl: 'sqlite:', lockUrl: undefined, allowUnsafeCommits: false };
    migrateSqlite(place);
    const storage = openSqliteStorage(place);
    const keyEncryptionKey = new KeyEncryptionKey(createSecretKey(randomBytes(32)));
    const receiptKeys = await loadReceiptKeys(generateReceiptKeys());
    const sites = new SiteProvider({
      origin: `http://localhost:${port}`,
      sites: storage.sites,
      rows: openSqliteJourneys(dataDir).providerRows,
      keyEncryptionKey: () => keyEncryptionKey,
      pseudonyms,
      receiptKeys: () => receiptKeys,
      findPetition: async () => undefined,
      today: () => '2026-11-21' as never,
      acrValues: ['eidas1'],
      failed: () => {},
    });
    app.get('/oidc/interaction/:uid', async (req, res) => {
      const { uid, site } = await sites.begin(req, res);
      const sub = await sites.computeNym(site, { issuer: 'https://idp.example', sub: randomBytes(33).toString('hex') });
      const authTime = Math.floor(Date.now() / 1000);
      res.redirect(303, await sites.admit(uid, { sub, acr: 'eidas1', authTime }, undefined));
    });
    app.use('/oidc', (req, res, next) => sites.handle(req, res, next));
    const description = {
      name: 'Bench',
      redirectUris: [REDIRECT_URI],
      auth: 'client_secret_basic',
      jwksUri: undefined,
    };
    const deps = { sites: storage.sites, keyEncryptionKey, clock: () => new Date() };
    const { site, secret = '' } = await registerSite(deps, parseSite(description), []);
    return { port, id: site.id, secret };
  },

  bare: async (): Promise<Served> => {
    const [app, port] = await listening();
    const [id, secret] = ['bench', randomBytes(32).toString('base64url')];
    const { privateKey } = await loadReceiptKeys(generateReceiptKeys());
    const provider = new Provider(`http://localhost:${port}/oidc`, {
      clients: [
        {
          client_id: id,
          client_secret: secret,
          redirect_uris: [REDIRECT_URI],
          id_token_signed_response_alg: 'ES256',
          subject_type: 'pairwise',
        },
      ],
      jwks: { keys: [privateKey.export({ format: 'jwk' })] },
      subjectTypes: ['pairwise'],
      pairwiseIdentifier: async () => nymFromBytes(randomBytes(32)),
      cookies: { keys: ['a key of the bench'] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_ctx, { uid }) => `/oidc/interaction/${uid}` },
      findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    });
    app.get('/oidc/interaction/:uid', async (req, res) => {
      const accountId = randomBytes(16).toString('hex');
      const grant = new provider.Grant({ accountId, clientId: id });
      grant.addOIDCScope('openid');
      const consent = { grantId: await grant.save() };
      await provider.interactionFinished(req, res, { login: { accountId }, consent });
    });
    const handle: Handle = provider.callback();
    app.use('/oidc', (req, res) => handle(req, res));
    return { port, id, secret };
  },
});

async function listening(): Promise<[express.Express, number]> {
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return [app, (server.address() as AddressInfo).port];
}
