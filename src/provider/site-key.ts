/**
 * What a site has that is secret, wrapped under the key-encryption key: its pseudonym key (context = its id) and, where it
 * has one, its client secret (context = its id and what it is). The database alone opens neither. A site that is removed
 * takes its key along: the pseudonyms that it knew mean nothing any more.
 */
import { randomBytes } from 'node:crypto';
import { Refusal } from '../errors.ts';
import type { KeyEncryptionKey } from '../key-encryption.ts';
import type { Nym } from '../person/nym.ts';
import type { Person } from '../person/person.ts';
import { generatePseudonymKeyPair, type Pseudonyms } from '../person/pseudonym.ts';
import type { Site, SiteId, SiteSecrets } from './site.ts';

export function createSiteKey(keyEncryptionKey: KeyEncryptionKey, id: SiteId): Uint8Array {
  return keyEncryptionKey.wrap(generatePseudonymKeyPair().secret, id);
}

/** The person's pairwise `sub` at a site. @throws Refusal `site-unavailable` when its key was wrapped under another */
export async function computeSiteNym(
  deps: { readonly keyEncryptionKey: KeyEncryptionKey; readonly pseudonyms: Pseudonyms },
  site: Site,
  person: Person,
): Promise<Nym> {
  const secret = deps.keyEncryptionKey.unwrap(site.wrappedKey, site.id);
  if (secret === undefined) throw new Refusal('site-unavailable', 'its pseudonym key does not unwrap');
  return deps.pseudonyms.evaluate(secret, person).finally(() => secret.fill(0));
}

/** 256 random bits, 43 characters that need no escaping anywhere. */
export function createClientSecret(
  keyEncryptionKey: KeyEncryptionKey,
  id: SiteId,
): { secret: string; sealed: Uint8Array } {
  const secret = randomBytes(32).toString('base64url');
  return { secret, sealed: keyEncryptionKey.wrap(Buffer.from(secret), secretContext(id)) };
}

/** @throws Refusal `site-unavailable` when it was sealed under another key */
export function openClientSecret(keyEncryptionKey: KeyEncryptionKey, id: SiteId, sealed: Uint8Array): string {
  const secret = keyEncryptionKey.unwrap(sealed, secretContext(id));
  if (secret === undefined) throw new Refusal('site-unavailable', 'its client secret does not open');
  return secret.toString('utf8');
}

/** Whether what is stored of a site unwraps. */
export function isSiteKeyWhole(
  keyEncryptionKey: KeyEncryptionKey,
  { id, wrappedKey, sealedSecret }: SiteSecrets,
): boolean {
  const isWhole = (wrapped: Uint8Array, context: string) =>
    keyEncryptionKey.unwrap(wrapped, context)?.fill(0) !== undefined;
  return isWhole(wrappedKey, id) && (sealedSecret === undefined || isWhole(sealedSecret, secretContext(id)));
}

/** Both under another key. @throws SetupError when one does not unwrap */
export function rewrapSite(
  { id, wrappedKey, sealedSecret }: SiteSecrets,
  from: KeyEncryptionKey,
  to: KeyEncryptionKey,
): SiteSecrets {
  return {
    id,
    wrappedKey: from.rewrap(wrappedKey, id, to),
    sealedSecret: sealedSecret && from.rewrap(sealedSecret, secretContext(id), to),
  };
}

function secretContext(id: SiteId): string {
  return `${id} client_secret`;
}
