import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as oidc from 'openid-client';
import { describe, expect, test } from 'vitest';
import { LIE_NAMES, type Lie } from '../../src/demo/franceconnect/lies.ts';
import { ENDPOINTS } from '../../src/demo/franceconnect/switches.ts';
import { AFTER_LOGOUT, json, RelyingParty } from './relying-party.ts';

/** What openid-client, with its signature checks on, makes of a login while a lie is told. */
async function outcome(service: RelyingParty, lie: Lie): Promise<'believed' | 'refused'> {
  await service.config();
  service.franceConnect.switches.lie = lie;
  const callback = await service.logIn('test');
  return service.redeem(callback).then(
    () => 'believed',
    () => 'refused',
  );
}

describe('the lies', () => {
  /** What openid-client leaves to its caller, or what is no lie at all. */
  const believed: Lie[] = [
    'id-token-kid-absent-single-jwks',
    'id-token-from-the-future',
    'id-token-valid-at-hash',
    'id-token-invalid-at-hash',
    'id-token-sig-es256',
    'id-token-lower-acr',
    'id-token-missing-acr',
    'userinfo-sig-es256',
    'userinfo-missing-birthdate',
    'userinfo-malformed-birthdate',
    'discovery-issuer-mismatch',
  ];

  test.each(LIE_NAMES)('%s', async (lie) => {
    await using service = await RelyingParty.start();
    expect(await outcome(service, lie)).toBe(believed.includes(lie) ? 'believed' : 'refused');
    service.franceConnect.switches.lie = undefined;
    service.forget();
    const { userinfo } = await service.redeem(await service.logIn('citoyen-7'));
    expect(userinfo.birthdate).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  });

  test('RS256 is right for an RS256 client, and ES256 wrong', async () => {
    await using service = await RelyingParty.start({ signingAlg: 'RS256' });
    expect(await outcome(service, 'id-token-sig-rs256')).toBe('believed');
    expect(await outcome(service, 'id-token-sig-es256')).toBe('refused');
    expect(await outcome(service, 'id-token-invalid-sig-rs256')).toBe('refused');
  });

  test('a key set holds one key or several, and no kid in the token', async () => {
    await using service = await RelyingParty.start();
    const { switches, issuer } = service.franceConnect;
    const algorithms = async () => {
      const { keys } = (await json(await fetch(`${issuer}/jwks`))) as { keys: { alg: string }[] };
      return keys.map(({ alg }) => alg);
    };
    switches.lie = 'id-token-kid-absent-single-jwks';
    expect(await algorithms()).toEqual(['ES256']);
    switches.lie = 'id-token-kid-absent-multiple-jwks';
    expect(await algorithms()).toEqual(['ES256', 'ES256', 'RS256']);
    const { id_token: idToken } = await json(await service.token(await service.logIn('test')));
    expect(decodeProtectedHeader(String(idToken))).toEqual({ alg: 'ES256' });
  });

  test('a document of another issuer is refused at discovery', async () => {
    await using service = await RelyingParty.start();
    service.franceConnect.switches.lie = 'discovery-issuer-mismatch';
    await expect(service.config()).rejects.toThrow();
  });

  test('without a name can be told too, and after a named one', async () => {
    await using service = await RelyingParty.start();
    const { switches } = service.franceConnect;
    switches.lie = 'id-token-lower-acr';
    switches.alterations = {
      idToken: { change: ({ header, payload }) => ({ header, payload: { ...payload, birthplace: payload.acr } }) },
    };
    const { id_token: idToken } = await json(await service.token(await service.logIn('test')));
    expect(decodeJwt(String(idToken))).toMatchObject({ acr: 'eidas0', birthplace: 'eidas0' });
  });
});

describe('the clock', () => {
  test('is wrong in everything that is signed, and the signature is right', async () => {
    await using service = await RelyingParty.start();
    service.franceConnect.switches.clockOffset = 20;
    const now = Math.floor(Date.now() / 1000);
    const { claims } = await service.redeem(await service.logIn('test'));
    expect(claims.iat).toBeGreaterThanOrEqual(now + 20);
    expect(claims.exp).toBe(claims.iat + 60);
    expect(claims.auth_time).toBeGreaterThanOrEqual(now + 20);
  });

  test('an hour late: the token has expired', async () => {
    await using service = await RelyingParty.start();
    service.franceConnect.switches.clockOffset = -3600;
    await expect(service.redeem(await service.logIn('test'))).rejects.toThrow();
  });
});

describe('the signing keys', () => {
  const kids = async (service: RelyingParty) => {
    const { keys } = (await json(await fetch(`${service.franceConnect.issuer}/jwks`))) as { keys: { kid: string }[] };
    return keys.map(({ kid }) => kid);
  };

  test('are replaced in the middle of a login', async () => {
    await using service = await RelyingParty.start();
    const callback = await service.logIn('test');
    await service.franceConnect.rotateKeys();
    const { tokens } = await service.redeem(callback);
    expect(await kids(service)).not.toContain('pkcs11:ES256:hsm');
    expect(await kids(service)).toContain(decodeProtectedHeader(tokens.id_token ?? '').kid);
  });

  test('may stay published when they are replaced', async () => {
    await using service = await RelyingParty.start();
    const before = await kids(service);
    await service.franceConnect.rotateKeys({ keepOld: true });
    expect(await kids(service)).toHaveLength(4);
    expect(await kids(service)).toEqual(expect.arrayContaining(before));
  });

  test('that stay published still vouch for a logout', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    const { tokens } = await service.redeem(await service.logIn('test', browser));
    await service.franceConnect.rotateKeys({ keepOld: true });
    await browser.get(
      service.endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: AFTER_LOGOUT }),
    );
    expect(browser.page.url).toBe(AFTER_LOGOUT);
  });

  test('may change under the same kid, which a service that keeps keys takes for a forgery', async () => {
    await using service = await RelyingParty.start();
    await service.redeem(await service.logIn('test'));
    const before = await kids(service);
    await service.franceConnect.rotateKeys({ sameKid: true });
    expect(await kids(service)).toEqual(before);
    await expect(service.redeem(await service.logIn('test'))).rejects.toThrow();
  });

  test('a live session outlives a rotation', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    await service.logIn('test', browser);
    await service.franceConnect.rotateKeys();
    await browser.get(service.authorizeUrl());
    expect(browser.page.text).toContain('date de naissance');
  });
});

describe('each endpoint of the server’s side', () => {
  const call = async (service: RelyingParty, endpoint: (typeof ENDPOINTS)[number], init: RequestInit = {}) => {
    const { issuer } = service.franceConnect;
    if (endpoint === 'discovery') return fetch(`${issuer}/.well-known/openid-configuration`, init);
    if (endpoint === 'jwks') return fetch(`${issuer}/jwks`, init);
    const { switches } = service.franceConnect;
    const faulty = { ...switches.token };
    if (endpoint === 'userinfo') Object.assign(switches.token, { latency: 0, status: undefined, fault: undefined });
    const callback = await service.logIn('test');
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: 'http://127.0.0.1:9/callback',
      client_id: 'paraphe',
      client_secret: service.client.clientSecret,
    });
    const token = await fetch(`${issuer}/token`, { ...(endpoint === 'token' ? init : {}), method: 'POST', body });
    if (endpoint === 'token') return token;
    Object.assign(switches.token, faulty);
    const { access_token: accessToken } = await json(token);
    return fetch(`${issuer}/userinfo`, { ...init, headers: { authorization: `Bearer ${accessToken}` } });
  };

  test.each(ENDPOINTS)('%s can be late, down, garbled, huge, circular and mute', async (endpoint) => {
    await using service = await RelyingParty.start();
    const switches = service.franceConnect.switches[endpoint];
    const healthy = await call(service, endpoint);
    expect(healthy.status).toBe(200);
    const text = await healthy.text();

    switches.latency = 60;
    const before = performance.now();
    await (await call(service, endpoint)).text();
    expect(performance.now() - before).toBeGreaterThan(50);
    switches.latency = 0;

    switches.status = 503;
    expect((await call(service, endpoint)).status).toBe(503);
    switches.status = undefined;

    switches.fault = 'truncated';
    expect((await (await call(service, endpoint)).text()).length).toBeLessThan(text.length * 0.6);

    switches.fault = 'wrong-content-type';
    expect((await call(service, endpoint)).headers.get('content-type')).toContain('text/html');

    switches.fault = 'ten-megabytes';
    expect((await (await call(service, endpoint)).text()).length).toBeGreaterThan(10_000_000);

    switches.fault = 'redirect-loop';
    const redirect = await call(service, endpoint, { redirect: 'manual' });
    expect(redirect.status).toBe(302);
    expect(new URL(redirect.headers.get('location') ?? '', redirect.url).href).toBe(redirect.url);

    switches.fault = 'hang';
    await expect(call(service, endpoint, { signal: AbortSignal.timeout(150) })).rejects.toThrow();

    switches.fault = undefined;
    expect((await call(service, endpoint)).status).toBe(200);
  });

  test('closing does not wait for an answer that hangs', async () => {
    const service = await RelyingParty.start();
    service.franceConnect.switches.jwks.fault = 'hang';
    const hanging = call(service, 'jwks').catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await service.franceConnect.close();
    expect(await hanging).toBeInstanceOf(Error);
  });
});

describe('the page of switches', () => {
  test('is one plain form that shows and sets them', async () => {
    await using service = await RelyingParty.start();
    const { origin, switches } = service.franceConnect;
    const browser = service.browser();
    await browser.get(`${origin}/simulator`);
    await browser.submit({ lie: 'id-token-sig-none', clockOffset: '42', 'token.status': '503', 'jwks.fault': 'hang' });
    expect(browser.page.text).toContain('Réglages enregistrés');
    expect(switches).toMatchObject({ lie: 'id-token-sig-none', clockOffset: 42 });
    expect(switches.token).toEqual({ latency: 0, status: 503, fault: undefined });
    expect(switches.jwks.fault).toBe('hang');
    await browser.submit({ lie: '', clockOffset: '0', 'token.status': '', 'jwks.fault': '' });
    expect(switches.lie).toBeUndefined();
    expect(switches.token.status).toBeUndefined();
    expect(switches.jwks.fault).toBeUndefined();
  });

  test('speaks JSON, and sets only what is named', async () => {
    await using service = await RelyingParty.start();
    const { origin, issuer } = service.franceConnect;
    const post = (body: unknown, headers: Record<string, string> = {}) =>
      fetch(`${origin}/simulator`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    expect(await json(await post({ lie: 'jwks-empty', userinfo: { latency: 5 } }))).toMatchObject({
      lie: 'jwks-empty',
    });
    expect(await json(await post({ clockOffset: 3, lie: null }))).toEqual({
      clockOffset: 3,
      lie: null,
      discovery: { latency: 0, status: null, fault: null },
      jwks: { latency: 0, status: null, fault: null },
      token: { latency: 0, status: null, fault: null },
      userinfo: { latency: 5, status: null, fault: null },
    });
    for (const unknown of [{ lie: 'no-such-lie' }, { clockOffset: 'soon' }, { token: { fault: 'x' } }, { other: 1 }]) {
      expect((await post(unknown)).status).toBe(400);
    }
    const keys = await (await fetch(`${issuer}/jwks`)).text();
    await post({ rotate: { sameKid: true } });
    expect(await (await fetch(`${issuer}/jwks`)).text()).not.toBe(keys);
    expect((await post({ lie: 'jwks-empty' }, { origin: 'https://evil.example' })).status).toBe(403);
    expect(service.franceConnect.switches.lie).toBeUndefined();
  });
});

test('openid-client’s own checks are on in these tests: a forged signature is told by its code', async () => {
  await using service = await RelyingParty.start();
  await service.config();
  service.franceConnect.switches.lie = 'id-token-invalid-sig';
  const refusal = await service.redeem(await service.logIn('test')).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(oidc.ClientError);
});
