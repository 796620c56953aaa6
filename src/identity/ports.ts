/**
 * Every JWK Set that an identity provider was seen to publish, for good: an id_token kept as evidence is checked years
 * later against the keys of its day.
 */
export type IdentityKeyArchive = {
  /** Keeps the exact bytes of a JWK Set, once. */
  keep(issuer: string, jwks: Uint8Array): Promise<void>;
};
