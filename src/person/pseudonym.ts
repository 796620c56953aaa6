/**
 * Pseudonyms: RFC 9497, ciphersuite ristretto255-SHA512, mode VOPRF (0x01), evaluated by the key's holder on the plain
 * input (§3.3.2, `Evaluate`). libsodium does the group operations, ten times faster than JavaScript; the tests hold
 * this file to the RFC's vectors and to an independent implementation.
 *
 * Guarantee: without the secret key nobody can compute, test or link a nym, whatever list of people they hold.
 */
import { hash } from 'node:crypto';
import sodium from 'libsodium-wrappers-sumo';
import { NYM_BYTES, type Nym, nymFromBytes } from './nym.ts';
import type { Person } from './person.ts';

await sodium.ready;

/** A scalar (secret) and a group element (public) of ristretto255, 32 bytes each. */
export type PseudonymKeyPair = { readonly secret: Uint8Array; readonly public: Uint8Array };

/**
 * Who can compute nyms under a secret key. One asynchronous act, so that the key may one day be held elsewhere, or be
 * split between two organisations.
 */
export type Pseudonyms = { evaluate(secret: Uint8Array, person: Person): Promise<Nym> };

export const pseudonyms: Pseudonyms = {
  evaluate: async (secret, person) => nymFromBytes(evaluate(secret, personInput(person)).subarray(0, NYM_BYTES)),
};

export function generatePseudonymKeyPair(): PseudonymKeyPair {
  const secret = sodium.crypto_core_ristretto255_scalar_random();
  return { secret, public: pseudonymPublicKey(secret) };
}

/** The public half of a secret. */
export function pseudonymPublicKey(secret: Uint8Array): Uint8Array {
  return sodium.crypto_scalarmult_ristretto255_base(secret);
}

/** `utf8(iss) || 0x00 || utf8(sub)`. Neither may hold a NUL, so that no two people share an input. */
export function personInput({ issuer, sub }: Person): Uint8Array {
  if (issuer.includes('\0') || sub.includes('\0')) throw new RangeError('an issuer or a sub holds a NUL character');
  return Buffer.from(`${issuer}\0${sub}`, 'utf8');
}

const CONTEXT = Buffer.concat([Buffer.from('OPRFV1-'), Buffer.of(1), Buffer.from('-ristretto255-SHA512')]);
const HASH_TO_GROUP = Buffer.concat([Buffer.from('HashToGroup-'), CONTEXT]);
const DST_PRIME = Buffer.concat([HASH_TO_GROUP, Buffer.of(HASH_TO_GROUP.length)]);
const Z_PAD = Buffer.alloc(128);
const FINALIZE = Buffer.from('Finalize');

/**
 * RFC 9497 §3.3.2 `Evaluate(skS, input)`: 64 bytes.
 * @throws RangeError for an input of 2^16 bytes or more, or one that hashes to the identity element.
 */
export function evaluate(secret: Uint8Array, input: Uint8Array): Uint8Array {
  if (input.length > 0xffff) throw new RangeError('the input is longer than 65535 bytes');
  const element = sodium.crypto_core_ristretto255_from_hash(expandMessage(input));
  const issued = sodium.crypto_scalarmult_ristretto255(secret, element);
  return sha512(Buffer.concat([uint16(input.length), input, uint16(issued.length), issued, FINALIZE]));
}

/** RFC 9380 §5.3.1 expand_message_xmd with SHA-512, to 64 bytes: one block, so one round. */
function expandMessage(message: Uint8Array): Uint8Array {
  const b0 = sha512(Buffer.concat([Z_PAD, message, uint16(64), Buffer.of(0), DST_PRIME]));
  return sha512(Buffer.concat([b0, Buffer.of(1), DST_PRIME]));
}

function sha512(bytes: Uint8Array): Buffer {
  return hash('sha512', bytes, 'buffer');
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}
