/** Every refusal's HTTP status (RFC 9110), in one place. The type checker proves that none is missing. */
import type { RefusalCode } from '../errors.ts';

export const STATUS: Readonly<Record<RefusalCode | 'internal-error', number>> = {
  'not-found': 404,
  'method-not-allowed': 405,
  'request-malformed': 400,
  'request-too-large': 413,
  'foreign-origin': 403,
  'too-many-requests': 429,
  overloaded: 503,
  stopping: 503,
  'petition-unknown': 404,
  'petition-closed': 409,
  'petition-not-collecting': 503,
  'pseudonyms-destroyed': 410,
  'department-missing': 422,
  'department-unknown': 422,
  'too-young': 403,
  'birthdate-missing': 403,
  'not-signed': 409,
  'signature-invalidated': 403,
  'journey-unknown': 400,
  'journey-expired': 410,
  'journey-interrupted': 409,
  'receipt-link-invalid': 404,
  'receipt-link-expired': 410,
  'receipt-withdrawn': 410,
  'site-request-refused': 400,
  'site-request-unknown': 410,
  'site-unavailable': 503,
  'login-cancelled': 403,
  'login-refused': 403,
  'login-unverified': 502,
  'login-expired': 410,
  'login-too-old': 403,
  'acr-too-low': 403,
  'identity-provider-unavailable': 503,
  'storage-unavailable': 503,
  'log-stopped': 503,
  'log-unpublished': 503,
  'internal-error': 500,
};

/** Seconds after which it is worth trying again, for the refusals that pass by themselves. */
export function retryAfter(code: RefusalCode | 'internal-error'): number | undefined {
  switch (code) {
    case 'overloaded':
    case 'stopping':
    case 'storage-unavailable':
    case 'log-unpublished':
      return 5;
    case 'log-stopped':
      return 300;
    case 'identity-provider-unavailable':
      return 30;
    case 'too-many-requests':
      return 60;
    default:
      return undefined;
  }
}
