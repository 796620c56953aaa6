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
  };
}

/**
 * The receipt as a compact JWS (RFC 7515 §3.1; ES256 is `r || s`, RFC 7518 §3.4). Signed at once: jose's trip to the
 * thread pool costs more than the signature.
 */
export function computeReceipt(keys: ReceiptKeys, facts: SignedFacts): string {
  const header = base64url({ alg: RECEIPT_ALG, typ: RECEIPT_TYPE, kid: keys.kid });
  const input = `${header}.${base64url(receiptClaims(facts))}`;
  const signature = sign('sha256', Buffer.from(input), { key: keys.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
