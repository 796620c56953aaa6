/**
 * Controls. Each check of a login is taken away, or its wish granted, and the lie that it refuses goes through: so it is
 * this check that refuses it, and the tests beside this file would be red without it.
 */
import { createHash } from 'node:crypto';
import * as oidc from 'openid-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Lie } from '../../src/demo/franceconnect/lies.ts';
import { Issuer } from '../../src/identity/issuer.ts';
import { checkAcr, completeLogin, type LoginTies } from '../../src/identity/login.ts';
import type { ProviderSettings } from '../../src/identity/profile.ts';
import { CALLBACK, CLIENT, NONCE, RelyingParty, STATE } from '../demo/relying-party.ts';

let franceConnect: RelyingParty;
/** A provider of the same client without FranceConnect's rules. */
let standard: RelyingParty;

beforeAll(async () => {
  franceConnect = await RelyingParty.start();
  standard = await RelyingParty.start({ userinfo: 'jwt' }, { rules: 'standard' });
});
afterEach(() => {
  for (const { switches } of [franceConnect.franceConnect, standard.franceConnect]) {
    switches.lie = undefined;
    switches.alterations = {};
  }
});
afterAll(async () => {
  await franceConnect[Symbol.asyncDispose]();
  await standard[Symbol.asyncDispose]();
});

const clock = () => new Date();
const VERIFIER = 'c'.repeat(43);
const TIES: LoginTies = {
  state: STATE,
  nonce: NONCE,
  codeVerifier: undefined,
  acr: 'eidas1',
  redirectUri: CALLBACK,
};

const PKCE = {
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
};

/** A login under a lie, finished by the gateway's own code with other settings and ties. */
async function logIn(lie: Lie | undefined, settings: Partial<ProviderSettings> = {}, ties: Partial<LoginTies> = {}) {
  const isStandard = settings.profile === 'oidc';
  const service = isStandard ? standard : franceConnect;
  const issuer = new Issuer(
    {
      profile: 'franceconnect',
      issuer: service.franceConnect.issuer,
      clientId: CLIENT.clientId,
      clientSecret: CLIENT.clientSecret,
      clientAuth: 'client_secret_post',
      idTokenAlg: 'ES256',
      userinfoAlg: 'ES256',
      bearer: 'header',
      scope: 'openid birthdate',
      allowSimulated: true,
      timeoutMs: 10_000,
      ...settings,
    },
    { archive: { keep: async () => {} }, clock },
  );
  service.franceConnect.switches.lie = lie;
  try {
    const callback = await service.logIn('test', service.browser(), isStandard ? PKCE : {});
    return {
      issuer,
      login: await completeLogin(issuer, clock, callback, {
        ...TIES,
        codeVerifier: isStandard ? VERIFIER : undefined,
        ...ties,
      }),
    };
  } finally {
    issuer.close();
  }
}

const unverified = { code: 'login-unverified' };
const believed = { login: { birthdate: '1962-08-24' } };

describe('signatures', () => {
  /** openid-client as it is by default: an id_token that came over TLS needs no signature (OpenID Connect Core §3.1.3.7). */
  async function withoutSignatureChecks(lie: Lie) {
    const { issuer, switches } = franceConnect.franceConnect;
    const metadata = { id_token_signed_response_alg: 'ES256', userinfo_signed_response_alg: 'ES256' };
    const auth = oidc.ClientSecretPost(CLIENT.clientSecret);
    const execute = [oidc.allowInsecureRequests];
    const config = await oidc.discovery(new URL(issuer), CLIENT.clientId, metadata, auth, { execute });
    switches.lie = lie;
    const callback = await franceConnect.logIn('test');
    const checks = { expectedNonce: NONCE, expectedState: STATE };
    const tokens = await oidc.authorizationCodeGrant(config, callback, checks);
    return oidc.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '');
  }

  test.each(['id-token-invalid-sig', 'id-token-kid-unknown', 'userinfo-invalid-sig', 'jwks-empty'] as const)(
    '%s: refused with non-repudiation checks, believed without',
    async (lie) => {
      await expect(logIn(lie)).rejects.toMatchObject(unverified);
      expect(await withoutSignatureChecks(lie)).toMatchObject({ birthdate: '1962-08-24' });
    },
  );

  test('the algorithm: RS256 is refused because ES256 is pinned, and the other way round', async () => {
    await expect(logIn('id-token-sig-rs256')).rejects.toMatchObject(unverified);
    await expect(logIn('id-token-sig-rs256', { idTokenAlg: 'RS256' })).resolves.toMatchObject(believed);
    await expect(logIn(undefined, { idTokenAlg: 'RS256' })).rejects.toMatchObject(unverified);
    await expect(logIn('userinfo-unsigned')).rejects.toMatchObject(unverified);
    await expect(logIn('userinfo-unsigned', { userinfoAlg: 'none' })).resolves.toMatchObject(believed);
  });
});

test.each(['id-token-lower-acr', 'id-token-missing-acr'] as const)('%s: refused by checkAcr alone', async (lie) => {
  const { issuer, login } = await logIn(lie);
  expect(() => checkAcr(issuer, 'eidas1', login)).toThrow(expect.objectContaining({ code: 'acr-too-low' }));
  expect(() => checkAcr(issuer, '', login)).not.toThrow();
});

describe('the iss of the callback', () => {
  const silent = (document: Record<string, unknown>) => {
    const { authorization_response_iss_parameter_supported: _iss, ...rest } = document;
    return rest;
  };

  test('missing: refused under profile franceconnect even where the provider never promised it', async () => {
    for (const { switches } of [franceConnect.franceConnect, standard.franceConnect]) {
      switches.alterations = { discovery: silent };
    }
    await expect(logIn('callback-missing-iss')).rejects.toMatchObject(unverified);
    // Without that check, as RFC 9207 §2.4 lets other providers: believed.
    await expect(logIn('callback-missing-iss', { profile: 'oidc' })).resolves.toMatchObject(believed);
  });

  test('missing: refused under profile oidc where the provider promised it', async () => {
    await expect(logIn('callback-missing-iss', { profile: 'oidc' })).rejects.toMatchObject(unverified);
  });

  test('wrong: refused whatever was promised; right: believed', async () => {
    await expect(logIn('callback-invalid-iss')).rejects.toMatchObject(unverified);
    standard.franceConnect.switches.alterations = { discovery: silent };
    await expect(logIn('callback-invalid-iss', { profile: 'oidc' })).rejects.toMatchObject(unverified);
    await expect(logIn(undefined)).resolves.toMatchObject(believed);
  });
});

test('the nonce: another one is refused, and would be believed had it been asked for', async () => {
  await expect(logIn('id-token-invalid-nonce')).rejects.toMatchObject(unverified);
  await expect(logIn('id-token-invalid-nonce', {}, { nonce: 'f'.repeat(64) })).resolves.toMatchObject(believed);
  await expect(logIn(undefined, {}, { nonce: 'f'.repeat(64) })).rejects.toMatchObject(unverified);
});

test('the state: another one is refused before anything is exchanged', async () => {
  await expect(logIn(undefined, {}, { state: 'f'.repeat(64) })).rejects.toMatchObject(unverified);
  await expect(logIn('callback-invalid-state', {}, { state: '0'.repeat(64) })).resolves.toMatchObject(believed);
});

test('issuer and audience: refused because they are compared with our settings', async () => {
  await expect(logIn('id-token-invalid-aud')).rejects.toMatchObject(unverified);
  await expect(logIn('id-token-invalid-iss')).rejects.toMatchObject(unverified);
  await expect(logIn(undefined, { clientId: 'another-service' })).rejects.toMatchObject({
    code: 'identity-provider-unavailable', // the token endpoint does not know such a client
  });
});

test('a simulation is not believed without leave', async () => {
  await expect(logIn(undefined, { allowSimulated: false })).rejects.toMatchObject({
    code: 'identity-provider-unavailable',
    reason: expect.stringContaining('ALLOW_SIMULATED_IDENTITY'),
  });
});
