/**
 * Destroys the pseudonym key of a closed petition, and every copy of it that this gateway can reach: from then on nobody,
 * its operator included, can tell from a person's `sub` which nym is theirs. The order of it:
 *   1. the next key-encryption key is in the key folder, and every process unwraps with both;
 *   2. every secret but the petition's is under the next one, in one transaction;
 *   3. a backup is taken, if one is asked for: those of before are of no use from 4 on;
 *   4. the old key-encryption key is gone, and with it the petition's secret, here and in every backup;
 *   5. the log says so, and the petition's row forgets the bytes.
 * Whatever stops it: the same command again ends it, and no other petition's key can be destroyed before that. Until 4
 * nothing is lost. After 4 the key is destroyed though the log does not say so yet.
 */
import { existsSync } from 'node:fs';
import { type Clock, type Day, parisDay } from './clock.ts';
import type { StorageConfig } from './config.ts';
import { SetupError } from './errors.ts';
import type { KeyEncryptionKey } from './key-encryption.ts';
import { withRegister } from './log-writer.ts';
import type { Petition, PetitionId } from './petitions/petition.ts';
import { isPetitionKeyWhole } from './petitions/petition-key.ts';
import type { Register } from './petitions/ports.ts';
import { isSiteKeyWhole, rewrapSite } from './provider/site-key.ts';
import { followedEverywhere } from './storage/followed-keys.ts';
import { beginReplacement, endReplacement, readKeyEncryptionKey, replacementOf } from './storage/key-folder.ts';
import { isPostgres, type Storage } from './storage/open.ts';
import { checkKnown } from './storage/wrapped-secrets.ts';

export type DestructionStep = 'announced' | 'rewrapped' | 'backed-up' | 'key-replaced';

export type DestructionOptions = {
  readonly clock?: Clock;
  /** Where a backup goes that is not there yet. */
  readonly backup?: string | undefined;
  /** Comes true when every process goes by what is in the key folder and in the data. */
  readonly followed?: () => Promise<unknown>;
  /** Told each step as it is reached, for tests that stop there. */
  readonly reached?: (step: DestructionStep) => void;
};

/** `day` is that of the entry. */
export type Destroyed = { readonly result: 'destroyed' | 'already-destroyed'; readonly day: Day };

/** @throws SetupError when the petition is unknown or not closed, or the keys are not those of the data */
export async function destroyPseudonyms(
  config: StorageConfig,
  slug: string,
  options: DestructionOptions = {},
): Promise<Destroyed> {
  const { clock = () => new Date(), backup, followed = followedEverywhere, reached } = options;
  if (backup !== undefined) checkBackup(config, backup);
  return withRegister(config, clock, async ({ storage, register }) => {
    const petition = await findClosed(storage, slug);
    if (petition.destroyed !== undefined) return { result: 'already-destroyed', day: petition.destroyed };
    await checkOthers(storage, readKeyEncryptionKey(config.keysDir), petition);
    const next = await nextKey(storage, config.keysDir, petition);
    reached?.('announced');
    await followed();
    await rewrapOthers(storage, readKeyEncryptionKey(config.keysDir), next, petition.id);
    reached?.('rewrapped');
    if (backup !== undefined) await storage.backup(backup);
    reached?.('backed-up');
    await followed(); // nobody works with a row of before
    endReplacement(config.keysDir);
    reached?.('key-replaced');
    await followed(); // nor with the old key
    await record(register, petition);
    return { result: 'destroyed', day: parisDay(clock()) };
  });
}

/** What would stop a backup is told before anything is done. */
function checkBackup(config: StorageConfig, file: string): void {
  if (isPostgres(config)) throw new SetupError('The data are on PostgreSQL: dump them when this is done.');
  if (existsSync(file)) throw new SetupError(`${file} is there already: a backup never replaces one.`);
}

async function findClosed(storage: Storage, slug: string): Promise<Petition> {
  const petition = await storage.petitions.findBySlug(slug);
  if (petition === undefined) throw new SetupError(`There is no petition ${slug}.`);
  if (petition.closed === undefined) {
    throw new SetupError(`${slug} is not closed: \`paraphe petition close ${slug}\` comes first, for good.`);
  }
  return petition;
}

/** Whether all secrets but the petition's can be put under another key: what would stop it half-way is told before. */
async function checkOthers(storage: Storage, keys: KeyEncryptionKey, { id }: Petition): Promise<void> {
  checkKnown(await storage.secrets.keyId(), keys);
  for (const petition of await storage.petitions.list()) {
    const wrapped = petition.id === id ? undefined : await storage.petitions.findWrappedSecret(petition.id);
    if (wrapped === undefined || isPetitionKeyWhole(keys, petition, wrapped)) continue;
    throw new SetupError(
      `The secret of ${petition.slug} does not unwrap. If its own destruction was cut short, end that first: \`paraphe petition destroy-pseudonyms ${petition.slug}\`. Otherwise KEYS_DIR does not belong to these data.`,
    );
  }
  for (const site of await storage.sites.list()) {
    if (isSiteKeyWhole(keys, site)) continue;
    throw new SetupError(
      `The secret of the site ${site.name} does not unwrap: KEYS_DIR does not belong to these data.`,
    );
  }
}

/** The next key-encryption key: of a destruction that was cut short, or a new one. */
async function nextKey(storage: Storage, keysDir: string, { id }: Petition): Promise<KeyEncryptionKey> {
  const underWay = replacementOf(keysDir);
  if (underWay === undefined) return beginReplacement(keysDir, id);
  if (underWay.petition === id) return underWay.next;
  const other = await storage.petitions.findById(underWay.petition as PetitionId);
  throw new SetupError(
    `The pseudonyms of ${other?.slug ?? underWay.petition} are being destroyed: end that first, with the same command for it.`,
  );
}

function rewrapOthers(
  storage: Storage,
  from: KeyEncryptionKey,
  to: KeyEncryptionKey,
  except: PetitionId,
): Promise<void> {
  return storage.secrets.rewrap({
    knows: (keyId) => from.knows(keyId),
    to: to.id,
    except,
    petition: (id, wrapped) => from.rewrap(wrapped, id, to),
    site: (secrets) => rewrapSite(secrets, from, to),
  });
}

async function record(register: Register, { id, slug }: Petition): Promise<void> {
  const { result } = await register.record({ kind: 'pseudonyms-destroyed', petition: id });
  if (result === 'destroyed' || result === 'already-destroyed') return;
  throw new SetupError(`The key of ${slug} is destroyed, and the log could not say so (${result}): try again.`);
}
