import type { ReceiptClaims } from './claims.ts';
import { ReceiptError } from './receipt-error.ts';

const FORMS = {
  iss: (value: unknown) => typeof value === 'string' && value !== '',
  sub: (value: unknown) => typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value),
  iat: (value: unknown) => Number.isSafeInteger(value),
  petition: (value: unknown) => typeof value === 'string' && /^[0-9a-z]{26}$/.test(value),
  statement: (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  day: (value: unknown) => typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value),
  evidence: (value: unknown) => value === null || (typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)),
  log: (value: unknown) =>
    isObject(value) &&
    typeof value.origin === 'string' &&
    value.origin !== '' &&
    Number.isSafeInteger(value.index) &&
    Number(value.index) >= 0,
  department: (value: unknown) => value === undefined || (typeof value === 'string' && /^[0-9][0-9AB]\d?$/.test(value)),
  aud: (value: unknown) => value === undefined || typeof value === 'string',
};

/** The payload of a receipt whose signature holds. @throws ReceiptError `malformed` when a claim is not of its form */
export function parseReceiptClaims(payload: Uint8Array): ReceiptClaims {
  const claims = parseObject(payload);
  for (const [name, holds] of Object.entries(FORMS)) {
    if (!holds(claims[name])) throw new ReceiptError('malformed', `its claim ${name} is not of the form`);
  }
  return claims as ReceiptClaims;
}

function parseObject(payload: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    if (isObject(value)) return value;
  } catch {
    // said below, as for anything that is not an object
  }
  throw new ReceiptError('malformed', 'its payload is not a JSON object');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
