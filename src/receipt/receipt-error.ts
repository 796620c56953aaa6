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
  | 'keys-unavailable';

/** Why a receipt does not hold. `code` is stable; `message` adds what was found. */
export class ReceiptError extends Error {
  override readonly name = 'ReceiptError';
  readonly code: ReceiptErrorCode;

  constructor(code: ReceiptErrorCode, detail?: string) {
    super(detail === undefined ? code : `${code}: ${detail}`);
    this.code = code;
  }
}
