/**
 * A backup of before a petition's pseudonyms were destroyed holds every secret under a key that is gone. What no key opens
 * any more can be forgotten, so that the data go on without it: what is new is wrapped under the key that there is.
 */
import { SetupError } from './errors.ts';
import type { KeyEncryptionKey } from './key-encryption.ts';
import type { SiteSecrets } from './provider/site.ts';
import { readKeyEncryptionKey, replacedKeys, replacementOf } from './storage/key-encryption-key.ts';
import type { Storage } from './storage/open.ts';

/** Slugs and names. */
export type Lost = { readonly petitions: readonly string[]; readonly sites: readonly string[] };

export async function findLostSecrets(storage: Storage, keysDir: string): Promise<Lost> {
  const key = readKeyEncryptionKey(keysDir);
  const petitions: string[] = [];
  for (const { id, slug } of await storage.petitions.list()) {
    const wrapped = await storage.petitions.findWrappedSecret(id);
    if (wrapped !== undefined && !opens(key, wrapped, id)) petitions.push(slug);
  }
  const sites = (await storage.sites.list()).filter((site) => isLost(key, site)).map(({ name }) => name);
  return { petitions, sites };
}

/**
 * Forgets them for good: petitions keep their signatures and take no others, sites are removed. The folder is held.
 * @throws SetupError, and nothing is forgotten, unless the key in the folder has replaced the one that the data are under:
 * an older folder opens nothing either, and the right one everything
 */
export async function forgetLostSecrets(storage: Storage, keysDir: string): Promise<void> {
  if (replacementOf(keysDir) !== undefined) {
    throw new SetupError('A petition’s pseudonyms are being destroyed: end that first. Nothing was forgotten.');
  }
  const key = readKeyEncryptionKey(keysDir);
  const replaced = replacedKeys(keysDir);
  const hasReplaced = (keyId: Uint8Array) => replaced.includes(Buffer.from(keyId).toString('hex'));
  const keyId = await storage.secrets.keyId();
  if (keyId === undefined ? replaced.length === 0 : !(key.knows(keyId) || hasReplaced(keyId))) {
    throw new SetupError(
      `The key in ${keysDir} has not replaced the one that these data are under: look for the key folder that belongs to them. Nothing was forgotten.`,
    );
  }
  await storage.secrets.rewrap({
    knows: (id) => key.knows(id) || hasReplaced(id),
    to: key.id,
    petition: (id, wrapped) => (opens(key, wrapped, id) ? wrapped : undefined),
    site: (secrets) => (isLost(key, secrets) ? undefined : secrets),
  });
}

/** A client secret alone can be made anew (`site rotate-secret`). */
function isLost(key: KeyEncryptionKey, { id, wrappedKey }: SiteSecrets): boolean {
  return !opens(key, wrappedKey, id);
}

function opens(key: KeyEncryptionKey, wrapped: Uint8Array, context: string): boolean {
  return key.unwrap(wrapped, context)?.fill(0) !== undefined;
}
