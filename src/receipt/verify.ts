/**
 * `paraphe/verify`: what a petition site, an auditor or a citizen imports to check a receipt. Runs in Node and in a
 * browser, needs nothing but `jose`.
 *
 * A receipt proves that on its day the gateway held one signature under this pseudonym for this petition and this text.
 */
export type { ReceiptClaims } from './claims.ts';
export { ReceiptError, type ReceiptErrorCode } from './receipt-error.ts';
export {
  fetchSignatureStatus,
  requireReceipt,
  type SignatureStatus,
  type SiteOptions,
  verifySiteReceipt,
} from './site-verifier.ts';
export { type VerifiedReceipt, type VerifyOptions, verifyReceipt } from './verify-receipt.ts';
