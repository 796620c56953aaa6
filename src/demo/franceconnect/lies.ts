/**
 * The lies that can be told by name. Most are conditions of the OpenID Foundation's conformance suite for relying
 * parties (oidcc-client-test-*, fapi2-security-profile-final-client-test-*); `valid …` ones must be believed.
 */
import { createHash } from 'node:crypto';
import type { Alterations, Facts, Token, TokenAlteration } from './alterations.ts';

export const LIES = {
  'id-token-invalid-iss': idToken(payload({ iss: 'https://wrong.example/api/v2' })),
  'id-token-missing-sub': idToken(without('sub')),
  'id-token-invalid-aud': idToken(payload({ aud: 'another-service' })),
  'id-token-missing-aud': idToken(without('aud')),
  'id-token-secondary-aud': idToken(({ header, payload: { aud, ...rest } }) => ({
    header,
    payload: { ...rest, aud: [aud, 'another-service'] },
  })),
  'id-token-missing-iat': idToken(without('iat')),
  'id-token-missing-exp': idToken(without('exp')),
  'id-token-missing-iss': idToken(without('iss')),
  'id-token-expired': idToken(shiftedBy(-3600)),
  'id-token-from-the-future': idToken(shiftedBy(3600)),
  'id-token-invalid-nonce': idToken(payload({ nonce: 'f'.repeat(64) })),
  'id-token-missing-nonce': idToken(without('nonce')),
  'id-token-lower-acr': idToken(payload({ acr: 'eidas0' })),
  'id-token-missing-acr': idToken(without('acr')),
  'id-token-invalid-at-hash': idToken(payload({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' })),
  'id-token-valid-at-hash': idToken(withAtHash),
  'id-token-kid-absent-single-jwks': {
    ...idToken(withoutKid),
    jwks: (keys, { used }) => keys.filter(({ alg }) => used.some((name) => name === alg)).slice(0, 1),
  },
  'id-token-kid-absent-multiple-jwks': { ...idToken(withoutKid), jwks: (keys, { decoy }) => [decoy, ...keys] },
  'id-token-kid-unknown': idToken(({ header, payload: claims }) => ({
    header: { ...header, kid: 'never-published' },
    payload: claims,
  })),
  'id-token-sig-rs256': { idToken: { signer: 'RS256' } },
  'id-token-sig-es256': { idToken: { signer: 'ES256' } },
  'id-token-sig-none': { idToken: { signer: 'none' } },
  'id-token-invalid-sig': { idToken: { signer: 'unpublished key' } },
  'id-token-invalid-sig-rs256': { idToken: { change: header({ alg: 'RS256' }), signer: 'unpublished key' } },
  'id-token-invalid-sig-es256': { idToken: { change: header({ alg: 'ES256' }), signer: 'unpublished key' } },
  'id-token-sig-hs256': { idToken: { signer: 'HS256 with client secret' } },
  'id-token-sig-hs256-public-key': { idToken: { signer: 'HS256 with public key' } },
  'id-token-missing': { tokenResponse: ({ id_token: _, ...rest }) => rest },
  'access-token-missing': { tokenResponse: ({ access_token: _, ...rest }) => rest },
  'userinfo-invalid-sub': { userinfo: { change: payload({ sub: `${'0'.repeat(64)}v1` }) } },
  'userinfo-missing-sub': { userinfo: { change: without('sub') } },
  'userinfo-unsigned': { userinfo: { form: 'json' } },
  'userinfo-sig-none': { userinfo: { signer: 'none' } },
  'userinfo-sig-rs256': { userinfo: { signer: 'RS256' } },
  'userinfo-sig-es256': { userinfo: { signer: 'ES256' } },
  'userinfo-sig-hs256': { userinfo: { signer: 'HS256 with client secret' } },
  'userinfo-invalid-sig': { userinfo: { signer: 'unpublished key' } },
  'userinfo-invalid-iss': { userinfo: { change: payload({ iss: 'https://wrong.example/api/v2' }) } },
  'userinfo-invalid-aud': { userinfo: { change: payload({ aud: 'another-service' }) } },
  'userinfo-expired': { userinfo: { change: shiftedBy(-3600) } },
  'userinfo-missing-birthdate': { userinfo: { change: without('birthdate') } },
  'userinfo-malformed-birthdate': { userinfo: { change: payload({ birthdate: '14/06/2001' }) } },
  'callback-invalid-iss': { callback: (parameters) => parameters.set('iss', 'https://wrong.example/api/v2') },
  'callback-missing-iss': { callback: (parameters) => parameters.delete('iss') },
  'callback-invalid-state': { callback: (parameters) => parameters.set('state', '0'.repeat(64)) },
  'callback-missing-state': { callback: (parameters) => parameters.delete('state') },
  'discovery-issuer-mismatch': { discovery: (document) => ({ ...document, issuer: 'https://wrong.example/api/v2' }) },
  'jwks-empty': { jwks: () => [] },
} as const satisfies Record<string, Alterations>;

export type Lie = keyof typeof LIES;

export const LIE_NAMES = Object.keys(LIES).filter(isLie);

export function isLie(name: string): name is Lie {
  return Object.hasOwn(LIES, name);
}

type Change = (token: Token, facts: Facts) => Token;

function idToken(change: Change): { idToken: TokenAlteration } {
  return { idToken: { change } };
}

function payload(claims: Record<string, unknown>): Change {
  return (token) => ({ ...token, payload: { ...token.payload, ...claims } });
}

function header(members: Record<string, unknown>): Change {
  return (token) => ({ ...token, header: { ...token.header, ...members } });
}

function without(claim: string): Change {
  return (token) => ({
    ...token,
    payload: Object.fromEntries(Object.entries(token.payload).filter(([name]) => name !== claim)),
  });
}

function withoutKid(token: Token): Token {
  const { kid: _, ...rest } = token.header;
  return { ...token, header: rest };
}

/** OpenID Connect Core 3.1.3.6: the left half of the access token's hash. */
function withAtHash(token: Token, { accessToken }: Facts): Token {
  const hash = createHash('sha256')
    .update(accessToken ?? '', 'ascii')
    .digest();
  return payload({ at_hash: hash.subarray(0, 16).toString('base64url') })(token, { accessToken });
}

/** A platform whose clock is wrong by a number of seconds. */
export function shiftedBy(seconds: number): Change {
  const shifted = ['iat', 'exp', 'auth_time'];
  return (token) => ({
    ...token,
    payload: Object.fromEntries(
      Object.entries(token.payload).map(([name, value]) => [
        name,
        shifted.includes(name) && typeof value === 'number' ? value + seconds : value,
      ]),
    ),
  });
}
