/**
 * Authenticated encryption for what the gateway keeps readable to itself or to one browser alone: AES-256-GCM
 * (NIST SP 800-38D) with a random 96-bit nonce, written `nonce || ciphertext || tag`. The context is authenticated but
 * not stored, so that a value cannot be moved from one place to another.
 * Keys are KeyObjects: with bare bytes Node spends three times as long on each call.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function seal(key: KeyObject, plaintext: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(context));
  const ciphertext = cipher.update(plaintext);
  cipher.final(); // GCM holds nothing back
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]);
}

/** The plaintext, or `undefined` when the value was not sealed under this key for this context, or was changed. */
export function open(key: KeyObject, sealed: Uint8Array, context: string): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final(); // compares the tag; GCM holds nothing back
    return plaintext;
  } catch {
    plaintext.fill(0);
    return undefined;
  }
}

/** 32 bytes that only the holder of the secret can compute, one value for each label (HMAC-SHA-256). */
export function derive(secret: KeyObject, label: string): Buffer {
  return createHmac('sha256', secret).update(label).digest();
}

export function secretKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(bytes);
}
