/** What the provider needs of storage. */
import type { Site, SiteId } from './site.ts';

/** The registered sites. A command writes them; a gateway that serves reads them anew each time. */
export type SiteStore = {
  /** @param keyId of the key that its secrets are wrapped under @returns false when the data have left that key */
  add(site: Site, keyId: Uint8Array): Promise<boolean>;
  find(id: SiteId): Promise<Site | undefined>;
  /** By id, which is by age. */
  list(): Promise<readonly Site[]>;
  /** @returns false when there is none */
  remove(id: SiteId): Promise<boolean>;
  /** @param keyId of the key that it is wrapped under */
  replaceSecret(
    id: SiteId,
    sealedSecret: Uint8Array,
    keyId: Uint8Array,
  ): Promise<'replaced' | 'site-unknown' | 'key-replaced'>;
};

/**
 * Where the protocol's own things wait (requests, codes, access tokens): rows that nobody can read without the
 * id that they are named after, of which they hold a hash. They live for minutes and may be lost at the cost of a new
 * login. Instants are seconds since 1970.
 */
export type ProviderRows = {
  /** Keeps a row, in place of what was there. */
  save(id: Uint8Array, content: Uint8Array, expires: number): Promise<void>;
  find(id: Uint8Array, now: number): Promise<{ content: Uint8Array; consumed: number | undefined } | undefined>;
  /** @returns true for the first, and for no other: one atomic act */
  consume(id: Uint8Array, now: number): Promise<boolean>;
  remove(id: Uint8Array): Promise<void>;
  /** Removes what has expired. */
  sweep(now: number): Promise<void>;
};
