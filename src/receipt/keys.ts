/**
 * The keys that sign receipts: one active ES256 key and the public halves of all that were, because receipts live as
 * long as their holders keep them. `kid` is the RFC 7638 thumbprint.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';

export type ReceiptKeys = {
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** Every public key that receipts were ever signed with, the active one first: the answer of `jwks.json`. */
  readonly jwks: { readonly keys: readonly JWK[] };
};

/** How the keys are kept in the key folder. Of those that do not sign, the private half is gone. */
export type StoredReceiptKeys = { readonly active: JWK; readonly retired: readonly JWK[] };

export function generateReceiptKeys(): StoredReceiptKeys {
  return { active: generateReceiptKey(), retired: [] };
}

/** A key that is to sign soon is published beside those that did. */
export function announceReceiptKey({ active, retired }: StoredReceiptKeys, next: JWK): StoredReceiptKeys {
  return { active, retired: [publicHalf(next), ...retired] };
}

/** A new active key; the one before keeps only its public half. */
export function rotateReceiptKeys(
  { active, retired }: StoredReceiptKeys,
  next = generateReceiptKey(),
): StoredReceiptKeys {
  return { active: next, retired: [publicHalf(active), ...retired.filter(({ x }) => x !== next.x)] };
}

/** @throws when a key is not a P-256 key */
export async function loadReceiptKeys({ active, retired }: StoredReceiptKeys): Promise<ReceiptKeys> {
  const privateKey = createPrivateKey({ key: { ...active }, format: 'jwk' });
  const keys = await Promise.all([active, ...retired].map((key) => publish(publicHalf(key))));
  return { kid: keys[0]?.kid ?? '', privateKey, jwks: { keys } };
}

/** The private half. */
export function generateReceiptKey(): JWK {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) as JWK;
}

function publicHalf(key: JWK): JWK {
  return createPublicKey({ key: { ...key }, format: 'jwk' }).export({ format: 'jwk' }) as JWK;
}

async function publish(key: JWK): Promise<JWK & { kid: string }> {
  if (key.crv !== 'P-256') throw new TypeError('a receipt key is a P-256 key');
  return { ...key, kid: await calculateJwkThumbprint(key), use: 'sig', alg: 'ES256' };
}
