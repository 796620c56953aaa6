/**
 * How to speak to an identity provider. Two profiles:
 * - `franceconnect`: FranceConnect v2's closed list of parameters, no PKCE, `client_secret_post`, signed userinfo,
 *   levels of assurance eidas1 < eidas2 < eidas3 (docs.partenaires.franceconnect.gouv.fr)
 * - `oidc`: any OpenID Provider with discovery, with PKCE S256 (OpenID Connect Core 1.0, RFC 7636)
 */
export type ProfileName = 'franceconnect' | 'oidc';

export type ProviderSettings = {
  readonly profile: ProfileName;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clientAuth: 'client_secret_post' | 'client_secret_basic';
  /** The one algorithm that id_tokens are accepted under. */
  readonly idTokenAlg: 'ES256' | 'RS256';
  /** The one algorithm that userinfo is accepted under; `none`: plain JSON over TLS (profile `oidc` only). */
  readonly userinfoAlg: 'ES256' | 'RS256' | 'none';
  /** Where the access token goes at the userinfo endpoint (RFC 6750 §2.1 or §2.2). */
  readonly bearer: 'header' | 'body';
  readonly scope: string;
  /** Whether an issuer that says it is a simulation may be used. */
  readonly allowSimulated: boolean;
  /** For each call, in milliseconds. */
  readonly timeoutMs: number;
};

const EIDAS = ['eidas1', 'eidas2', 'eidas3'];

/** Whether a returned `acr` is at least the level asked for. An unknown level is no level. */
export function acrSuffices(profile: ProfileName, asked: string, returned: unknown): boolean {
  if (asked === '') return true;
  if (typeof returned !== 'string') return false;
  if (profile === 'oidc') return returned === asked;
  const level = EIDAS.indexOf(asked);
  return level >= 0 && EIDAS.indexOf(returned) >= level;
}
