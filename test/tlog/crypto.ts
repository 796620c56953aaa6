/** The cryptography that tests hand to the formats: Node's own. Keys come from their seed, so that vectors can name them. */
import { ed25519Pair, hashing, sha256, verifyEd25519 } from '../../src/node-crypto.ts';
import { ED25519, makeVerifierKey, type VerifierKey } from '../../src/tlog/note.ts';

export { hashing, sha256, verifyEd25519 };

export type TestKey = { readonly key: VerifierKey; sign(message: Uint8Array): Uint8Array };

/** A key of any name and type from one byte of seed. */
export function testKey(name: string, seed: number | Uint8Array, type = ED25519): TestKey {
  const { publicKey, sign } = ed25519Pair(typeof seed === 'number' ? new Uint8Array(32).fill(seed) : seed);
  return { key: makeVerifierKey(sha256, name, type, publicKey), sign };
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
