/** The services that log people in with the simulated FranceConnect. */
import type { ClientMetadata } from 'oidc-provider';
import type { SigningAlgorithm } from './keys.ts';

export type Client = {
  clientId: string;
  clientSecret: string;
  /** FranceConnect's key of a service: two clients of one entity see the same `sub` of a person. */
  entityId: string;
  name: string;
  /** On one host, as FranceConnect asks of a client without a `sector_identifier_uri`. */
  redirectUris: readonly string[];
  postLogoutRedirectUris: readonly string[];
  signingAlg?: SigningAlgorithm | undefined;
  tokenAuth?: 'client_secret_post' | 'client_secret_basic' | undefined;
  scopes?: readonly string[] | undefined;
  /** The form of the userinfo answer: a signed JWT at FranceConnect, JSON at most others. */
  userinfo?: 'jwt' | 'json' | undefined;
};

/** `franceconnect`, or any OpenID Provider without FranceConnect's rules in front. */
export type Rules = 'franceconnect' | 'standard';

export function clientMetadata(client: Client, rules: Rules): ClientMetadata {
  const alg = client.signingAlg ?? 'ES256';
  const userinfo = client.userinfo ?? (rules === 'franceconnect' ? 'jwt' : 'json');
  return {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    client_name: client.name,
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    subject_type: 'pairwise',
    token_endpoint_auth_method: client.tokenAuth ?? 'client_secret_post',
    id_token_signed_response_alg: alg,
    ...(userinfo === 'jwt' ? { userinfo_signed_response_alg: alg } : {}),
    scope: grantedScopes(client).join(' '),
  };
}

export function grantedScopes(client: Client): readonly string[] {
  return client.scopes ?? ['openid', 'birthdate'];
}

/** The origins that a form's redirects may lead to. */
export function clientOrigins(clients: readonly Client[]): string[] {
  const uris = clients.flatMap((client) => [...client.redirectUris, ...client.postLogoutRedirectUris]);
  return [...new Set(uris.map((uri) => new URL(uri).origin))];
}
