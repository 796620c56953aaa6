/**
 * Receipts are computed when they are asked for, not stored: the same signature gives the same claims again (the
 * signature's bytes differ, as ES256's do).
 */
import { SignJWT } from 'jose';
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

/** The receipt as a compact JWS. */
export function computeReceipt(keys: ReceiptKeys, facts: SignedFacts): Promise<string> {
  return new SignJWT({ ...receiptClaims(facts) })
    .setProtectedHeader({ alg: RECEIPT_ALG, typ: RECEIPT_TYPE, kid: keys.kid })
    .sign(keys.privateKey);
}
