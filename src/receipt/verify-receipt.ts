/**
 * Verifies a receipt. Runs in Node and in a browser, needs nothing but `jose`, and trusts only what it is given: an issuer
 * (whose keys it fetches) or its keys.
 */
// By their own paths: a browser then loads thirteen modules of jose, not all forty-six.
import type { CompactJWSHeaderParameters, JSONWebKeySet } from 'jose';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import * as errors from 'jose/errors';
import { createLocalJWKSet } from 'jose/jwks/local';
import { createRemoteJWKSet } from 'jose/jwks/remote';
import { compactVerify } from 'jose/jws/compact/verify';
import { RECEIPT_ALG, RECEIPT_TYPE, type ReceiptClaims } from './claims.ts';
import { parseReceiptClaims } from './parse-claims.ts';
import { ReceiptError } from './receipt-error.ts';

/**
 * Whom to trust: an issuer, its keys, or both.
 * - `issuer`: the gateway's origin, for example `https://petitions.example.org`; the receipt's `iss` must be exactly it
 * - `jwks`: the gateway's keys; without them they are fetched from `<issuer>/.well-known/jwks.json` and cached
 */
type Trust = { issuer: string; jwks?: JSONWebKeySet } | { issuer?: never; jwks: JSONWebKeySet };

export type VerifyOptions = Trust & {
  /** Your own client id: the receipt's `aud` must be exactly it. Without it, a receipt for any site is accepted. */
  audience?: string;
  /** The id of the petition that you expect. */
  petition?: string;
};

export type VerifiedReceipt = { claims: ReceiptClaims; kid: string };

/**
 * Verifies a receipt.
 * @param receipt the compact JWS, surrounding white space allowed
 * @returns what was proven
 * @throws ReceiptError with a stable `code`
 */
export async function verifyReceipt(receipt: string, options: VerifyOptions): Promise<VerifiedReceipt> {
  const jws = receipt.trim();
  const kid = checkForm(jws);
  const payload = await checkSignature(jws, options);
  const claims = parseReceiptClaims(payload);
  if (options.issuer !== undefined && claims.iss !== options.issuer) {
    throw new ReceiptError('wrong-issuer', `issued by ${claims.iss}`);
  }
  if (options.petition !== undefined && claims.petition !== options.petition) {
    throw new ReceiptError('wrong-petition', `for petition ${claims.petition}`);
  }
  if (options.audience !== undefined && claims.aud !== options.audience) {
    throw new ReceiptError('wrong-audience', `issued to ${claims.aud ?? 'no site'}`);
  }
  return { claims, kid };
}

const SEGMENT = /^[A-Za-z0-9_-]*$/;
const LONGEST = 8192;

/** The header is what a receipt's must be, before any key is touched. Returns its `kid`. */
function checkForm(jws: string): string {
  const segments = jws.length <= LONGEST ? jws.split('.') : [];
  if (segments.length !== 3 || !segments.every((segment) => SEGMENT.test(segment))) {
    throw new ReceiptError('malformed', 'not a compact JWS');
  }
  // A JWS with other trailing bits verifies all the same: one receipt would have several spellings.
  if (!segments.every(isCanonicalBase64url)) throw new ReceiptError('not-canonical');
  const header = readHeader(jws);
  if (header.typ !== RECEIPT_TYPE) throw new ReceiptError('wrong-type', `typ ${JSON.stringify(header.typ)}`);
  if (header.alg !== RECEIPT_ALG) throw new ReceiptError('wrong-algorithm', `alg ${JSON.stringify(header.alg)}`);
  if (typeof header.kid !== 'string') throw new ReceiptError('malformed', 'its header names no key');
  return header.kid;
}

function readHeader(jws: string): Partial<CompactJWSHeaderParameters> {
  try {
    return decodeProtectedHeader(jws);
  } catch {
    throw new ReceiptError('malformed', 'its header is not JSON');
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** RFC 4648 §3.5: no left-over characters, and the unused bits of the last one are zero. */
function isCanonicalBase64url(text: string): boolean {
  const last = ALPHABET.indexOf(text.at(-1) ?? '');
  switch (text.length % 4) {
    case 0:
      return true;
    case 2:
      return last % 16 === 0;
    case 3:
      return last % 4 === 0;
    default:
      return false;
  }
}

async function checkSignature(jws: string, trust: Trust): Promise<Uint8Array> {
  const keys = keysOf(trust);
  try {
    const { payload } = await compactVerify(jws, keys, { algorithms: [RECEIPT_ALG] });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) throw new ReceiptError('unknown-key');
    if (error instanceof errors.JWSSignatureVerificationFailed) throw new ReceiptError('wrong-signature');
    if (error instanceof errors.JWSInvalid || error instanceof errors.JOSENotSupported) {
      throw new ReceiptError('malformed', error.message);
    }
    throw new ReceiptError('keys-unavailable', error instanceof Error ? error.message : String(error));
  }
}

function keysOf({ issuer, jwks }: { issuer?: string; jwks?: JSONWebKeySet }) {
  if (jwks !== undefined) return localKeys(jwks);
  if (issuer !== undefined && URL.canParse(issuer)) return remoteKeys(issuer);
  throw new ReceiptError('keys-unavailable', 'neither a JWK Set nor the address of an issuer is given');
}

const local = new WeakMap<JSONWebKeySet, ReturnType<typeof createLocalJWKSet>>();

/** A JWK Set's keys are imported once. */
function localKeys(jwks: JSONWebKeySet) {
  try {
    const keys = local.get(jwks) ?? createLocalJWKSet(jwks);
    local.set(jwks, keys);
    return keys;
  } catch {
    throw new ReceiptError('keys-unavailable', 'what is given as a JWK Set is none');
  }
}

const remote = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

/**
 * An unknown `kid` has the keys fetched again, at most this often: a gateway publishes a new key longer than this before it
 * signs with it, so that a rotation refuses nobody.
 */
const COOLDOWN_MS = 2_000;

/** One cache of keys for each issuer. */
function remoteKeys(issuer: string) {
  let keys = remote.get(issuer);
  if (keys === undefined) {
    const address = new URL('/.well-known/jwks.json', issuer);
    keys = createRemoteJWKSet(address, { timeoutDuration: 5000, cooldownDuration: COOLDOWN_MS });
    remote.set(issuer, keys);
  }
  return keys;
}
