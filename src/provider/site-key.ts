/**
 * What a site has that is secret, wrapped under the key-encryption key (AES-256-GCM): its pseudonym key (AAD = its id) and,
 * where it has one, its client secret (AAD = its id and what it is). The database alone opens neither. A site that is
 * removed takes its key along: the pseudonyms that it knew mean nothing any more.
 */
import { type KeyObject, randomBytes } from 'node:crypto';
import { open, seal } from '../aead.ts';
import { Refusal } from '../errors.ts';
import type { Nym } from '../person/nym.ts';
import type { Person } from '../person/person.ts';
import { generatePseudonymKeyPair, type Pseudonyms } from '../person/pseudonym.ts';
import type { Site, SiteId } from './site.ts';

export function createSiteKey(keyEncryptionKey: KeyObject, id: SiteId): Uint8Array {
  return seal(keyEncryptionKey, generatePseudonymKeyPair().secret, id);
}

/** The person's pairwise `sub` at a site. @throws Refusal `site-unavailable` when its key was wrapped under another */
export async function computeSiteNym(
  deps: { readonly keyEncryptionKey: KeyObject; readonly pseudonyms: Pseudonyms },
  site: Site,
  person: Person,
): Promise<Nym> {
  const secret = open(deps.keyEncryptionKey, site.wrappedKey, site.id);
  if (secret === undefined) throw new Refusal('site-unavailable', 'its pseudonym key does not unwrap');
  return deps.pseudonyms.evaluate(secret, person).finally(() => secret.fill(0));
}

/** 256 random bits, 43 characters that need no escaping anywhere. */
export function createClientSecret(keyEncryptionKey: KeyObject, id: SiteId): { secret: string; sealed: Uint8Array } {
  const secret = randomBytes(32).toString('base64url');
  return { secret, sealed: seal(keyEncryptionKey, Buffer.from(secret), secretContext(id)) };
}

/** @throws Refusal `site-unavailable` when it was sealed under another key */
export function openClientSecret(keyEncryptionKey: KeyObject, id: SiteId, sealed: Uint8Array): string {
  const secret = open(keyEncryptionKey, sealed, secretContext(id));
  if (secret === undefined) throw new Refusal('site-unavailable', 'its client secret does not open');
  return secret.toString('utf8');
}

function secretContext(id: SiteId): string {
  return `${id} client_secret`;
}
