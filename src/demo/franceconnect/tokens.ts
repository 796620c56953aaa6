/**
 * What a login gives its service, without the HTTP that leads there: id_token and userinfo as the engine would issue them,
 * with its claims and lifetimes, signed with the platform's key. For people who never sat at a browser.
 */
import { type CryptoKey, SignJWT } from 'jose';
import { type Citizen, identityClaims, pivotIdentity } from './citizens.ts';
import type { Client } from './clients.ts';
import { importKey, signingKey } from './keys.ts';
import type { Platform } from './platform.ts';
import { TOKEN_SECONDS } from './provider.ts';
import { PLATFORM_ACR } from './rules.ts';
import { subjectOf } from './subject.ts';

export type Tokens = { readonly idToken: string; readonly userinfo: string };

/** @param at the instant of the login */
export type IssueTokens = (citizen: Citizen, login: { readonly nonce: string; readonly at: Date }) => Promise<Tokens>;

export async function tokenIssuer(platform: Platform, client: Client): Promise<IssueTokens> {
  const jwk = signingKey(platform.keys, client.signingAlg ?? 'ES256');
  const key = await importKey(jwk);
  return async (citizen, { nonce, at }) => {
    const now = Math.floor(at.getTime() / 1000);
    const sub = subjectOf(pivotIdentity(citizen), client.entityId, platform.subSecret);
    const issued = { sub, iss: platform.issuer, aud: client.clientId, iat: now, exp: now + TOKEN_SECONDS };
    const { birthdate } = identityClaims(citizen);
    const [idToken, userinfo] = await Promise.all([
      sign({ ...issued, nonce, auth_time: now, acr: PLATFORM_ACR }, jwk, key),
      sign({ ...issued, birthdate }, jwk, key),
    ]);
    return { idToken, userinfo };
  };
}

function sign(claims: Record<string, unknown>, { alg, kid }: { alg: string; kid: string }, key: CryptoKey) {
  return new SignJWT(claims).setProtectedHeader({ alg, typ: 'JWT', kid }).sign(key);
}
