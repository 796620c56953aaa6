/**
 * Answers of the identity provider that no lie has a name for: text that is no token, addresses that are none, keys
 * that are none. None of them is our bug (500), and none takes a page away from readers.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Alterations } from '../../src/demo/franceconnect/alterations.ts';
import {
  comeBack,
  expectHealthyLogin,
  expectNothingLeft,
  expectRefusal,
  OIDC,
  startWatchedWorld,
  storedSignatures,
  type WatchedWorld,
} from './arrival.ts';

let world: WatchedWorld;

beforeAll(async () => {
  world = await startWatchedWorld();
});

afterAll(async () => {
  expect(storedSignatures(world)).toBe(0);
  await world.close();
});

/** Tells something in the answers of a world, after which it is honest again. */
async function telling<T>(told: WatchedWorld, alterations: Alterations, work: () => Promise<T>): Promise<T> {
  const { switches } = told.franceConnect;
  const honest = switches.alterations;
  switches.alterations = { ...honest, ...alterations };
  try {
    return await work();
  } finally {
    switches.alterations = honest;
  }
}

describe('a token response', () => {
  const idToken = (change: (jwt: string) => unknown): Alterations => ({
    tokenResponse: (response) => ({ ...response, id_token: change(String(response.id_token)) }),
  });
  const response = (members: Record<string, unknown>): Alterations => ({
    tokenResponse: (body) => ({ ...body, ...members }),
  });
  const claims = (members: Record<string, unknown>): Alterations => ({
    idToken: { change: ({ header, payload }) => ({ header, payload: { ...payload, ...members } }) },
    userinfo: {
      change: ({ header, payload }) => ({
        header,
        payload: 'sub' in members ? { ...payload, sub: members.sub } : payload,
      }),
    },
  });

  const rows: Record<string, Alterations> = {
    'whose signature is no base64url': idToken((jwt) => `${jwt.slice(0, jwt.lastIndexOf('.'))}.!!!*`),
    'whose signature is cut short': idToken((jwt) => jwt.slice(0, -5)),
    'whose signature is empty': idToken((jwt) => jwt.slice(0, jwt.lastIndexOf('.') + 1)),
    'whose id_token has no dots': idToken((jwt) => jwt.replaceAll('.', '')),
    'whose id_token is dots': idToken(() => '...'),
    'whose id_token is encrypted': idToken((jwt) => `${jwt}.x.y`),
    'whose id_token is null': idToken(() => null),
    'whose id_token is a number': idToken(() => 42),
    'whose id_token is an object': idToken(() => ({ sub: 'x' })),
    'whose id_token claims nothing': idToken((jwt) => jwt.replace(/\.[^.]*\./, '.e30.')),
    'whose id_token claims a list': idToken((jwt) => jwt.replace(/\.[^.]*\./, '.W10.')),
    'whose access token has a line break': response({ access_token: 'a\r\nx: y' }),
    'whose access token no header can carry': response({ access_token: 'é☃' }),
    'whose access token is empty': response({ access_token: '' }),
    'whose access token is a list': response({ access_token: ['a'] }),
    'of another token type': response({ token_type: 'mac' }),
    'that expires never': response({ expires_in: 'never' }),
    'about nobody': claims({ sub: '' }),
    'about a number': claims({ sub: 42 }),
    'about someone with a NUL, on which two people could share a pseudonym': claims({ sub: 'a\0b' }),
    'about someone of half a character, which reads as any other half': claims({ sub: '\ud800' }),
    'about someone longer than OpenID Connect allows': claims({ sub: 'a'.repeat(256) }),
    'about someone very long': claims({ sub: 'a'.repeat(100_000) }),
    'for us and for somebody else': claims({ aud: ['paraphe-test', 'another-service'], azp: 'paraphe-test' }),
    'of an odd hour': claims({ exp: 'tomorrow' }),
    'whose at_hash is a number': claims({ at_hash: 42 }),
  };

  test.each(Object.entries(rows))('%s', async (_what, alterations) => {
    const { page, ...arrival } = await telling(world, alterations, () => comeBack(world));
    expectRefusal(world, page, 'login-unverified', 502);
    await expectNothingLeft(world, arrival, page);
  });

  test('for us alone, in a list, is as good', async () => {
    await telling(world, claims({ aud: ['paraphe-test'] }), () => expectHealthyLogin(world));
  });
});

describe('a birth date', () => {
  test.each([
    null,
    19620824,
    { year: 1962 },
    '1962',
    '1962-00-00',
    '1962-02-30',
    '0001-01-01',
    '9999-01-01',
    '1962-08-24T00:00Z',
  ])('%j is none', async (birthdate) => {
    const alterations: Alterations = {
      userinfo: { change: ({ header, payload }) => ({ header, payload: { ...payload, birthdate } }) },
    };
    const { page, ...arrival } = await telling(world, alterations, () => comeBack(world));
    expectRefusal(world, page, 'birthdate-missing', 403);
    await expectNothingLeft(world, arrival, page);
  });
});

describe('a discovery document', () => {
  const NEEDED = ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri'];
  const ADDRESSES = [...NEEDED, 'end_session_endpoint'];
  const rows = [
    ...NEEDED.map((name) => ({ name, value: undefined })),
    ...ADDRESSES.flatMap((name) => ['nonsense', 'ftp://localhost/'].map((value) => ({ name, value }))),
    ...[null, 42, '', '/token', 'javascript:alert(1)', 'data:,x'].map((value) => ({ name: 'token_endpoint', value })),
    { name: 'issuer', value: 42 },
    { name: 'issuer', value: 'nonsense' },
  ];

  afterEach(() => world.restart());

  test.each(rows)('whose $name is $value', async ({ name, value }) => {
    const discovery = (document: Record<string, unknown>) => ({ ...document, [name]: value });
    world.franceConnect.switches.discovery.status = 503;
    await world.restart();
    world.franceConnect.switches.discovery.status = undefined;
    await telling(world, { discovery }, async () => {
      const browser = world.browser();
      await browser.get(`${world.origin}/petitions/jardins`);
      await browser.submit({}, { form: '/sign' });
      const isIssuer = name === 'issuer';
      expectRefusal(
        world,
        browser.page,
        isIssuer ? 'login-unverified' : 'identity-provider-unavailable',
        isIssuer ? 502 : 503,
      );
      expect(browser.jar.all).toEqual([]);
      for (const path of ['/', '/petitions/jardins', '/api/petitions', '/healthz']) {
        expect([path, (await fetch(world.origin + path)).status]).toEqual([path, 200]);
      }
    });
    await expectHealthyLogin(world);
  });

  test('that turns bad while the gateway runs changes nothing: the last good one serves on', async () => {
    let ahead = 0;
    await using other = await startWatchedWorld({ clock: () => new Date(Date.now() + ahead) });
    ahead = 11 * 60_000;
    other.franceConnect.switches.clockOffset = ahead / 1000; // both clocks go on
    await telling(other, { discovery: (document) => ({ ...document, end_session_endpoint: 'nonsense' }) }, async () => {
      await expectHealthyLogin(other);
      expect((await fetch(`${other.origin}/`)).status).toBe(200);
      await expectHealthyLogin(other);
    });
  });

  test('without a logout is one', async () => {
    await telling(world, { discovery: ({ end_session_endpoint: _logout, ...rest }) => rest }, async () => {
      await world.restart();
      await expectHealthyLogin(world);
    });
  });
});

describe('a key set', () => {
  afterEach(() => world.restart());

  test.each([
    ['of nothing', []],
    ['of no keys', [null, 42, 'x', []]],
    ['of broken keys', [{ kty: 'EC', crv: 'P-256', kid: 'pkcs11:ES256:hsm', alg: 'ES256', x: 'AA', y: '!' }]],
    ['of a secret key', [{ kty: 'oct', kid: 'pkcs11:ES256:hsm', alg: 'HS256', k: 'AAAA' }]],
  ])('%s', async (_what, keys) => {
    await telling(world, { jwks: () => keys as never }, async () => {
      await world.restart();
      const { page, ...arrival } = await comeBack(world);
      expectRefusal(world, page, 'login-unverified', 502);
      await expectNothingLeft(world, arrival, page);
    });
  });

  test('with keys that nobody asked for beside the right one', async () => {
    const extra = [{ kty: 'AKP', kid: 'future' }, { kty: 'EC', crv: 'P-521', kid: 'pkcs11:ES256:hsm' }, { kty: 'OKP' }];
    await telling(world, { jwks: (keys) => [...extra, ...keys] }, async () => {
      await world.restart();
      await expectHealthyLogin(world);
    });
  });
});

test('userinfo as JSON of other kinds', async () => {
  await using other = await startWatchedWorld(OIDC);
  for (const payload of [{}, { sub: null }, { sub: ['x'] }, { birthdate: '1962-08-24' }]) {
    const { page } = await telling(other, { userinfo: { change: () => ({ header: {}, payload }) } }, () =>
      comeBack(other),
    );
    expectRefusal(other, page, 'login-unverified', 502);
  }
});
