/**
 * The floor of a journey: the same eight requests and two calls, made of the same libraries and nothing of Paraphe's but
 * the pseudonym: no log, no receipt's proof, no rules, no limits, one language, no security headers. It is what the
 * promised figure was worked out with, on another machine.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto';
import http, { createServer } from 'node:http';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Eta } from 'eta';
import express, { type Request } from 'express';
import * as client from 'openid-client';
import { evaluate, generatePseudonymKeyPair, personInput } from '../../src/person/pseudonym.ts';
import { answer } from '../part.ts';

type Order = {
  readonly port: number;
  readonly folder: string;
  readonly issuer: string;
  readonly client: { readonly id: string; readonly secret: string };
};

answer({
  async start(order: Order) {
    const app = serve(await discover(order), openStores(order.folder), `http://localhost:${order.port}`);
    const { promise, resolve } = Promise.withResolvers<void>();
    createServer(app).listen(order.port, '127.0.0.1', resolve);
    await promise;
  },
});

/** About as long as the gateway's pages of the same names. */
const PAGE_LENGTH = 8000;
const TEXT = 'Une phrase de la page, avec ses accents : où, çà, déjà. '.repeat(200).slice(0, PAGE_LENGTH);
const GATHER_MS = 5;

function serve(provider: client.Configuration, { journeys, signatures }: Stores, origin: string) {
  const eta = new Eta({ cache: true });
  eta.loadTemplate(
    '@confirm',
    page('<p><%= it.birthdate %></p><form method="post"><button><%= it.id %></button></form>'),
  );
  eta.loadTemplate('@receipt', page('<code><%= it.nym %></code><a href="<%= it.file %>">JWT</a>'));
  const petitionPage = Buffer.from(page('<form method="post"></form>'));
  const petitionKey = generatePseudonymKeyPair();
  const receiptKey = newReceiptKey();

  const app = express();
  app.disable('etag');
  app.disable('x-powered-by');
  app.get('/petitions/:slug', (_req, res) => void res.type('html').send(petitionPage));

  app.post('/petitions/:slug/sign', (req, res) => {
    const ties = { state: randomBytes(32).toString('hex'), nonce: randomBytes(32).toString('hex') };
    res.cookie('journey', seal({ ...ties, slug: req.params.slug }), { httpOnly: true, sameSite: 'lax' });
    const redirect = { response_type: 'code', redirect_uri: `${origin}/login/callback`, scope: 'openid birthdate' };
    res.redirect(303, client.buildAuthorizationUrl(provider, { ...redirect, ...ties, acr_values: 'eidas1' }).href);
  });

  app.get('/login/callback', async (req, res) => {
    const { state, nonce, slug } = cookieOf(req);
    const checks = { expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(provider, new URL(req.originalUrl, origin), checks);
    const { iss = '', sub = '' } = tokens.claims() ?? {};
    const { birthdate } = await client.fetchUserInfo(provider, tokens.access_token, sub);
    const nym = Buffer.from(evaluate(petitionKey.secret, personInput({ issuer: iss, sub }))).toString(
      'base64url',
      0,
      32,
    );
    const id = randomBytes(16).toString('base64url');
    journeys.save(id, seal({ nym, birthdate, idToken: tokens.id_token, state }));
    res.redirect(303, `/petitions/${slug}/confirm?journey=${id}`);
  });

  app.get('/petitions/:slug/confirm', (req, res) => {
    const id = String(req.query.journey);
    res.type('html').send(eta.render('@confirm', { birthdate: open(journeys.find(id)).birthdate, id }));
  });

  app.post('/petitions/:slug/confirm', express.urlencoded({ extended: false }), async (req, res) => {
    const id = String(req.query.journey);
    const { nym, idToken, state } = open(journeys.find(id));
    await signatures.record(nym, req.body.department);
    journeys.save(id, seal({ nym }));
    const back = { id_token_hint: idToken, state, post_logout_redirect_uri: `${origin}/logout/callback` };
    res.redirect(303, client.buildEndSessionUrl(provider, back).href);
  });

  app.get('/logout/callback', (req, res) => {
    const { slug, nonce } = cookieOf(req);
    res.clearCookie('journey');
    res.redirect(303, `/petitions/${slug}/receipt/${seal({ nym: nonce })}`);
  });

  app.get('/petitions/:slug/receipt/:capability', (req, res) => {
    const { nym } = open(req.params.capability);
    res.type('html').send(eta.render('@receipt', { nym, file: `${req.originalUrl}/receipt.jwt` }));
  });

  app.get('/petitions/:slug/receipt/:capability/receipt.jwt', (req, res) => {
    const { nym } = open(req.params.capability);
    const claims = { iss: origin, sub: nym, petition: '01k9x3v7c8r5q2w4t6y8z0abcd', department: '75' };
    const input = `${base64url({ alg: 'ES256', typ: 'receipt+jwt' })}.${base64url(claims)}`;
    const signature = sign('sha256', Buffer.from(input), receiptKey); // DER: the form costs nothing that counts here
    res.type('application/jwt').send(`${input}.${signature.toString('base64url')}`);
  });
  return app;
}

function page(form: string): string {
  return `<!doctype html><html lang="fr"><title>Une pétition</title><main><p>${TEXT}</p>${form}</main></html>`;
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function newReceiptKey() {
  return createPrivateKey(
    generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }).privateKey,
  );
}

type Sealed = Partial<Record<'state' | 'nonce' | 'slug' | 'nym' | 'birthdate' | 'idToken', string>>;
const key = createSecretKey(randomBytes(32));

function seal(content: object): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const sealed = [iv, cipher.update(JSON.stringify(content)), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString('base64url');
}

function open(text: string): Required<Sealed> {
  const sealed = Buffer.from(text, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(-16));
  return JSON.parse(`${decipher.update(sealed.subarray(12, -16), undefined, 'utf8')}${decipher.final('utf8')}`);
}

function cookieOf(req: Request): Required<Sealed> {
  return open(/journey=([^;]+)/.exec(req.headers.cookie ?? '')?.[1] ?? '');
}

type Stores = ReturnType<typeof openStores>;

/** Journeys in a file without durability; signatures durably, those of a few milliseconds in one commit. */
function openStores(folder: string) {
  const file = (name: string, durability: string, table: string) => {
    const database = new Database(join(folder, name));
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${durability}`);
    database.exec(`CREATE TABLE ${table} WITHOUT ROWID`);
    return database;
  };
  const journeys = file('bare-journeys.sqlite', 'OFF', 'journeys (id TEXT PRIMARY KEY, content TEXT)');
  const save = journeys.prepare(
    'INSERT INTO journeys VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET content = excluded.content',
  );
  const find = journeys.prepare<[string], string>('SELECT content FROM journeys WHERE id = ?').pluck();

  const columns = 'petition INTEGER, nym BLOB, department TEXT, PRIMARY KEY (petition, nym)';
  const signatures = file('bare-signatures.sqlite', 'FULL', `signatures (${columns})`);
  const insert = signatures.prepare('INSERT INTO signatures VALUES (1, ?, ?)');
  type Row = { readonly nym: string; readonly department: string; readonly recorded: () => void };
  const commit = signatures.transaction((rows: readonly Row[]) => {
    for (const { nym, department } of rows) insert.run(Buffer.from(nym, 'base64url'), department);
  });
  let gathered: Row[] = [];
  const flush = () => {
    const rows = gathered;
    gathered = [];
    commit.immediate(rows);
    for (const { recorded } of rows) recorded();
  };

  return {
    journeys: {
      save: (id: string, content: string) => void save.run(id, content),
      find: (id: string) => find.get(id) ?? '',
    },
    signatures: {
      record(nym: string, department: string): Promise<void> {
        const { promise, resolve } = Promise.withResolvers<void>();
        if (gathered.push({ nym, department, recorded: resolve }) === 1) setTimeout(flush, GATHER_MS);
        return promise;
      },
    },
  };
}

/** With signatures of both tokens checked, over connections that are kept. */
function discover({ issuer, client: { id, secret } }: Order): Promise<client.Configuration> {
  const agent = new http.Agent({ keepAlive: true });
  const exchange: client.CustomFetch = (url, { method, headers, body }) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const sent = body === undefined || body === null ? undefined : String(body);
    const length = sent === undefined ? {} : { 'content-length': Buffer.byteLength(sent) };
    const entries = headers instanceof Headers ? Object.fromEntries(headers) : headers;
    const request = http.request(url, { method, agent, headers: { ...entries, ...length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const type = response.headers['content-type'] ?? '';
        resolve(
          new Response(Buffer.concat(chunks), { status: response.statusCode ?? 0, headers: { 'content-type': type } }),
        );
      });
    });
    request.on('error', reject);
    request.end(sent);
    return promise;
  };
  const metadata = { id_token_signed_response_alg: 'ES256', userinfo_signed_response_alg: 'ES256' };
  return client.discovery(new URL(issuer), id, metadata, client.ClientSecretPost(secret), {
    [client.customFetch]: exchange,
    execute: [client.enableNonRepudiationChecks, client.allowInsecureRequests],
  });
}
