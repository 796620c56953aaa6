/**
 * The cryptography that the log's formats take as arguments, by Node's own: twenty times as fast as a JavaScript one.
 * An Ed25519 key is kept as its 32-byte seed (RFC 8032 §5.1.5), the form that every implementation reads.
 */
import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';
import { type Sha256, treeHashing } from './tlog/merkle.ts';
import type { Ed25519Verify } from './tlog/note.ts';

export const sha256: Sha256 = (bytes) => hash('sha256', bytes, 'buffer');
export const hashing = treeHashing(sha256);

/** The DER that stands before a raw key: RFC 8410 §7 and §4. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** `false` also for what is no public key or no signature. */
export const verifyEd25519: Ed25519Verify = (publicKey, message, signature) =>
  verify(
    null,
    message,
    createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' }),
    signature,
  );

export type Ed25519Pair = { readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array };

/** @param seed 32 bytes */
export function ed25519Pair(seed: Uint8Array): Ed25519Pair {
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI.length)),
    sign: (message) => new Uint8Array(sign(null, message, secret)),
  };
}
