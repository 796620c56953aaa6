/** What a petition site, or somebody in its name, may get wrong: a standard error, no open redirect, nothing recorded. */
import { createServer, request as httpRequest } from 'node:http';
import fc from 'fast-check';
import * as client from 'openid-client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  arrive,
  beginVisit,
  browserOf,
  detailsFor,
  discover,
  finishVisit,
  idOf,
  openSite,
  type PetitionSite,
  visitSite,
} from '../fakes/petition-site.ts';
import { GARDENS, logIn, startWorld, TRAINS, type World } from '../fakes/world.ts';

const CLOSED = 'slug: cantines\ntitle: Des cantines locales\nmin_age: 18\ndepartments: false\ncloses: 2020-01-01';

let world: World;
let site: PetitionSite;
let other: PetitionSite;
let ids: Record<'jardins' | 'trains' | 'cantines', string>;
let before: string;

beforeAll(async () => {
  world = await startWorld({ petitions: [GARDENS, TRAINS, CLOSED] });
  site = await openSite(world, { petitions: ['jardins', 'cantines'] });
  other = await openSite(world, { name: 'Une autre', redirectUri: 'http://localhost:8/retour', petitions: ['trains'] });
  const [jardins, trains, cantines] = await Promise.all(
    ['jardins', 'trains', 'cantines'].map((one) => idOf(world, one)),
  );
  ids = { jardins: jardins!, trains: trains!, cantines: cantines! };
  before = await logSize();
});
afterAll(async () => {
  expect(await logSize()).toBe(before); // not one of them was recorded
  await world.close();
});
afterEach(() => void vi.useRealTimers());

async function logSize(): Promise<string> {
  return (await (await fetch(`${world.origin}/log/checkpoint`)).text()).split('\n')[1]!;
}

/** Sends a browser's request without following where it leads. */
function ask(url: URL | string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { redirect: 'manual', headers: { accept: 'text/html' }, ...init });
}

/** What the site hears of a request that was wrong from the start. */
async function heard(more: Record<string, string>, petition?: string): Promise<Record<string, string>> {
  const response = await ask((await beginVisit(site, petition, more)).url);
  expect(response.status).toBe(303);
  const location = new URL(response.headers.get('location')!);
  expect(location.origin + location.pathname).toBe(site.redirectUri);
  expect(response.headers.get('set-cookie')).toBeNull();
  // A response type of the front channel has its errors in the fragment.
  return Object.fromEntries(new URLSearchParams(location.search || location.hash.slice(1)));
}

function token(fields: Record<string, string>, who: Pick<PetitionSite, 'id' | 'secret'> = site): Promise<Response> {
  const credentials = Buffer.from(`${who.id}:${who.secret}`).toString('base64');
  const headers = { authorization: `Basic ${credentials}`, 'content-type': 'application/x-www-form-urlencoded' };
  return fetch(`${world.origin}/oidc/token`, { method: 'POST', headers, body: new URLSearchParams(fields) });
}

/** A code as the site gets it, and what it needs to redeem it. */
async function newCode(login = 'citoyen-50') {
  const browser = browserOf(world, site);
  const visit = await beginVisit(site);
  await arrive(browser, visit, login);
  await browser.submit({}, { form: '/confirm' });
  const code = new URL(browser.page.url).searchParams.get('code')!;
  const fields = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: site.redirectUri,
    code_verifier: visit.verifier,
  };
  return { browser, visit, fields };
}

describe('at the authorization endpoint', () => {
  test.each([
    ['no PKCE', { code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
    ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['an implicit response', { response_type: 'id_token' }, 'unsupported_response_type'],
    ['a token in the front channel', { response_type: 'token' }, 'unsupported_response_type'],
    ['a response mode that there is not', { response_mode: 'web_message' }, 'unsupported_response_mode'],
    ['an answer that posts itself', { response_mode: 'form_post' }, 'invalid_request'],
    ['a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    ['no interaction', { prompt: 'none' }, 'login_required'],
    ['a prompt that there is not', { prompt: 'nothing' }, 'invalid_request'],
    ['no scope', { scope: '' }, 'invalid_request'],
    ['another resource', { resource: 'https://elsewhere.example/' }, 'invalid_target'],
  ])('%s is answered with the standard error', async (_what, more, error) => {
    expect(await heard(more)).toMatchObject({ error, iss: `${world.origin}/oidc`, state: expect.any(String) });
  });

  test.each([
    ['that are no JSON', '[{'],
    ['that are no array', '{"type":"petition_signature"}'],
    ['of another type', '[{"type":"payment","petition":"#"}]'],
    ['without a petition', '[{"type":"petition_signature"}]'],
    ['with more than that', '[{"type":"petition_signature","petition":"#","receipt":"x"}]'],
    [
      'for two petitions',
      '[{"type":"petition_signature","petition":"#"},{"type":"petition_signature","petition":"#"}]',
    ],
    ['for an unknown petition', detailsFor('01m7k9sch6k0rxc1vw3v2ry0yr')],
    ['for a number', '[{"type":"petition_signature","petition":1}]'],
    ['for __proto__', '[{"type":"petition_signature","petition":"#","__proto__":{}}]'],
  ])('authorization_details %s', async (_what, details) => {
    const answer = await heard({ authorization_details: details.replaceAll('#', ids.jardins) });
    expect(answer).toMatchObject({ error: 'invalid_authorization_details' });
  });

  test('a petition that the site was not granted is answered like one that does not exist', async () => {
    const notGranted = await heard({}, ids.trains);
    const unknown = await heard({}, '01m7k9sch6k0rxc1vw3v2ry0yr');
    expect({ ...notGranted, state: '' }).toEqual({ ...unknown, state: '' });
  });

  test('a closed petition is refused before anybody logs in', async () => {
    expect(await heard({}, ids.cantines)).toMatchObject({
      error: 'access_denied',
      error_description: 'the petition is closed',
    });
  });

  test('a request_uri is never fetched', async () => {
    let asked = 0;
    const inside = createServer((_req, res) => {
      asked++;
      res.end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => inside.once('listening', resolve));
    const { port } = inside.address() as { port: number };
    for (const uri of [
      `http://127.0.0.1:${port}/`,
      'file:///etc/passwd',
      `https://localhost:${port}/`,
      'urn:ietf:params:oauth:request_uri:x',
    ]) {
      const { url } = await beginVisit(site, undefined, { request_uri: uri });
      const response = await ask(url);
      const error = new URL(response.headers.get('location') ?? world.origin).searchParams.get('error');
      expect([error, response.status]).not.toEqual([null, 303]);
      expect(error ?? 'request_uri').toContain('request_uri');
    }
    inside.close();
    expect(asked).toBe(0);
  });

  test('an unknown client, or no client, gets a page and no redirect', async () => {
    for (const id of ['01m7k9sch6k0rxc1vw3v2ry0yr', '', `${site.id}x`, '__proto__', "' OR 1=1"]) {
      const { url } = await beginVisit(site, undefined, { client_id: id });
      const response = await ask(url);
      expect([response.status, response.headers.get('location')], id).toEqual([400, null]);
      expect(await response.text()).toContain('Retournez sur ce site et recommencez');
    }
  });

  test('of 1,000 redirect URIs that are not the registered one, none is redirected to', async () => {
    const registered = new URL(site.redirectUri);
    const variants = [
      `${registered}/`,
      `${registered}?`,
      `${registered}#`,
      `${registered}?a=1`,
      `${registered}#a`,
      `${registered}%20`,
      registered.href.replace('localhost', 'LOCALHOST'),
      registered.href.replace('localhost', 'localhost.'),
      registered.href.replace('localhost', 'evil.example'),
      registered.href.replace('localhost', 'localhost@evil.example'),
      registered.href.replace('http:', 'https:'),
      registered.href.replace('http:', 'HTTP:'),
      registered.href.replace(':9', ':10'),
      registered.href.replace(':9', ':09'),
      registered.href.replace('localhost:9', 'localhost'),
      registered.href.replace('/retour', '/./retour'),
      registered.href.replace('/retour', '//retour'),
      registered.href.replace('/retour', '/x/../retour'),
      registered.href.replace('/retour', '/%72etour'),
      registered.href.replace('/retour', '\\retour'),
      registered.href.replace('/retour', '/retour/../../evil'),
      registered.href.replace('//', '\\\\'),
      registered.href.replace('//', '/'),
      registered.href.slice(0, -1),
      `//localhost:9/retour`,
      `javascript:alert(1)//${registered}`,
      `data:text/html,${registered}`,
      other.redirectUri,
      ` ${registered}`,
      `${registered} `,
      `${registered}\u0000`,
      `${registered}\r\nLocation: https://evil.example`,
      registered.href.replace('localhost', '127.0.0.1'),
      registered.href.replace('localhost', 'loc\u00e0lhost'),
      'null',
      '',
    ]; // prettier-ignore
    const odd = fc.tuple(
      fc.nat(site.redirectUri.length),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
      fc.nat(2),
    );
    const generated = odd.map(
      ([at, text, cut]) =>
        site.redirectUri.slice(0, at) + text + site.redirectUri.slice(Math.min(site.redirectUri.length, at + cut)),
    );
    const all = [...variants, ...fc.sample(generated, 1000 - variants.length)].filter(
      (uri) => uri !== site.redirectUri,
    );
    const { url } = await beginVisit(site);
    for (let i = 0; i < all.length; i += 20) {
      await Promise.all(
        all.slice(i, i + 20).map(async (uri) => {
          url.searchParams.set('redirect_uri', uri);
          const response = await ask(new URL(url));
          expect([response.status, response.headers.get('location')], uri).toEqual([400, null]);
        }),
      );
    }
    expect(all.length).toBeGreaterThan(990);
  });

  test('nobody else can take up a request, or end it', async () => {
    const mine = browserOf(world, site);
    const visit = await beginVisit(site);
    await mine.get(visit.url);
    const interaction = mine.exchangesWith('/oidc/interaction/')[0]!.url;
    const uid = interaction.split('/').pop();
    const stranger = world.browser();
    expect((await stranger.get(interaction)).status).toBe(410);
    expect((await stranger.get(`${world.origin}/oidc/auth/${uid}`)).status).toBe(400);
    expect((await stranger.get(`${world.origin}/login/confirm?journey=${'A'.repeat(16)}`)).status).toBe(400);
    expect(stranger.jar.all).toEqual([]);
  });

  test('who confirms a request that is over is told to start again, and nothing is recorded for nobody', async () => {
    const browser = browserOf(world, site);
    await arrive(browser, await beginVisit(site, ids.jardins), 'citoyen-51');
    const uid = browser.exchangesWith('/oidc/interaction/')[0]!.url.split('/').pop()!;
    await browser.tab().get(`${world.origin}/oidc/auth/${uid}`); // takes the request away: it was not finished
    await browser.submit({}, { form: '/confirm' });
    expect(browser.page.status).toBe(410);
    expect(browser.page.text).toContain('Cette demande n’est plus en cours');
    const later = world.browser();
    await logIn(later, world, 'jardins', 'citoyen-51');
    expect(later.page.text).toContain('Je donne mon accord et je signe'); // they have not signed
  });
});

describe('at the token endpoint', () => {
  const refused = async (response: Response) => ({ status: response.status, ...((await response.json()) as object) });

  test('a code serves once, and its second use takes the first tokens with it', async () => {
    const { browser, visit, fields } = await newCode();
    const answer = await finishVisit(site, visit, browser);
    const sub = answer.claims()!.sub;
    expect(await client.fetchUserInfo(site.configuration, answer.access_token, sub)).toMatchObject({ sub });
    expect(await refused(await token(fields))).toMatchObject({ status: 400, error: 'invalid_grant' });
    await expect(client.fetchUserInfo(site.configuration, answer.access_token, sub)).rejects.toMatchObject({
      status: 401,
    });
  });

  test('of eight uses at one instant, one is the first', async () => {
    const { fields } = await newCode();
    const answers = await Promise.all(Array.from({ length: 8 }, () => token(fields)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    expect(answers.filter(({ status }) => status === 400).length).toBeGreaterThanOrEqual(7);
  });

  test('a code is refused with another verifier, address or client, and after a minute', async () => {
    const { fields } = await newCode();
    const wrong: [Record<string, string>, PetitionSite][] = [
      [{ ...fields, code_verifier: client.randomPKCECodeVerifier() }, site],
      [{ ...fields, code_verifier: '' }, site],
      [{ ...fields, redirect_uri: `${site.redirectUri}/` }, site],
      [fields, other],
    ];
    for (const [body, who] of wrong) {
      expect(await refused(await token(body, who))).toMatchObject({ status: 400, error: 'invalid_grant' });
    }
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect(await refused(await token(fields))).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  test('a client that cannot prove who it is', async () => {
    const { fields } = await newCode();
    expect(await refused(await token(fields, { id: site.id, secret: 'wrong' }))).toMatchObject({
      status: 401,
      error: 'invalid_client',
    });
    const posted = { ...fields, client_id: site.id, client_secret: site.secret };
    const response = await fetch(`${world.origin}/oidc/token`, { method: 'POST', body: new URLSearchParams(posted) });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect((await token(fields)).status).toBe(200); // the code was not spent on them
  });

  test.each([
    'refresh_token',
    'client_credentials',
    'password',
    'implicit',
    'urn:ietf:params:oauth:grant-type:device_code',
  ])('there is no grant %s', async (grant) => {
    expect(await refused(await token({ grant_type: grant, refresh_token: 'x' }))).toMatchObject({
      error: 'unsupported_grant_type',
    });
  });
});

describe('what is off', () => {
  test.each(['reg', 'token/introspection', 'token/revocation', 'session/end', 'device', 'device/auth', 'backchannel'])(
    '/oidc/%s is not there',
    async (path) => {
      for (const method of ['GET', 'POST']) {
        expect((await ask(`${world.origin}/oidc/${path}`, { method })).status).toBe(404);
      }
    },
  );

  test('discovery promises what there is, under our own address, whatever a request says', async () => {
    const url = new URL(`${world.origin}/oidc/.well-known/openid-configuration`);
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const { promise, resolve } = Promise.withResolvers<string>();
    httpRequest(url, { headers }, async (response) => resolve((await response.toArray()).join(''))).end();
    const text = await promise;
    expect(text).not.toContain('evil');
    expect(JSON.parse(text)).toMatchObject({
      issuer: `${world.origin}/oidc`,
      authorization_endpoint: `${world.origin}/oidc/auth`,
      token_endpoint: `${world.origin}/oidc/token`,
      jwks_uri: `${world.origin}/oidc/jwks`,
      pushed_authorization_request_endpoint: `${world.origin}/oidc/request`,
      subject_types_supported: ['pairwise'],
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'fragment'],
      claims_supported: expect.not.arrayContaining(['sid']),
      grant_types_supported: ['authorization_code'],
      id_token_signing_alg_values_supported: ['ES256'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
      authorization_details_types_supported: ['petition_signature'],
      authorization_response_iss_parameter_supported: true,
    });
  });

  test('no page of another site reads a token', async () => {
    const { fields } = await newCode();
    const credentials = Buffer.from(`${site.id}:${site.secret}`).toString('base64');
    const response = await fetch(`${world.origin}/oidc/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}`, origin: 'https://elsewhere.example' },
      body: new URLSearchParams(fields),
    });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([400, null]);
  });
});

test('no diagnostic line holds a secret, a code, a token or a pseudonym', async () => {
  const { answer, browser } = await visitSite(world, site, 'citoyen-52');
  const code = new URL(browser.page.url).searchParams.get('code')!;
  await discover(world, site.id, client.ClientSecretBasic('wrong'));
  const lines = world.lines.join('');
  expect(lines.length).toBeGreaterThan(100);
  for (const secret of [site.secret, code, answer.access_token, answer.id_token!, answer.claims()!.sub, other.secret]) {
    expect(lines).not.toContain(secret);
  }
});
