/**
 * A backup of before a petition's pseudonyms were destroyed holds every secret under a key that is gone. What no key opens
 * any more can be forgotten, so that the data go on without it: what is new is wrapped under the key that there is.
 */
import type { KeyEncryptionKey } from './key-encryption.ts';
import type { PetitionId } from './petitions/petition.ts';
import { isPetitionKeyWhole } from './petitions/petition-key.ts';
import type { SiteId } from './provider/site.ts';
import { isSiteKeyWhole } from './provider/site-key.ts';
import type { Storage } from './storage/open.ts';

/** Slugs and names, by id. */
export type Lost = { readonly petitions: ReadonlyMap<PetitionId, string>; readonly sites: ReadonlyMap<SiteId, string> };

export async function findLostSecrets(storage: Storage, key: KeyEncryptionKey): Promise<Lost> {
  const petitions = new Map<PetitionId, string>();
  for (const petition of await storage.petitions.list()) {
    const wrapped = await storage.petitions.findWrappedSecret(petition.id);
    if (wrapped !== undefined && !isPetitionKeyWhole(key, petition, wrapped)) petitions.set(petition.id, petition.slug);
  }
  const sites = (await storage.sites.list()).filter((site) => !isSiteKeyWhole(key, site));
  return { petitions, sites: new Map(sites.map(({ id, name }) => [id, name])) };
}

/** For good: petitions keep their signatures and take no others, sites are removed. */
export async function forgetSecrets(storage: Storage, lost: Lost, key: KeyEncryptionKey): Promise<void> {
  await storage.secrets.rewrap({
    knows: () => true,
    to: key.id,
    petition: (id, wrapped) => (lost.petitions.has(id) ? undefined : wrapped),
    site: (secrets) => (lost.sites.has(secrets.id) ? undefined : secrets),
  });
}
