/**
 * What goes out to the identity provider through the browser. FranceConnect answers 400 to any parameter beside its list
 * (Y030007), PKCE's among them; every other provider is sent PKCE S256 (RFC 7636, RFC 9700 §2.1.1).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser } from '../fakes/browser.ts';
import {
  arriveAtDoor,
  expectHealthyLogin,
  FRANCECONNECT,
  OIDC,
  startWatchedWorld,
  type WatchedWorld,
  waitingBrowser,
} from './arrival.ts';

const HEX64 = /^[0-9a-f]{64}$/;

/** What a press on "sign" sends the browser to. */
async function authorizeUrl(world: WatchedWorld, browser: Browser = waitingBrowser()): Promise<URL> {
  await browser.get(`${world.origin}/petitions/jardins`);
  await browser.submit({}, { form: '/sign' });
  const request = browser.exchangesWith('/api/v2/authorize?').at(-1);
  if (request === undefined) throw new Error(`no authorization request: ${browser.page.text}`);
  return new URL(request.url);
}

describe('towards FranceConnect', () => {
  let world: WatchedWorld;
  beforeAll(async () => {
    world = await startWatchedWorld(FRANCECONNECT);
  });
  afterAll(() => world.close());

  test('exactly the parameters of its list, with nonce and state of 64 hex characters', async () => {
    const url = await authorizeUrl(world);
    const { state, nonce, ...rest } = Object.fromEntries(url.searchParams);
    expect(rest).toEqual({
      response_type: 'code',
      client_id: world.config.identity.clientId,
      redirect_uri: `${world.origin}/login/callback`,
      scope: 'openid birthdate',
      acr_values: 'eidas1',
      ui_locales: 'fr',
    });
    expect([state, nonce]).toEqual([expect.stringMatching(HEX64), expect.stringMatching(HEX64)]);
    expect(state).not.toBe(nonce);
    expect(url.searchParams.size).toBe(8); // none of them twice
    expect(url.origin + url.pathname).toBe(`${world.franceConnect.issuer}/authorize`);
  });

  test('new ones each time', async () => {
    const browser = waitingBrowser();
    const values = [];
    for (let i = 0; i < 3; i++) {
      const { searchParams } = await authorizeUrl(world, browser);
      values.push(searchParams.get('state'), searchParams.get('nonce'));
    }
    expect(new Set(values).size).toBe(6);
  });

  test('the language of the page', async () => {
    const url = await authorizeUrl(world, world.browser({ headers: { 'accept-language': 'en' } }));
    expect(url.searchParams.get('ui_locales')).toBe('en');
  });

  test('the level that the petition asks for', async () => {
    await using substantial = await startWatchedWorld({ env: { IDENTITY_ACR: 'eidas2' } });
    expect((await authorizeUrl(substantial)).searchParams.get('acr_values')).toBe('eidas2');
  });

  test('control: PKCE would end on its error page', async () => {
    const url = await authorizeUrl(world);
    url.searchParams.set('code_challenge', 'A'.repeat(43));
    url.searchParams.set('code_challenge_method', 'S256');
    const page = await world.browser().get(url);
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('Y030007')]);
  });
});

describe('towards any OpenID Provider', () => {
  let world: WatchedWorld;
  beforeAll(async () => {
    world = await startWatchedWorld(OIDC);
  });
  afterAll(() => world.close());

  test('PKCE S256, and no level where none is asked for', async () => {
    const { searchParams } = await authorizeUrl(world);
    const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(searchParams);
    expect(rest).toEqual({
      response_type: 'code',
      client_id: world.config.identity.clientId,
      redirect_uri: `${world.origin}/login/callback`,
      scope: 'openid birthdate',
      ui_locales: 'fr',
      code_challenge_method: 'S256',
    });
    expect([state, nonce]).toEqual([expect.stringMatching(HEX64), expect.stringMatching(HEX64)]);
    expect(challenge).toMatch(/^[\w-]{43}$/);
    await expectHealthyLogin(world);
  });

  test('a code is worth nothing without the verifier', async () => {
    const { callback } = await arriveAtDoor(world);
    const { clientId, clientSecret } = world.config.identity;
    const redeem = (verifier: Record<string, string>) =>
      fetch(`${world.franceConnect.issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: callback.searchParams.get('code') ?? '',
          redirect_uri: `${world.origin}/login/callback`,
          ...verifier,
        }),
      });
    expect((await redeem({})).status).toBe(400);
    expect((await redeem({ code_verifier: 'A'.repeat(43) })).status).toBe(400);
  });

  test('a level where the operator asks for one', async () => {
    await using other = await startWatchedWorld({ ...OIDC, env: { ...OIDC.env, IDENTITY_ACR: 'eidas1' } });
    expect((await authorizeUrl(other)).searchParams.get('acr_values')).toBe('eidas1');
  });
});

test('the nonce in the id_token is the one that was sent', async () => {
  await using world = await startWatchedWorld();
  const nonces: unknown[] = [];
  world.franceConnect.switches.alterations.idToken = {
    change: (token) => {
      nonces.push(token.payload.nonce);
      return token;
    },
  };
  const { browser, callback } = await arriveAtDoor(world);
  const sent = new URL(browser.exchangesWith('/authorize?')[0]?.url ?? '').searchParams.get('nonce');
  await browser.get(callback);
  expect(nonces).toEqual([sent]);
});
