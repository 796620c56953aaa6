/** The cryptography that tests hand to the formats: Node's own. Keys come from their seed, so that vectors can name them. */
import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';
import { treeHashing } from '../../src/tlog/merkle.ts';
import { ED25519, type Ed25519Verify, makeVerifierKey, type VerifierKey } from '../../src/tlog/note.ts';

export const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer');
export const hashing = treeHashing(sha256);

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export const verifyEd25519: Ed25519Verify = (publicKey, message, signature) =>
  verify(
    null,
    message,
    createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' }),
    signature,
  );

export type TestKey = { readonly key: VerifierKey; sign(message: Uint8Array): Uint8Array };

/** A key of any name and type from one byte of seed. */
export function testKey(name: string, seed: number | Uint8Array, type = ED25519): TestKey {
  const bytes = typeof seed === 'number' ? new Uint8Array(32).fill(seed) : seed;
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8, bytes]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' });
  return {
    key: makeVerifierKey(sha256, name, type, new Uint8Array(spki.subarray(SPKI.length))),
    sign: (message) => new Uint8Array(sign(null, message, secret)),
  };
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A copy with one bit turned over. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
