/**
 * The conditions of the OpenID conformance suite's OP Basic plan that fit a provider without sessions, profile scopes and
 * refresh tokens, reproduced by ourselves: docs/conformance.md names each, and why the others do not fit. Not a certification.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser } from '../fakes/browser.ts';
import {
  type Answer,
  arrive,
  beginVisit,
  browserOf,
  finishVisit,
  openSite,
  type PetitionSite,
  type Visit,
} from '../fakes/petition-site.ts';
import { passFranceConnect, startWorld, type World } from '../fakes/world.ts';

let world: World;
let site: PetitionSite;
beforeAll(async () => {
  world = await startWorld();
  site = await openSite(world);
});
afterAll(() => world.close());

const tested = new Set<string>();

function condition(name: string, run: () => Promise<void>): void {
  tested.add(name);
  test(name, run);
}

/** A login with other parameters; an empty one is left out. */
async function logIn(more: Record<string, string> = {}): Promise<{ answer: Answer; browser: Browser; visit: Visit }> {
  const visit = await requested(more);
  const browser = browserOf(world, site);
  await arrive(browser, visit, 'citoyen-80');
  return { answer: await finish(browser, visit), browser, visit };
}

async function requested(more: Record<string, string>): Promise<Visit> {
  const visit = await beginVisit(site, undefined, more);
  for (const [name, value] of Object.entries(more)) if (value === '') visit.url.searchParams.delete(name);
  return visit;
}

async function finish(browser: Browser, visit: Visit): Promise<Answer> {
  await browser.submit({}, { form: '/confirm' });
  return finishVisit(site, visit, browser);
}

/** The error that the site hears at once. */
async function heard(more: Record<string, string>): Promise<string | null> {
  const { url } = await requested(more);
  const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } });
  const location = response.headers.get('location');
  return location === null ? null : new URL(location).searchParams.get('error');
}

const userinfo = (init: RequestInit) => fetch(`${world.origin}/oidc/me`, init);

condition('oidcc-server', async () => {
  const { answer } = await logIn();
  expect(answer.token_type.toLowerCase()).toBe('bearer');
});

condition('oidcc-response-type-missing', async () => {
  expect(await heard({ response_type: '' })).toBe('invalid_request');
});

condition('oidcc-idtoken-signature', async () => {
  const { answer } = await logIn();
  const keys = createRemoteJWKSet(new URL(`${world.origin}/oidc/jwks`));
  const options = { issuer: `${world.origin}/oidc`, audience: site.id, algorithms: ['ES256'] };
  expect((await jwtVerify(answer.id_token!, keys, options)).payload.sub).toBe(answer.claims()!.sub);
});

condition('oidcc-userinfo-get', async () => {
  const { answer } = await logIn();
  const response = await userinfo({ headers: { authorization: `Bearer ${answer.access_token}` } });
  expect(await response.json()).toMatchObject({ sub: answer.claims()!.sub });
});

condition('oidcc-userinfo-post-header', async () => {
  const { answer } = await logIn();
  const response = await userinfo({ method: 'POST', headers: { authorization: `Bearer ${answer.access_token}` } });
  expect(await response.json()).toMatchObject({ sub: answer.claims()!.sub });
});

condition('oidcc-userinfo-post-body', async () => {
  const { answer } = await logIn();
  const body = new URLSearchParams({ access_token: answer.access_token });
  const response = await userinfo({ method: 'POST', body });
  expect(await response.json()).toMatchObject({ sub: answer.claims()!.sub });
});

condition('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
  const visit = await requested({ nonce: '' });
  const browser = browserOf(world, site);
  await arrive(browser, visit, 'citoyen-80');
  await browser.submit({}, { form: '/confirm' });
  const answer = await client.authorizationCodeGrant(site.configuration, new URL(browser.page.url), {
    pkceCodeVerifier: visit.verifier,
    expectedState: visit.state,
  });
  expect(answer.claims()).not.toHaveProperty('nonce');
});

for (const display of ['page', 'popup']) {
  condition(`oidcc-display-${display}`, async () => {
    expect((await logIn({ display })).answer.id_token).toBeDefined();
  });
}

condition('oidcc-prompt-login', async () => {
  const first = await logIn();
  const second = await logIn({ prompt: 'login' });
  expect(second.answer.claims()!.sub).toBe(first.answer.claims()!.sub);
  expect(second.browser.history.some(({ body }) => body.includes('name="login"'))).toBe(true);
});

condition('oidcc-prompt-none-not-logged-in', async () => {
  expect(await heard({ prompt: 'none' })).toBe('login_required');
});

condition('oidcc-max-age-1', async () => {
  const visit = await requested({ max_age: '1' });
  const browser = browserOf(world, site);
  await arrive(browser, visit, 'citoyen-80');
  await browser.submit({}, { form: '/confirm' });
  // Too old by then, or just in time: never a login that is older than asked for and says otherwise.
  const outcome = new URL(browser.page.url).searchParams;
  expect(outcome.get('error') ?? 'none').toMatch(/^(login_required|none)$/);
  if (outcome.has('code')) expect((await finishVisit(site, visit, browser)).claims()).toHaveProperty('auth_time');
});

condition('oidcc-max-age-10000', async () => {
  const { answer } = await logIn({ max_age: '10000' });
  expect(Date.now() / 1000 - Number(answer.claims()!.auth_time)).toBeLessThan(10_000);
});

condition('oidcc-ensure-request-with-unknown-parameter-succeeds', async () => {
  expect((await logIn({ extra: 'foobar' })).answer.id_token).toBeDefined();
});

condition('oidcc-id-token-hint', async () => {
  const first = await logIn();
  const second = await logIn({ id_token_hint: first.answer.id_token! });
  expect(second.answer.claims()!.sub).toBe(first.answer.claims()!.sub);
});

condition('oidcc-login-hint', async () => {
  const { browser } = await logIn({ login_hint: 'someone@example.org' });
  expect(browser.history.some(({ url }) => url.includes('/api/v2/') && url.includes('someone'))).toBe(false);
});

condition('oidcc-ui-locales', async () => {
  expect((await logIn({ ui_locales: 'se fr' })).answer.id_token).toBeDefined();
});

condition('oidcc-claims-locales', async () => {
  expect((await logIn({ claims_locales: 'se' })).answer.id_token).toBeDefined();
});

condition('oidcc-ensure-request-with-acr-values-succeeds', async () => {
  expect((await logIn({ acr_values: 'eidas3 eidas1' })).answer.claims()!.acr).toBe('eidas1'); // what it was
});

condition('oidcc-codereuse', async () => {
  const { browser, visit } = await logIn();
  await expect(finishVisit(site, visit, browser)).rejects.toMatchObject({ error: 'invalid_grant' });
});

condition('oidcc-ensure-registered-redirect-uri', async () => {
  expect(await heard({ redirect_uri: `${site.redirectUri}/unregistered` })).toBeNull();
});

condition('oidcc-ensure-post-request-succeeds', async () => {
  const visit = await requested({});
  const browser = browserOf(world, site);
  await browser.post(`${world.origin}/oidc/auth`, Object.fromEntries(visit.url.searchParams), 'http://localhost:9');
  await passFranceConnect(browser, 'citoyen-80');
  expect((await finish(browser, visit)).id_token).toBeDefined();
});

condition('oidcc-ensure-request-with-valid-pkce-succeeds', async () => {
  expect((await logIn()).answer.id_token).toBeDefined();
});

condition('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported', async () => {
  expect(await heard({ request: 'eyJhbGciOiJub25lIn0.e30.' })).toBe('request_not_supported');
});

condition('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported', async () => {
  expect(await heard({ request_uri: 'https://participe.example.org/request' })).toBe('request_uri_not_supported');
});

for (const scope of ['profile', 'email', 'address', 'phone']) {
  condition(`oidcc-scope-${scope}`, async () => {
    const { answer } = await logIn({ scope: `openid ${scope}` });
    expect(answer.scope).toBe('openid'); // nothing else is known of anybody
    expect(Object.keys(answer.claims()!).sort()).toEqual([
      'acr',
      'aud',
      'auth_time',
      'exp',
      'iat',
      'iss',
      'nonce',
      'sub',
    ]);
  });
}

test('docs/conformance.md names each of these, and no other as reproduced', () => {
  const table = readFileSync(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');
  const rows = table.split('\n').filter((line) => line.startsWith('| `oidcc-'));
  const reproduced = rows.filter((line) => line.includes('| reproduced')).map((line) => /`([^`]+)`/.exec(line)?.[1]);
  expect(reproduced.sort()).toEqual([...tested].sort());
});
