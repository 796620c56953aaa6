import type { Day } from '../clock.ts';

/**
 * Every JWK Set that an identity provider was seen to publish, for good: an id_token kept as evidence is checked years
 * later against the keys of its day.
 */
export type IdentityKeyArchive = {
  /** Keeps the exact bytes of a JWK Set, once. `seen` is the day on which they were first seen. */
  keep(issuer: string, jwks: Uint8Array, seen: Day): Promise<void>;
};
