/**
 * What a receipt says (the payload of its JWT). There is no `exp`: a receipt is true for good about the day it names;
 * whether the signature still counts is asked of the gateway.
 */
export type ReceiptClaims = {
  /** The gateway's origin. */
  readonly iss: string;
  /** The nym, 43 characters of base64url. */
  readonly sub: string;
  /** 00:00 in Paris on `day`, in seconds since 1970. */
  readonly iat: number;
  /** The petition's id, a lowercase ULID. */
  readonly petition: string;
  /** SHA-256 of the statement, 64 hex characters. */
  readonly statement: string;
  /** The day of signing in Europe/Paris, `YYYY-MM-DD`. */
  readonly day: string;
  /** INSEE code, declared by the signer; only where the petition asks. */
  readonly department?: string;
  /** SHA-256 of the sealed evidence in base64url; `null` where none is kept. */
  readonly evidence: string | null;
  /** Where the signature's entry stands: the log's origin (host and path, no scheme) and the entry's index in it. */
  readonly log: { readonly origin: string; readonly index: number };
  /** The client id of the petition site that it was issued to, if it was. */
  readonly aud?: string;
};

/** The `typ` of a receipt's JWS header: no other token of ours or of anybody's passes for one (RFC 8725 §3.11). */
export const RECEIPT_TYPE = 'receipt+jwt';
export const RECEIPT_ALG = 'ES256';
