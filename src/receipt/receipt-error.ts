export type ReceiptErrorCode =
  | 'malformed'
  | 'not-canonical'
  | 'wrong-type'
  | 'wrong-algorithm'
  | 'unknown-key'
  | 'wrong-signature'
  | 'wrong-issuer'
  | 'wrong-petition'
  | 'wrong-audience'
  | 'keys-unavailable'
  | 'status-unavailable'
  // the proof
  | 'proof-malformed'
  | 'entry-missing'
  | 'entry-not-signed'
  | 'log-unknown'
  | 'log-signature-missing'
  | 'log-signature-wrong'
  | 'quorum-missing'
  | 'not-included'
  | 'ed25519-unavailable'
  // two files that do not belong together
  | 'petition-differs'
  | 'nym-differs'
  | 'department-differs'
  | 'day-differs'
  | 'evidence-differs'
  | 'origin-differs'
  | 'index-differs';

/** Why a receipt does not hold. `code` is stable; `message` adds what was found. */
export class ReceiptError extends Error {
  override readonly name = 'ReceiptError';
  readonly code: ReceiptErrorCode;

  constructor(code: ReceiptErrorCode, detail?: string) {
    super(detail === undefined ? code : `${code}: ${detail}`);
    this.code = code;
  }
}
