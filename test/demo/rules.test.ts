import { describe, expect, test } from 'vitest';
import { pickAcr } from '../../src/demo/franceconnect/rules.ts';
import { json, type Parameters, RelyingParty, STATE } from './relying-party.ts';

describe('the closed list of parameters', () => {
  test('what is missing, empty, doubled or unknown is a page at FranceConnect and never a redirect', async () => {
    await using service = await RelyingParty.start();
    const required = ['client_id', 'acr_values', 'response_type', 'nonce', 'state', 'redirect_uri', 'scope'];
    const refused: Parameters[] = [
      ...required.map((name) => ({ [name]: undefined })),
      ...required.map((name) => ({ [name]: '' })),
      { nonce: 'n'.repeat(21) },
      { prompt: '' },
      { prompt: 'none' },
      { prompt: 'select_account' },
      { code_challenge: 'c'.repeat(43) },
      { code_challenge_method: 'S256' },
      { response_mode: 'query' },
      { login_hint: 'someone' },
      { max_age: '0' },
      { display: 'page' },
      { request_uri: 'https://example.com/request' },
      { resource: 'https://example.com' },
      { anything: 'else' },
    ];
    for (const parameters of refused) {
      const browser = service.browser();
      await browser.get(service.authorizeUrl(parameters));
      expect(browser.page.status, JSON.stringify(parameters)).toBe(400);
      expect(browser.page.headers.get('content-type')).toContain('text/html');
      expect(browser.page.text).toContain('Y030007');
      expect(browser.history).toHaveLength(1);
    }
    const browser = service.browser();
    await browser.get(`${service.authorizeUrl()}&state=another`);
    expect(browser.page.text).toContain('Y030007');
  });

  test('what is on the list is taken, in a GET or a POST', async () => {
    await using service = await RelyingParty.start();
    const accepted: Parameters[] = [
      {},
      { nonce: 'n'.repeat(22) },
      { prompt: 'login' },
      { prompt: 'consent' },
      { prompt: 'consent login' },
      { ui_locales: 'fr' },
      { acr_values: 'unknown_level' },
      { acr_values: 'eidas1 eidas2 eidas3' },
      { claims: JSON.stringify({ id_token: { acr: { essential: true } } }) },
    ];
    for (const parameters of accepted) {
      const browser = service.browser();
      await browser.get(service.authorizeUrl(parameters));
      expect(browser.page.status, JSON.stringify(parameters)).toBe(200);
      expect(browser.page.text).toContain('Choisissez un compte');
    }
    const browser = service.browser();
    const { origin, pathname, searchParams } = new URL(service.authorizeUrl());
    await browser.post(`${origin}${pathname}`, Object.fromEntries(searchParams), origin);
    expect(browser.page.text).toContain('Choisissez un compte');
  });

  test('an unknown client and an unregistered address have pages of their own', async () => {
    await using service = await RelyingParty.start();
    const refused = [
      { parameters: { client_id: 'unknown' }, code: 'Y04EA6EF' },
      { parameters: { redirect_uri: 'http://127.0.0.1:9/callback/' }, code: 'Y04C013C' },
      { parameters: { redirect_uri: 'https://evil.example/callback' }, code: 'Y04C013C' },
    ];
    for (const { parameters, code } of refused) {
      const browser = service.browser();
      await browser.get(service.authorizeUrl(parameters));
      expect(browser.page.status).toBe(400);
      expect(browser.page.text).toContain(code);
      expect(browser.history).toHaveLength(1);
    }
  });

  test('amr needs a permission', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    await browser.get(service.authorizeUrl({ claims: JSON.stringify({ id_token: { amr: { essential: true } } }) }));
    expect(browser.page.status).toBe(400);
    expect(browser.page.text).toContain('Y100009');
  });
});

describe('what the service is told', () => {
  const errorOf = async (service: RelyingParty, parameters: Parameters) => {
    const browser = service.browser();
    await browser.get(service.authorizeUrl(parameters));
    return Object.fromEntries(new URL(browser.page.url).searchParams);
  };

  test('a level above the platform’s, a hint, a scope that was not granted, no openid, another response type', async () => {
    await using service = await RelyingParty.start();
    const refused = [
      { parameters: { acr_values: 'eidas2' }, error: 'invalid_acr' },
      { parameters: { acr_values: 'eidas3 eidas2' }, error: 'invalid_acr' },
      { parameters: { idp_hint: 'some-provider' }, error: 'invalid_idp_hint' },
      { parameters: { scope: 'openid birthdate email' }, error: 'invalid_scope' },
      { parameters: { scope: 'birthdate' }, error: 'invalid_request' },
    ];
    for (const { parameters, error } of refused) {
      const told = await errorOf(service, parameters);
      expect(told, JSON.stringify(parameters)).toMatchObject({
        error,
        state: STATE,
        iss: service.franceConnect.issuer,
      });
    }
    expect(await errorOf(service, { scope: 'openid email' })).toMatchObject({
      error_description: 'requested scope is not allowed',
    });
    const browser = service.browser();
    await browser.get(service.authorizeUrl({ response_type: 'id_token' }));
    expect(new URLSearchParams(new URL(browser.page.url).hash.slice(1)).get('error')).toBe('unsupported_response_type');
  });

  test('an unknown scope is ignored', async () => {
    await using service = await RelyingParty.start();
    const callback = await service.logIn('test', service.browser(), { scope: 'openid birthdate address unknown' });
    expect(await json(await service.token(callback))).toMatchObject({ scope: 'openid birthdate' });
  });

  test('the lowest known level is picked, the platform’s own when none is known', () => {
    expect(pickAcr('eidas3 eidas1 eidas2')).toBe('eidas1');
    expect(pickAcr('eidas3 eidas2')).toBe('eidas2');
    expect(pickAcr('niveau_inconnu')).toBe('eidas1');
  });

  test('openid alone is an anonymous login', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    await browser.get(service.authorizeUrl({ scope: 'openid' }));
    await browser.submit();
    await browser.submit({ login: 'test', password: '123' });
    expect(browser.page.text).toContain('Aucune donnée d’identité');
    await browser.submit();
    const { userinfo } = await service.redeem(new URL(browser.page.url));
    expect(userinfo).not.toHaveProperty('birthdate');
  });

  test('a service with more scopes reads more', async () => {
    await using service = await RelyingParty.start({ scopes: ['openid', 'identite_pivot', 'profile', 'email'] });
    const callback = await service.logIn('plusieurs_prénoms_2', service.browser(), {
      scope: 'openid identite_pivot email',
    });
    const { userinfo } = await service.redeem(callback);
    expect(Object.keys(userinfo)).toEqual(
      expect.arrayContaining(['given_name', 'given_name_array', 'family_name', 'gender', 'birthplace', 'email']),
    );
    expect(userinfo).not.toHaveProperty('preferred_username');
  });
});

test('the discovery document is FranceConnect’s, and says that this is a simulation', async () => {
  await using service = await RelyingParty.start();
  const { issuer } = service.franceConnect;
  const response = await fetch(`${issuer}/.well-known/openid-configuration`);
  expect(response.headers.get('cache-control')).toBe('public, max-age=600');
  expect(await json(response)).toMatchObject({
    issuer,
    acr_values_supported: ['eidas1'],
    subject_types_supported: ['pairwise'],
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    id_token_signing_alg_values_supported: ['HS256', 'ES256', 'RS256'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: true,
    authorization_endpoint: `${issuer}/authorize`,
    end_session_endpoint: `${issuer}/session/end`,
    revocation_endpoint: `${issuer}/token/revocation`,
    paraphe_simulated_identity: true,
  });
  const jwks = await json(await fetch(`${issuer}/jwks`));
  expect(jwks.keys).toEqual([
    expect.objectContaining({ alg: 'ES256', kid: 'pkcs11:ES256:hsm' }),
    expect.objectContaining({ alg: 'RS256', kid: 'pkcs11:RS256:hsm' }),
  ]);
  expect(JSON.stringify(jwks)).not.toContain('"d"');
});

test('userinfo takes no POST', async () => {
  await using service = await RelyingParty.start();
  expect((await fetch(`${service.franceConnect.issuer}/userinfo`, { method: 'POST' })).status).toBe(404);
  expect((await fetch(`${service.franceConnect.issuer}/userinfo`)).status).toBe(401);
});

test('pages load nothing from elsewhere and let forms lead to the service only', async () => {
  await using service = await RelyingParty.start();
  const browser = service.browser();
  await browser.get(service.authorizeUrl());
  const policy = browser.page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("form-action 'self'");
  expect(policy).not.toContain('unsafe');
  expect(browser.page.headers.get('cache-control')).toBe('no-store');
  expect(browser.page.html).not.toMatch(/https?:\/\//);
  expect((await fetch(`${service.franceConnect.origin}/style.css`)).status).toBe(200);
});
