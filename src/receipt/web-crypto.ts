/**
 * What checking a proof takes, as Node and current browsers both have it: SHA-256 at once from `@noble/hashes` (a tree
 * hashes many small things one after the other; WebCrypto's answers come later), Ed25519 from WebCrypto.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Sha256 } from '../tlog/merkle.ts';
import type { Ed25519Verify } from '../tlog/note.ts';
import { ReceiptError } from './receipt-error.ts';

export type ProofCrypto = { readonly sha256: Sha256; readonly verifyEd25519: Ed25519Verify };

export const webCrypto: ProofCrypto = { sha256, verifyEd25519 };

/** @throws ReceiptError `ed25519-unavailable` where WebCrypto is too old for it, or withheld (a page without TLS) */
async function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const key = await importKey(publicKey);
  return crypto.subtle.verify('Ed25519', key, Uint8Array.from(signature), Uint8Array.from(message));
}

async function importKey(publicKey: Uint8Array) {
  try {
    return await crypto.subtle.importKey('raw', Uint8Array.from(publicKey), 'Ed25519', false, ['verify']);
  } catch (error) {
    throw new ReceiptError('ed25519-unavailable', error instanceof Error ? error.message : String(error));
  }
}
