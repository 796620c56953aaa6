/**
 * What a site is told when its person does not come back with what it asked for: a standard OAuth error (RFC 6749 §4.1.2.1)
 * and a sentence that helps, the same whoever the person is and whatever else they signed.
 */
import type { RefusalCode } from '../errors.ts';

export type Refused = { readonly error: string; readonly error_description: string };

const DENIED: Partial<Readonly<Record<RefusalCode, string>>> = {
  'login-cancelled': 'the person gave up',
  'login-refused': 'the identity provider refused the login',
  'login-expired': 'the login took too long: start again',
  'login-unverified': 'the login could not be verified: start again',
  'journey-interrupted': 'the login was interrupted: start again',
  'acr-too-low': 'the login was below the level of assurance that is asked for',
  'too-young': 'the person is below the minimum age of the petition',
  'birthdate-missing': 'the petition has a minimum age, and the identity provider gave no full birth date',
  'petition-closed': 'the petition is closed',
  'signature-invalidated': 'the person cannot sign this petition',
  'pseudonyms-destroyed': 'the petition is closed, and its pseudonym key is destroyed',
};

export function refusedFor(code: RefusalCode): Refused {
  if (code === 'identity-provider-unavailable') {
    return { error: 'temporarily_unavailable', error_description: 'the identity provider is out of reach: try later' };
  }
  if (code === 'login-too-old') {
    return { error: 'login_required', error_description: 'the login at the identity provider is older than max_age' };
  }
  const description = DENIED[code];
  if (description === undefined) return { error: 'server_error', error_description: 'the gateway could not go on' };
  return { error: 'access_denied', error_description: description };
}
