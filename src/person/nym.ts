/**
 * A person's pseudonym in one context (a petition, or a petition site): the first 32 bytes of a VOPRF output.
 * Pairwise: without the context's secret key, nobody can tell whose it is or whether two belong together.
 * In tables it is 32 bytes; in entries, receipts and URLs 43 characters of base64url without padding.
 */
export type Nym = string & { readonly brand: 'Nym' };

export const NYM_BYTES = 32;

export function nymFromBytes(bytes: Uint8Array): Nym {
  if (bytes.length !== NYM_BYTES) throw new RangeError(`a nym has ${NYM_BYTES} bytes, not ${bytes.length}`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url') as Nym;
}

export function nymBytes(nym: Nym): Buffer {
  return Buffer.from(nym, 'base64url');
}

/** The one spelling of a nym: canonical base64url, 43 characters. Anything else is `undefined`. */
export function parseNym(text: string): Nym | undefined {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === NYM_BYTES && bytes.toString('base64url') === text ? (text as Nym) : undefined;
}
