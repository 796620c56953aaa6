import { createHash, randomBytes } from 'node:crypto';
import * as oidc from 'openid-client';
import { describe, expect, test } from 'vitest';
import type { Client } from '../../src/demo/franceconnect/clients.ts';
import { CALLBACK, json, NONCE, RelyingParty, STATE } from './relying-party.ts';

/** A provider without FranceConnect's rules: what a profile for any OpenID Provider meets. */
function standard(client: Partial<Client> = {}) {
  return RelyingParty.start({ userinfo: 'json', ...client }, { rules: 'standard' });
}

const PLAIN = { acr_values: undefined };

describe('under standard rules', () => {
  test('a login with PKCE needs the verifier', async () => {
    await using service = await standard();
    const verifier = randomBytes(32).toString('base64url');
    const pkce = {
      ...PLAIN,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    };
    const callback = await service.logIn('test', service.browser(), pkce);
    const { claims, userinfo } = await service.redeem(callback, { pkceCodeVerifier: verifier });
    expect(userinfo).toEqual({ sub: claims.sub, birthdate: '1962-08-24' });
    const another = await service.logIn('test', service.browser(), pkce);
    await expect(service.redeem(another)).rejects.toThrow();
    await expect(
      service.redeem(another, { pkceCodeVerifier: randomBytes(32).toString('base64url') }),
    ).rejects.toThrow();
  });

  test('client_secret_basic, RS256 and a signed userinfo work', async () => {
    await using service = await standard({
      tokenAuth: 'client_secret_basic',
      signingAlg: 'RS256',
      userinfo: 'jwt',
    });
    const { userinfo } = await service.redeem(await service.logIn('test', service.browser(), PLAIN));
    expect(userinfo.birthdate).toBe('1962-08-24');
  });

  test('userinfo takes GET and POST, the token in the header or in the body', async () => {
    await using service = await standard();
    const { tokens } = await service.redeem(await service.logIn('test', service.browser(), PLAIN));
    const url = `${service.franceConnect.issuer}/userinfo`;
    const bearer = { authorization: `Bearer ${tokens.access_token}` };
    const answers = [
      await fetch(url, { headers: bearer }),
      await fetch(url, { method: 'POST', headers: bearer }),
      await fetch(url, { method: 'POST', body: new URLSearchParams({ access_token: tokens.access_token }) }),
    ];
    for (const answer of answers) expect(await json(answer)).toMatchObject({ birthdate: '1962-08-24' });
  });

  test('parameters that FranceConnect refuses are taken', async () => {
    await using service = await standard();
    const browser = service.browser();
    await browser.get(service.authorizeUrl({ ...PLAIN, display: 'page', unknown: 'x', response_mode: 'query' }));
    expect(browser.page.text).toContain('Choisissez un compte');
    await browser.get(service.authorizeUrl({ ...PLAIN, prompt: 'none' }));
    expect(new URL(browser.page.url).searchParams.get('error')).toBe('login_required');
  });

  test('prompt=login asks again in a live session, and may be answered by somebody else', async () => {
    await using service = await standard();
    const browser = service.browser();
    await service.logIn('test', browser, PLAIN);
    await browser.get(service.authorizeUrl(PLAIN));
    expect(browser.page.text).toContain('date de naissance');
    const callback = await service.logIn('seize_ans', browser, { ...PLAIN, prompt: 'login' });
    const { claims } = await service.redeem(callback);
    expect(claims.sub).toBe(service.franceConnect.subOf('seize_ans', 'paraphe'));
  });

  test('lies and switches work alike', async () => {
    await using service = await standard();
    await service.config();
    service.franceConnect.switches.lie = 'userinfo-invalid-sub';
    const callback = await service.logIn('test', service.browser(), PLAIN);
    await expect(service.redeem(callback)).rejects.toThrow();
  });

  test('logging out leads back to the service', async () => {
    await using service = await standard();
    const browser = service.browser();
    const { tokens } = await service.redeem(await service.logIn('test', browser, PLAIN));
    const config = await service.config();
    const url = oidc.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'http://127.0.0.1:9/logout/callback',
      state: 's',
    });
    await browser.get(url);
    expect(browser.page.url).toBe('http://127.0.0.1:9/logout/callback?state=s');
  });

  test('a login of openid-client’s own making works', async () => {
    await using service = await standard();
    const config = await service.config();
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: 'openid birthdate',
      state: STATE,
      nonce: NONCE,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    const browser = service.browser();
    await browser.get(url);
    await browser.submit();
    await browser.submit({ login: 'citoyen-12', password: '123' });
    await browser.submit();
    const { claims } = await service.redeem(new URL(browser.page.url), { pkceCodeVerifier });
    expect(claims.sub).toBe(service.franceConnect.subOf('citoyen-12', 'paraphe'));
  });
});
