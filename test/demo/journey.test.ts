import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, test } from 'vitest';
import { json, NONCE, RelyingParty, STATE } from './relying-party.ts';

describe('a person logs in', () => {
  test('chooses an account, logs in, reads what is transmitted, and comes back to the service', async () => {
    await using service = await RelyingParty.start();
    const { franceConnect } = service;
    const browser = service.browser();

    await browser.get(service.authorizeUrl());
    expect(browser.page.status).toBe(200);
    expect(browser.page.text).toContain('Ceci n’est pas FranceConnect');
    await browser.submit();
    expect(browser.page.text).toContain('dix_sept_ans 17 ans');
    await browser.submit({ login: 'test', password: '123' });
    expect(browser.page.text).toContain('date de naissance');
    await browser.submit();

    const callback = new URL(browser.page.url);
    expect([...callback.searchParams.keys()]).toEqual(['code', 'state', 'iss']);
    expect(callback.searchParams.get('iss')).toBe(franceConnect.issuer);
    const { tokens, claims, userinfo } = await service.redeem(callback);
    expect(claims.sub).toBe(franceConnect.subOf('test', 'paraphe'));
    expect(userinfo.birthdate).toBe('1962-08-24');
    expect(tokens.expires_in).toBe(60);
  });

  test('the tokens have exactly FranceConnect’s members', async () => {
    await using service = await RelyingParty.start();
    const response = await service.token(await service.logIn('test'));
    const tokens = await json(response);
    expect(Object.keys(tokens).sort()).toEqual(['access_token', 'expires_in', 'id_token', 'scope', 'token_type']);
    expect(decodeProtectedHeader(String(tokens.id_token))).toEqual({ alg: 'ES256', kid: 'pkcs11:ES256:hsm' });
    const claims = decodeJwt(String(tokens.id_token));
    expect(Object.keys(claims).sort()).toEqual(['acr', 'aud', 'auth_time', 'exp', 'iat', 'iss', 'nonce', 'sub']);
    expect(claims).toMatchObject({ acr: 'eidas1', aud: 'paraphe', nonce: NONCE });
    expect(claims.exp).toBe((claims.iat ?? 0) + 60);
    const userinfo = await service.userinfo(String(tokens.access_token));
    expect(userinfo.headers.get('content-type')).toContain('application/jwt');
    expect(userinfo.headers.get('set-cookie')).toBeNull();
    const answer = decodeJwt(await userinfo.text());
    expect(Object.keys(answer).sort()).toEqual(['aud', 'birthdate', 'exp', 'iat', 'iss', 'sub']);
  });

  test('an RS256 client gets RS256 tokens', async () => {
    await using service = await RelyingParty.start({ signingAlg: 'RS256' });
    const { tokens, userinfo } = await service.redeem(await service.logIn('test'));
    expect(decodeProtectedHeader(tokens.id_token ?? '')).toEqual({ alg: 'RS256', kid: 'pkcs11:RS256:hsm' });
    expect(userinfo.birthdate).toBe('1962-08-24');
  });

  test('a wrong password shows the same form again', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    await browser.get(service.authorizeUrl());
    await browser.submit();
    for (const credentials of [
      { login: 'test', password: 'wrong' },
      { login: 'nobody', password: '123' },
    ]) {
      await browser.submit(credentials);
      expect(browser.page.status).toBe(422);
      expect(browser.page.text).toContain('Identifiant ou mot de passe incorrect');
    }
    await browser.submit({ login: 'test', password: '123' });
    expect(browser.page.text).toContain('date de naissance');
  });

  test('each page leads back to the service, which hears access_denied', async () => {
    await using service = await RelyingParty.start();
    const steps = [{}, { login: 'test', password: '123' }];
    for (const done of [0, 1, 2]) {
      const browser = service.browser();
      await browser.get(service.authorizeUrl());
      for (const fields of steps.slice(0, done)) await browser.submit(fields);
      await browser.follow('Revenir sur Paraphe');
      expect(Object.fromEntries(new URL(browser.page.url).searchParams)).toEqual({
        error: 'access_denied',
        error_description: 'User auth aborted',
        state: STATE,
        iss: service.franceConnect.issuer,
      });
    }
  });

  test('two tabs of one browser both come back', async () => {
    await using service = await RelyingParty.start();
    const first = service.browser();
    const second = first.tab();
    await first.get(service.authorizeUrl());
    await second.get(service.authorizeUrl());
    for (const tab of [first, second]) {
      await tab.submit();
      await tab.submit({ login: 'test', password: '123' });
    }
    await first.submit();
    await second.submit();
    for (const tab of [first, second]) {
      const { claims } = await service.redeem(new URL(tab.page.url));
      expect(claims.sub).toBe(service.franceConnect.subOf('test', 'paraphe'));
    }
  });

  test('two people in two tabs of one browser are each logged in as themselves', async () => {
    await using service = await RelyingParty.start();
    const first = service.browser();
    const second = first.tab();
    await first.get(service.authorizeUrl());
    await second.get(service.authorizeUrl());
    const people = [
      { tab: first, login: 'test' },
      { tab: second, login: 'seize_ans' },
    ];
    for (const { tab, login } of people) {
      await tab.submit();
      await tab.submit({ login, password: '123' });
    }
    for (const { tab, login } of people) {
      await tab.submit();
      const { claims } = await service.redeem(new URL(tab.page.url));
      expect(claims.sub).toBe(service.franceConnect.subOf(login, 'paraphe'));
    }
  });

  test('a form posted from another site is refused', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    await browser.get(service.authorizeUrl());
    await browser.post(browser.page.url, {}, 'https://evil.example/');
    expect(browser.page.status).toBe(403);
    expect(browser.page.text).toContain('Y470002');
  });

  test('an interaction without its cookie is an error page', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    await browser.get(service.authorizeUrl());
    const { url } = browser.page;
    browser.jar.clear();
    await browser.get(url);
    expect(browser.page.status).toBe(400);
    expect(browser.page.text).toContain('Votre session a expiré');
  });
});

describe('the code', () => {
  test('serves once; a second use is refused and revokes the first access token', async () => {
    await using service = await RelyingParty.start();
    const callback = await service.logIn('test');
    const { tokens } = await service.redeem(callback);
    const replay = await service.token(callback);
    expect(replay.status).toBe(400);
    expect(await replay.json()).toMatchObject({
      error: 'invalid_grant',
      error_uri: expect.stringContaining('https://docs.partenaires.franceconnect.gouv.fr/'),
    });
    const userinfo = await service.userinfo(tokens.access_token);
    expect(userinfo.status).toBe(401);
    expect(await userinfo.json()).toMatchObject({ error: 'invalid_token' });
  });

  test('needs the client’s secret, in the body and nowhere else', async () => {
    await using service = await RelyingParty.start();
    const callback = await service.logIn('test');
    expect((await service.token(callback, { client_secret: 'x'.repeat(64) })).status).toBe(401);
    const basic = await fetch(`${service.franceConnect.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`paraphe:${service.client.clientSecret}`)}` },
      body: new URLSearchParams({ grant_type: 'authorization_code', code: callback.searchParams.get('code') ?? '' }),
    });
    expect(basic.status).toBe(400);
    expect((await service.token(callback)).status).toBe(200);
  });

  test('a revoked access token opens nothing', async () => {
    await using service = await RelyingParty.start();
    const { tokens } = await service.redeem(await service.logIn('test'));
    const { clientId, clientSecret } = service.client;
    const revoke = (extra: Record<string, string>) =>
      fetch(`${service.franceConnect.issuer}/token/revocation`, {
        method: 'POST',
        body: new URLSearchParams({
          token: tokens.access_token,
          client_id: clientId,
          client_secret: clientSecret,
          ...extra,
        }),
      });
    expect((await revoke({ token_type_hint: 'access_token' })).status).toBe(400);
    expect((await service.userinfo(tokens.access_token)).status).toBe(200);
    expect((await revoke({})).status).toBe(200);
    expect((await service.userinfo(tokens.access_token)).status).toBe(401);
  });
});
