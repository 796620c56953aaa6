/** What the identity provider's bad news means to the person, in one place. Reasons are codes, never tokens or claims. */
import * as client from 'openid-client';
import { Refusal } from '../errors.ts';
import { ProviderUnavailable } from './transport.ts';

const UNAVAILABLE = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_PARSE_ERROR',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
]);

/** A Refusal for whatever went wrong in a login; a bug goes through as it is. */
export function refusalFor(error: unknown): unknown {
  if (error instanceof Refusal) return error;
  if (unavailable(error)) return new Refusal('identity-provider-unavailable', reason(error), { cause: error });
  if (error instanceof client.AuthorizationResponseError) return refusalForCallback(error.error);
  if (error instanceof client.ResponseBodyError) return refusalForToken(error.error, error.status);
  if (error instanceof client.WWWAuthenticateChallengeError) return refusalForChallenge(error);
  if (error instanceof client.ClientError || isMalformed(error)) return new Refusal('login-unverified', error.code);
  return error;
}

/** Userinfo does not take the access token any more, or the token endpoint does not take our client secret. */
function refusalForChallenge({ cause }: client.WWWAuthenticateChallengeError): Refusal {
  if (cause.some(({ scheme }) => scheme.toLowerCase() === 'bearer'))
    return new Refusal('login-expired', 'invalid_token');
  return refusalForToken('invalid_client', 401);
}

/** The error codes of an authorization response (RFC 6749 §4.1.2.1 and FranceConnect's own). */
function refusalForCallback(code: string): Refusal {
  if (code === 'access_denied') return new Refusal('login-cancelled');
  if (code === 'server_error' || code === 'temporarily_unavailable') {
    return new Refusal('identity-provider-unavailable', known(code));
  }
  return new Refusal('login-refused', known(code));
}

/** The provider does not know us, or our secret: nothing that the person can mend. */
const OUR_FAULT = ['invalid_client', 'unauthorized_client'];

/** The error codes of a token response (RFC 6749 §5.2): a code serves once, for 30 seconds. */
function refusalForToken(code: string, status: number): Refusal {
  if (code === 'invalid_grant') return new Refusal('login-expired', code);
  if (status >= 500 || OUR_FAULT.includes(code)) return new Refusal('identity-provider-unavailable', known(code));
  return new Refusal('login-refused', known(code));
}

/** openid-client lets a TypeError out for what it cannot even parse: base64 that is none, an issuer that is no URL. */
function isMalformed(error: unknown): error is TypeError & { code: string } {
  if (!(error instanceof TypeError) || !('code' in error)) return false;
  return error.code === 'ERR_INVALID_ARG_VALUE' || error.code === 'ERR_INVALID_URL';
}

function unavailable(error: unknown): boolean {
  if (error instanceof ProviderUnavailable) return true;
  if (!(error instanceof client.ClientError)) return false;
  return error.cause instanceof ProviderUnavailable || UNAVAILABLE.has(error.code ?? '');
}

function reason(error: unknown): string | undefined {
  if (error instanceof ProviderUnavailable) return error.message;
  if (!(error instanceof client.ClientError)) return undefined;
  return error.cause instanceof ProviderUnavailable ? error.cause.message : error.code;
}

/** An error code as the diagnostics may show it: whoever makes the callback's URL chooses it. */
function known(code: string): string {
  return /^[a-z_]{1,40}$/.test(code) ? code : 'unknown error code';
}
