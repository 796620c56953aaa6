import * as client from 'openid-client';
import type { Issuer } from './issuer.ts';

/** FranceConnect's session lives 30 minutes; once it is gone, its logout ends on an error page of its own. */
const LOGOUT_USEFUL_MS = 25 * 60_000;

/**
 * Where to send the browser to end the session at the identity provider (OpenID Connect RP-Initiated Logout 1.0), or
 * `undefined` when that would strand the person: the session is gone by now, or there is nowhere to go.
 */
export async function logoutUrl(
  issuer: Issuer,
  logout: { idToken: string; state: string; redirectUri: string; loggedInAt: Date; now: Date },
): Promise<URL | undefined> {
  if (logout.now.getTime() - logout.loggedInAt.getTime() > LOGOUT_USEFUL_MS) return undefined;
  const snapshot = await issuer.current().catch(() => undefined);
  if (snapshot?.server.end_session_endpoint === undefined) return undefined;
  return client.buildEndSessionUrl(snapshot.configuration, {
    id_token_hint: logout.idToken,
    state: logout.state,
    post_logout_redirect_uri: logout.redirectUri,
  });
}
