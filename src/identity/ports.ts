/**
 * Every JWK Set that an identity provider was seen to publish, for good: an id_token kept as evidence is checked years
 * later against the keys of its day.
 */
export type IdentityKeyArchive = {
  /** Keeps the exact bytes of a JWK Set, once. */
  keep(issuer: string, jwks: Uint8Array): Promise<void>;
};

export const ENDPOINTS = ['discovery', 'jwks', 'token', 'userinfo'] as const;
/** Why an exchange gave no answer of use: late, broken, a status that is none of OpenID Connect's, an error of 4xx. */
export const EXCHANGE_FAILURES = ['timeout', 'network', 'status', 'refused'] as const;

/** One call to the identity provider, for the operator's monitoring. */
export type ExchangeReport = {
  readonly endpoint: (typeof ENDPOINTS)[number];
  readonly seconds: number;
  readonly failure: (typeof EXCHANGE_FAILURES)[number] | undefined;
};
