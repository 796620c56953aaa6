/** Everything that `paraphe fsck` looks at: the log itself, the tables beside it, and the keys that are wrapped in them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageConfig } from './config.ts';
import type { KeyEncryptionKey } from './key-encryption.ts';
import { type CheckOptions, checkLog } from './log/check-log.ts';
import type { Petition } from './petitions/petition.ts';
import { isPetitionKeyWhole } from './petitions/petition-key.ts';
import type { SiteId } from './provider/site.ts';
import { isSiteKeyWhole } from './provider/site-key.ts';
import { leftOfReplacement, readKeyEncryptionKey } from './storage/key-encryption-key.ts';
import { isDatabaseError, openStorage, readLock, type Storage } from './storage/open.ts';

export type DataCheck = {
  readonly size: number;
  /** What is wrong, in words, the first first. */
  readonly problems: readonly string[];
  /** What could not be looked at. */
  readonly notes: readonly string[];
};

/** Reads only, beside a serving gateway too. @throws SetupError when there are no data */
export async function checkData(
  config: StorageConfig,
  options: Pick<CheckOptions, 'figures' | 'progress'> = {},
): Promise<DataCheck> {
  const storage = await openStorage(config);
  try {
    const locked = await readLock(config);
    const log = await checkLog(storage.log, { locked, ...options });
    const keys = await checkKeys(storage, config.keysDir);
    const notes = [...keys.notes, ...(locked === undefined ? ['Not compared: there is no lock beside the data.'] : [])];
    return { size: log.size, problems: [...log.problems, ...(await storage.checkTables()), ...keys.problems], notes };
  } catch (error) {
    // A row may be changed into what is none: no day, no JSON.
    if (!(isDatabaseError(error) || error instanceof RangeError || error instanceof SyntaxError)) throw error;
    return { size: 0, problems: [`The database cannot be read: ${error.message}`], notes: [] };
  } finally {
    await storage.close();
  }
}

/** A secret that is stored wrapped. */
type Wrapped = { readonly whose: string; readonly isWhole: (key: KeyEncryptionKey) => Promise<boolean> };

/** Whether each wrapped secret unwraps, and belongs to the public key that the log holds. */
async function checkKeys(storage: Storage, keysDir: string): Promise<Omit<DataCheck, 'size'>> {
  if (!existsSync(join(keysDir, 'key-encryption-key'))) {
    return {
      problems: [],
      notes: [`Not checked: the wrapped keys of petitions and sites, since there is no key in ${keysDir}.`],
    };
  }
  const problems: string[] = [];
  const petitions = await storage.petitions.list().catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error; // a row that is no petition
    problems.push(`the petitions cannot be read: ${error.message}`);
    return [];
  });
  const stored = [
    ...petitions.map((petition) => wrappedOfPetition(storage, petition)),
    ...(await storage.sites.list()).map(({ id, name }) => wrappedOfSite(storage, id, name)),
  ];
  const keyId = await storage.secrets.keyId();
  if (keyId !== undefined && !readKeyEncryptionKey(keysDir).knows(keyId)) {
    problems.push('the key that the data say their secrets are under is not in KEYS_DIR');
  }
  const looks = async ({ isWhole }: Wrapped) => isWhole(readKeyEncryptionKey(keysDir));
  for (const one of stored) {
    // The key that wraps them may be replaced meanwhile: then the second look finds both as they are now.
    if ((await looks(one)) || (await looks(one))) continue;
    problems.push(
      `${one.whose}: its wrapped key is not its own, or is under another key than the one in KEYS_DIR (a petition whose pseudonyms are being destroyed? end that)`,
    );
  }
  const left = leftOfReplacement(keysDir).map(
    (file) => `${file} is in ${keysDir}: a petition's pseudonyms are being destroyed, or that was stopped: end it.`,
  );
  return { problems, notes: left };
}

function wrappedOfPetition({ petitions }: Storage, petition: Petition): Wrapped {
  return {
    whose: `petition ${petition.slug}`,
    async isWhole(key) {
      const wrapped = await petitions.findWrappedSecret(petition.id);
      return wrapped === undefined || isPetitionKeyWhole(key, petition, wrapped);
    },
  };
}

function wrappedOfSite({ sites }: Storage, id: SiteId, name: string): Wrapped {
  return {
    whose: `site ${name}`,
    async isWhole(key) {
      const site = (await sites.list()).find((one) => one.id === id); // an id that is damaged is asked for in vain
      return site === undefined || isSiteKeyWhole(key, site);
    },
  };
}
