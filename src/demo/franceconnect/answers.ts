/**
 * What FranceConnect's answers have that the engine's have not: the fields and lifetimes of its public documents (as its
 * sandbox publishes them: betagouv/rdv-service-public, spec/fixtures/france_connect_v2/openid-configuration.json) and
 * the form of its errors.
 */
import { randomUUID } from 'node:crypto';
import type { JWK } from 'jose';

const ALGORITHMS = ['HS256', 'ES256', 'RS256'];

/** The simulator's own mark in the discovery document: who must not trust a simulation looks for it. */
export const SIMULATED = 'paraphe_simulated_identity';

export function franceConnectDiscovery(engine: Record<string, unknown>): Record<string, unknown> {
  return {
    ...engine,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    id_token_signing_alg_values_supported: ALGORITHMS,
    userinfo_signing_alg_values_supported: ALGORITHMS,
    request_parameter_supported: false,
    request_uri_parameter_supported: true,
  };
}

export const DOCUMENT_CACHE = 'public, max-age=600';

export function jwksDocument(keys: readonly JWK[]): { keys: readonly JWK[] } {
  return { keys };
}

const ERRORS_PAGE = 'https://docs.partenaires.franceconnect.gouv.fr/fs/fs-technique/fs-technique-erreurs/';

/** An error of `/token` or `/userinfo`, with the link that FranceConnect adds. */
export function franceConnectError(error: Record<string, unknown>): Record<string, unknown> {
  return { ...error, error_uri: `${ERRORS_PAGE}?id=${randomUUID()}` };
}
