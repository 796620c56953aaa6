/**
 * A domain "no": something a person or a program asked for that the rules do not allow.
 * Every code is stable, has a status in `web/refusals.ts` and words in both languages in `views/locales`.
 * Anything that is neither a return value nor a Refusal is a bug, and answers 500.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** What went wrong, for the operator's diagnostics: never shown, never holding an identity or a token. */
  readonly reason: string | undefined;

  constructor(code: RefusalCode, reason?: string, options?: ErrorOptions) {
    super(reason === undefined ? code : `${code}: ${reason}`, options);
    this.code = code;
    this.reason = reason;
  }
}

export type RefusalCode = (typeof REFUSAL_CODES)[number];

export const REFUSAL_CODES = [
  // the request itself
  'not-found',
  'method-not-allowed',
  'request-malformed',
  'request-too-large',
  'foreign-origin',
  'too-many-requests',
  'overloaded',
  'stopping',
  // the petition
  'petition-unknown',
  'petition-closed',
  'petition-not-collecting',
  'pseudonyms-destroyed',
  'department-missing',
  'department-unknown',
  'too-young',
  'birthdate-missing',
  'not-signed',
  'signature-invalidated',
  // the journey
  'journey-unknown',
  'journey-expired',
  'journey-interrupted',
  'receipt-link-invalid',
  'receipt-link-expired',
  'receipt-withdrawn',
  // a petition site's request
  'site-request-refused',
  'site-request-unknown',
  'site-unavailable',
  // the identity provider
  'login-cancelled',
  'login-refused',
  'login-unverified',
  'login-expired',
  'login-too-old',
  'acr-too-low',
  'identity-provider-unavailable',
  // the gateway's own disk or database
  'storage-unavailable',
  // the log
  'log-stopped',
  'log-unpublished',
] as const;

/** A set-up mistake of the operator: one line that says what is wrong and what to do. Printed without a stack. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
