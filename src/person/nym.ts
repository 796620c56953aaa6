/**
 * A person's pseudonym in one context (a petition, or a petition site): the first 32 bytes of a VOPRF output.
 * Pairwise: without the context's secret key, nobody can tell whose it is or whether two belong together.
 * In tables it is 32 bytes; in entries, receipts and URLs 43 characters of base64url without padding.
 * Written for browsers too, where auditors read nyms; it is as fast as what Node has of its own.
 */
export type Nym = string & { readonly brand: 'Nym' };

export const NYM_BYTES = 32;
const NYM_LETTERS = 43;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const LETTERS = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
const VALUES = new Uint8Array(128);
for (const [value, letter] of LETTERS.entries()) VALUES[letter] = value;

const written = new Uint8Array(NYM_LETTERS);
const decoder = new TextDecoder();

export function nymFromBytes(bytes: Uint8Array): Nym {
  if (bytes.length !== NYM_BYTES) throw new RangeError(`a nym has ${NYM_BYTES} bytes, not ${bytes.length}`);
  let at = 0;
  // Three bytes are four letters. The last two bytes are three, with two bits that stay zero.
  for (let i = 0; i < NYM_BYTES; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let shift = 18; shift >= 0 && at < NYM_LETTERS; shift -= 6)
      written[at++] = LETTERS[(group >> shift) & 63] ?? 0;
  }
  return decoder.decode(written) as Nym;
}

export function nymBytes(nym: Nym): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(NYM_BYTES);
  readNym(nym, bytes);
  return bytes;
}

/** Writes a nym's bytes to the first 32 of `into`. */
export function readNym(nym: Nym, into: Uint8Array): void {
  let at = 0;
  for (let i = 0; i < 40; i += 4) {
    const group = (value(nym, i) << 18) | (value(nym, i + 1) << 12) | (value(nym, i + 2) << 6) | value(nym, i + 3);
    into[at++] = group >> 16;
    into[at++] = group >> 8;
    into[at++] = group;
  }
  const group = (value(nym, 40) << 12) | (value(nym, 41) << 6) | value(nym, 42);
  into[at++] = group >> 10;
  into[at] = group >> 2;
}

function value(nym: Nym, i: number): number {
  return VALUES[nym.charCodeAt(i)] ?? 0;
}

/** The one spelling of a nym: canonical base64url, 43 characters. Anything else is `undefined`. */
export function parseNym(text: string): Nym | undefined {
  // The last letter stands for four bits of the nym and two that are zero.
  return /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(text) ? (text as Nym) : undefined;
}
