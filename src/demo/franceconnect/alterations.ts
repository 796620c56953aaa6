/**
 * How an answer of the provider is bent: the token is taken apart, changed, and signed again by a signer of choice.
 * Everything that a relying party must refuse (and a few things that it must accept) is one value of these types.
 */
import { createPublicKey } from 'node:crypto';
import { CompactSign, decodeJwt, decodeProtectedHeader, type JWK } from 'jose';
import {
  generateSigningKey,
  importKey,
  type KeyRing,
  type SigningAlgorithm,
  type SigningKey,
  signingKey,
} from './keys.ts';

export type Token = { header: Record<string, unknown>; payload: Record<string, unknown> };

export type Signer =
  /** The platform's key for the token's own algorithm. */
  | 'current'
  /** The platform's other keys: a right signature, but not by the algorithm that the client chose. */
  | 'ES256'
  | 'RS256'
  /** A key that nobody published, under the `kid` of the right one. */
  | 'unpublished key'
  | 'none'
  | 'HS256 with client secret'
  /** The classic confusion: the published key's text taken for a shared secret. */
  | 'HS256 with public key';

/** What a change may need to know. */
export type Facts = { accessToken: string | undefined };

export type TokenAlteration = {
  change?: (token: Token, facts: Facts) => Token;
  signer?: Signer;
};

type JwksFacts = { used: readonly SigningAlgorithm[]; decoy: JWK };

export type Alterations = {
  idToken?: TokenAlteration;
  /** `json` sends the claims unsigned. */
  userinfo?: TokenAlteration & { form?: 'json' };
  tokenResponse?: (response: Record<string, unknown>) => Record<string, unknown>;
  callback?: (parameters: URLSearchParams) => void;
  discovery?: (document: Record<string, unknown>) => Record<string, unknown>;
  jwks?: (keys: readonly JWK[], facts: JwksFacts) => readonly JWK[];
};

/** Keys that the platform never uses, made when first needed. */
export class Decoys {
  readonly #keys = new Map<SigningAlgorithm, Promise<SigningKey>>();

  get(alg: SigningAlgorithm): Promise<SigningKey> {
    const known = this.#keys.get(alg);
    if (known !== undefined) return known;
    const made = generateSigningKey(alg, `decoy:${alg}`);
    this.#keys.set(alg, made);
    return made;
  }
}

export type SigningMaterial = { ring: KeyRing; decoys: Decoys; clientSecret: string };

export function decodeToken(jwt: string): Token {
  return { header: { ...decodeProtectedHeader(jwt) }, payload: { ...decodeJwt(jwt) } };
}

/** A header without `kid` stays without. */
export async function signToken(token: Token, signer: Signer, material: SigningMaterial): Promise<string> {
  const { ring, decoys, clientSecret } = material;
  const alg = token.header.alg === 'RS256' ? 'RS256' : 'ES256';
  switch (signer) {
    case 'current':
      return compact(token, token.header, await importKey(signingKey(ring, alg)));
    case 'ES256':
    case 'RS256': {
      const key = signingKey(ring, signer);
      const kid = 'kid' in token.header ? { kid: key.kid } : {};
      return compact(token, { ...token.header, alg: signer, ...kid }, await importKey(key));
    }
    case 'unpublished key':
      return compact(token, token.header, await importKey(await decoys.get(alg)));
    case 'none':
      return `${encode({ ...token.header, alg: 'none' })}.${encode(token.payload)}.`;
    case 'HS256 with client secret':
      return compact(token, { ...token.header, alg: 'HS256' }, new TextEncoder().encode(clientSecret));
    case 'HS256 with public key': {
      const pem = createPublicKey({ key: signingKey(ring, alg), format: 'jwk' }).export({
        type: 'spki',
        format: 'pem',
      });
      return compact(token, { ...token.header, alg: 'HS256' }, new TextEncoder().encode(pem.toString()));
    }
  }
}

type Key = Parameters<CompactSign['sign']>[0];

function compact({ payload }: Token, header: Record<string, unknown>, key: Key): Promise<string> {
  const alg = typeof header.alg === 'string' ? header.alg : 'none';
  const bytes = new TextEncoder().encode(JSON.stringify(payload));
  return new CompactSign(bytes).setProtectedHeader({ ...header, alg }).sign(key);
}

function encode(part: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
