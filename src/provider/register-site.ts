import { ulid } from 'ulid';
import type { Clock } from '../clock.ts';
import { SetupError } from '../errors.ts';
import { type KeyEncryptionKey, keyReplaced } from '../key-encryption.ts';
import type { Petition } from '../petitions/petition.ts';
import { forgottenEverywhere } from './kept-sites.ts';
import type { SiteStore } from './ports.ts';
import type { Site, SiteDescription, SiteId } from './site.ts';
import { createClientSecret, createSiteKey } from './site-key.ts';

/** A site's client secret is in clear here and nowhere else: whoever asked shows it once. */
export type Registered = { readonly site: Site; readonly secret: string | undefined };

type Dependencies = { readonly sites: SiteStore; readonly keyEncryptionKey: KeyEncryptionKey; readonly clock: Clock };

/** Registers a site, with a pseudonym key of its own. @param petitions that it may ask signatures for */
export async function registerSite(
  { sites, keyEncryptionKey, clock }: Dependencies,
  description: SiteDescription,
  petitions: readonly Petition[],
): Promise<Registered> {
  const id = ulid(clock().getTime()).toLowerCase() as SiteId;
  const created = description.auth === 'client_secret_basic' ? createClientSecret(keyEncryptionKey, id) : undefined;
  const site: Site = {
    ...description,
    id,
    sealedSecret: created?.sealed,
    petitions: [...new Set(petitions.map((petition) => petition.id))],
    wrappedKey: createSiteKey(keyEncryptionKey, id),
  };
  if (!(await sites.add(site, keyEncryptionKey.id))) throw keyReplaced();
  return { site, secret: created?.secret };
}

/** A new client secret; when this returns, every process refuses the one before. @throws SetupError */
export async function rotateSiteSecret(
  { sites, keyEncryptionKey }: Omit<Dependencies, 'clock'>,
  id: string,
): Promise<{ readonly site: Site; readonly secret: string }> {
  const site = await sites.find(id as SiteId);
  if (site === undefined) throw unknownSite(id);
  if (site.auth !== 'client_secret_basic') {
    throw new SetupError(
      `${site.name} has no secret: it signs with the keys that it publishes, and rotates those itself.`,
    );
  }
  const { secret, sealed } = createClientSecret(keyEncryptionKey, site.id);
  const replaced = await sites.replaceSecret(site.id, sealed, keyEncryptionKey.id);
  if (replaced === 'site-unknown') throw unknownSite(id);
  if (replaced === 'key-replaced') throw keyReplaced();
  await forgottenEverywhere();
  return { site, secret };
}

/** Removes a site and its pseudonym key; when this returns, no process serves it. @throws SetupError */
export async function removeSite({ sites }: Pick<Dependencies, 'sites'>, id: string): Promise<Site> {
  const site = await sites.find(id as SiteId);
  if (site === undefined || !(await sites.remove(site.id))) throw unknownSite(id);
  await forgottenEverywhere();
  return site;
}

function unknownSite(id: string): SetupError {
  return new SetupError(`There is no site ${id.slice(0, 40)}: \`paraphe site list\` shows those that there are.`);
}
