/**
 * A login at the identity provider: the authorization code flow of OpenID Connect Core §3.1, with the traps of
 * FranceConnect v2. What comes out is verified: signatures of id_token and userinfo under the pinned algorithm, issuer,
 * audience, nonce, times, one `sub` in both; and then, by `checkAcr`, the level of assurance that was asked for.
 */
import { hash } from 'node:crypto';
import * as client from 'openid-client';
import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { Person } from '../person/person.ts';
import type { Issuer, Snapshot } from './issuer.ts';
import { acrSuffices } from './profile.ts';
import { refusalFor } from './provider-errors.ts';
import { ProviderUnavailable } from './transport.ts';

const LARGEST_SKEW_SECONDS = 300;

/** What ties a login to one browser and one act. `state` and `nonce` have 64 hex characters. */
export type LoginTies = {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636), where the profile has it; FranceConnect refuses it. */
  readonly codeVerifier: string | undefined;
  readonly acr: string;
  readonly redirectUri: string;
};

export type VerifiedLogin = {
  readonly person: Person;
  /** As the provider gave it. */
  readonly birthdate: unknown;
  readonly acr: string | undefined;
  /** When they proved who they are, in seconds since 1970, where the provider says it. */
  readonly authTime: number | undefined;
  readonly idToken: string;
  readonly at: Date;
};

/**
 * Where to send the browser. FranceConnect answers 400 to any parameter outside its list; these are on it.
 * @throws Refusal `identity-provider-unavailable`
 */
export async function startLogin(issuer: Issuer, ties: LoginTies, lang: string): Promise<URL> {
  try {
    const { configuration } = await issuer.current();
    const challenge =
      ties.codeVerifier === undefined
        ? {}
        : {
            code_challenge: await client.calculatePKCECodeChallenge(ties.codeVerifier),
            code_challenge_method: 'S256',
          };
    return client.buildAuthorizationUrl(configuration, {
      response_type: 'code',
      redirect_uri: ties.redirectUri,
      scope: issuer.settings.scope,
      state: ties.state,
      nonce: ties.nonce,
      ui_locales: lang,
      ...(ties.acr === '' ? {} : { acr_values: ties.acr }),
      ...challenge,
    });
  } catch (error) {
    throw refusalFor(error);
  }
}

/**
 * Exchanges the code of a callback and verifies everything that comes with it.
 * @param callback the callback's full URL, as the provider's redirect made it
 * @throws Refusal `login-cancelled`, `login-refused`, `login-expired`, `login-unverified`,
 *   `identity-provider-unavailable`
 */
export async function completeLogin(
  issuer: Issuer,
  clock: Clock,
  callback: URL,
  ties: LoginTies,
): Promise<VerifiedLogin> {
  try {
    const snapshot = await issuer.current();
    return await issuer.once(() => verifyOrRetry(issuer, snapshot, clock, callback, ties));
  } catch (error) {
    throw refusalFor(error);
  }
}

/**
 * The level is checked apart: someone who logged in too weakly is logged in, and must be able to log out to try again.
 * @throws Refusal `acr-too-low`
 */
export function checkAcr(issuer: Issuer, asked: string, { acr }: VerifiedLogin): void {
  if (!acrSuffices(issuer.settings.profile, asked, acr)) throw new Refusal('acr-too-low');
}

/**
 * FranceConnect keeps one `kid` over the life of a module, so that rotated keys show only as a failed signature. A login
 * that does not verify is checked once more when the provider's keys have changed meanwhile.
 */
async function verifyOrRetry(issuer: Issuer, snapshot: Snapshot, clock: Clock, callback: URL, ties: LoginTies) {
  try {
    return await verifyLogin(issuer, snapshot, clock, callback, ties);
  } catch (error) {
    const isDoubt = error instanceof client.ClientError && !(error.cause instanceof ProviderUnavailable);
    const newer = isDoubt ? await issuer.newer(snapshot) : undefined;
    if (newer === undefined) throw error;
    return verifyLogin(issuer, newer, clock, callback, ties);
  }
}

async function verifyLogin(
  issuer: Issuer,
  { configuration }: Snapshot,
  clock: Clock,
  callback: URL,
  ties: LoginTies,
): Promise<VerifiedLogin> {
  if (issuer.settings.profile === 'franceconnect' && !callback.searchParams.has('iss')) {
    throw new Refusal('login-unverified', 'the callback names no issuer');
  }
  const tokens = await client.authorizationCodeGrant(configuration, callback, {
    expectedState: ties.state,
    expectedNonce: ties.nonce,
    idTokenExpected: true,
    ...(ties.codeVerifier === undefined ? {} : { pkceCodeVerifier: ties.codeVerifier }),
  });
  const claims = tokens.claims();
  if (claims === undefined || tokens.id_token === undefined) throw new Refusal('login-unverified', 'no id_token');
  checkClaims(claims, tokens.access_token);
  // openid-client holds `exp` to the clock; evidence also needs a token that was made now (OpenID Connect Core §3.1.3.7, 10).
  if (Math.abs(clock().getTime() / 1000 - claims.iat) > LARGEST_SKEW_SECONDS) {
    throw new Refusal('login-unverified', 'the id_token was issued at another time');
  }
  const userinfo = await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
  return {
    person: { issuer: claims.iss, sub: claims.sub },
    birthdate: userinfo.birthdate,
    acr: typeof claims.acr === 'string' ? claims.acr : undefined,
    authTime: claims.auth_time,
    idToken: tokens.id_token,
    at: clock(),
  };
}

/** What OpenID Connect Core asks of an id_token beyond what openid-client checks. */
function checkClaims({ sub, aud, at_hash: tokenHash }: client.IDToken, accessToken: string): void {
  const wrong = (what: string) => new Refusal('login-unverified', what);
  if (!/^[\x20-\x7e]{1,255}$/.test(sub)) throw wrong('a sub that is not 1 to 255 ASCII characters'); // §2
  if ([aud].flat().length !== 1) throw wrong('an audience beside us'); // §3.1.3.7: we trust no other
  if (!/^[\x21-\x7e]+$/.test(accessToken)) throw wrong('an access token that no header can carry'); // RFC 6750 §2.1
  const half = hash('sha256', accessToken, 'buffer').subarray(0, 16);
  if (tokenHash !== undefined && tokenHash !== half.toString('base64url')) {
    throw wrong('an at_hash of another access token'); // §3.1.3.8; SHA-256 for both algorithms that can be pinned
  }
}
