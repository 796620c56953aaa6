/**
 * Destroys the pseudonym key of a closed petition, and every copy of it that this gateway can reach: from then on nobody,
 * its operator included, can tell from a person's `sub` which nym is theirs. The order of it, while the key folder is held:
 *   1. the next key-encryption key is in the folder, and every process unwraps with both;
 *   2. every secret but the petition's is under the next one, in one transaction;
 *   3. a backup is taken, if one is asked for: those of before are of no use from 4 on;
 *   4. the old key-encryption key is gone, and with it the petition's secret, here and in every backup;
 *   5. the log says so, and the petition's row forgets the bytes.
 * Whatever stops it: the same command again ends it, and no other petition's key can be destroyed before that. Until 4
 * nothing is lost. After 4 the key is destroyed though the log does not say so yet.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, type Day, parisDay } from './clock.ts';
import type { StorageConfig } from './config.ts';
import { SetupError } from './errors.ts';
import type { KeyEncryptionKey } from './key-encryption.ts';
import { withRegister } from './log-writer.ts';
import type { Petition, PetitionId } from './petitions/petition.ts';
import { isPetitionKeyWhole } from './petitions/petition-key.ts';
import { isSiteKeyWhole, rewrapSite } from './provider/site-key.ts';
import { followedEverywhere } from './storage/followed-keys.ts';
import {
  beginReplacement,
  checkOwner,
  destroyOldKey,
  endReplacement,
  readKeyEncryptionKey,
  replacementOf,
} from './storage/key-encryption-key.ts';
import { readKeys } from './storage/key-folder.ts';
import { holdKeyFolder, isPostgres, openStorage, type Storage } from './storage/open.ts';
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

/** `day` is that of the entry, or this one where it was just made. */
export type Destroyed = { readonly result: 'destroyed' | 'already-destroyed'; readonly day: Day };

/** @throws SetupError when the petition is unknown or not closed, or keys and data do not belong together */
export async function destroyPseudonyms(
  config: StorageConfig,
  slug: string,
  options: DestructionOptions = {},
): Promise<Destroyed> {
  const { clock = () => new Date(), backup } = options;
  if (backup !== undefined) checkBackup(config, backup);
  checkOwner(config.keysDir);
  const release = holdKeyFolder(config.keysDir);
  try {
    const petition = await destroyKey(config, slug, options);
    if (petition.destroyed !== undefined) return { result: 'already-destroyed', day: petition.destroyed };
    await record(config, clock, petition);
    return { result: 'destroyed', day: parisDay(clock()) };
  } finally {
    release();
  }
}

/** All of it but the entry, without which others write the log as before. */
async function destroyKey(config: StorageConfig, slug: string, options: DestructionOptions): Promise<Petition> {
  const { keysDir } = config;
  const storage = await openStorage(config);
  try {
    const petition = await findClosed(storage, slug);
    if (petition.destroyed !== undefined && replacementOf(keysDir)?.petition !== petition.id) {
      destroyOldKey(keysDir); // of a run that was stopped at its very end
      return petition;
    }
    await checkBelonging(storage, keysDir);
    await checkOthers(storage, readKeyEncryptionKey(keysDir), petition);
    const next = await nextKey(storage, keysDir, petition);
    await replaceKey(storage, keysDir, petition, next, options).catch((error: unknown) => {
      throw new SetupError(
        `Stopped half-way. Until the same command ends it, with another name for a backup, nobody can open a petition or register a site. (${error instanceof Error ? error.message : error})`,
        { cause: error },
      );
    });
    return petition;
  } finally {
    await storage.close();
  }
}

async function replaceKey(
  storage: Storage,
  keysDir: string,
  petition: Petition,
  next: KeyEncryptionKey,
  { backup, followed = followedEverywhere, reached }: DestructionOptions,
): Promise<void> {
  reached?.('announced');
  await followed();
  await rewrapOthers(storage, readKeyEncryptionKey(keysDir), next, petition.id);
  reached?.('rewrapped');
  if (backup !== undefined) await storage.backup(backup);
  reached?.('backed-up');
  await followed(); // nobody works with a row of before
  const keyId = await storage.secrets.keyId();
  if (keyId === undefined || !next.id.equals(keyId)) {
    throw new SetupError('The data are not under the next key any more: nothing was destroyed.');
  }
  endReplacement(keysDir, next);
  reached?.('key-replaced');
  await followed(); // nor with the old key
}

/** What would stop a backup is told before anything is done. */
function checkBackup(config: StorageConfig, file: string): void {
  if (isPostgres(config)) throw new SetupError('The data are on PostgreSQL: dump them when this is done.');
  if (existsSync(file)) throw new SetupError(`${file} is there already: a backup never replaces one.`);
  accessSync(dirname(file), constants.W_OK);
}

async function findClosed(storage: Storage, slug: string): Promise<Petition> {
  const petition = await storage.petitions.findBySlug(slug);
  if (petition === undefined) throw new SetupError(`There is no petition ${slug}.`);
  if (petition.closed === undefined) {
    throw new SetupError(`${slug} is not closed: \`paraphe petition close ${slug}\` comes first, for good.`);
  }
  return petition;
}

/** The keys of another instance would be destroyed for nothing. */
async function checkBelonging(storage: Storage, keysDir: string): Promise<void> {
  if ((await storage.log.state())?.vkey === readKeys(keysDir).logKey.vkey) return;
  throw new SetupError(`${keysDir} holds the keys of another log than the one of these data: check KEYS_DIR.`);
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
    petition: (id, wrapped) => (id === except ? wrapped : from.rewrap(wrapped, id, to)),
    site: (secrets) => rewrapSite(secrets, from, to),
  });
}

async function record(config: StorageConfig, clock: Clock, { id, slug }: Petition): Promise<void> {
  const act = { kind: 'pseudonyms-destroyed', petition: id } as const;
  const result = await withRegister(config, clock, ({ register }) => register.record(act)).then(
    (outcome) => outcome.result,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  if (result === 'destroyed' || result === 'already-destroyed') return;
  throw new SetupError(
    `The key of ${slug} is destroyed, and the log does not say so yet: give the same command again. (${result})`,
  );
}
