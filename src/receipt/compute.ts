/**
 * Receipts are computed when they are asked for, not stored: the same signature gives the same claims again (the
 * signature's bytes differ, as ES256's do).
 */
import { sign } from 'node:crypto';
import { type Day, parisMidnight } from '../clock.ts';
import type { Nym } from '../person/nym.ts';
import { RECEIPT_ALG, RECEIPT_TYPE, type ReceiptClaims } from './claims.ts';
import type { ReceiptKeys } from './keys.ts';

export type SignedFacts = {
  readonly issuer: string;
  readonly petition: string;
  readonly statementHash: Uint8Array;
  readonly nym: Nym;
  readonly day: Day;
  /** `undefined` where the petition does not ask. */
  readonly department: string | undefined;
  /** Where its entry stands in the public log. */
  readonly log: { readonly origin: string; readonly index: number };
  /** The client id of the petition site that it is issued to, if it is. */
  readonly audience?: string | undefined;
};

export function receiptClaims(facts: SignedFacts): ReceiptClaims {
  return {
    iss: facts.issuer,
    sub: facts.nym,
    iat: parisMidnight(facts.day),
    petition: facts.petition,
    statement: Buffer.from(facts.statementHash).toString('hex'),
    day: facts.day,
    ...(facts.department === undefined ? {} : { department: facts.department }),
    evidence: null,
    log: { origin: facts.log.origin, index: facts.log.index },
    ...(facts.audience === undefined ? {} : { aud: facts.audience }),
  };
}

/**
 * The receipt as a compact JWS (RFC 7515 §3.1). Signed at once, with the bare KeyObject: jose's trip to the thread pool
 * costs more than the signature, and options beside the key double its cost.
 */
export function computeReceipt(keys: ReceiptKeys, facts: SignedFacts): string {
  const header = base64url({ alg: RECEIPT_ALG, typ: RECEIPT_TYPE, kid: keys.kid });
  const input = `${header}.${base64url(receiptClaims(facts))}`;
  return `${input}.${joinSignature(sign('sha256', Buffer.from(input), keys.privateKey)).toString('base64url')}`;
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** From DER's `SEQUENCE { r INTEGER, s INTEGER }` to JWS's `r || s`, 32 bytes each (RFC 7518 §3.4). */
function joinSignature(der: Buffer): Buffer {
  const joined = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const digits = der.subarray(at + 2, at + 2 + length).subarray(-32);
    joined.set(digits, end - digits.length);
    at += 2 + length;
  }
  return joined;
}
