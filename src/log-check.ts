/** Everything that `paraphe fsck` looks at: the log itself, the tables beside it, and the keys that are wrapped in them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageConfig } from './config.ts';
import { type CheckOptions, checkLog } from './log/check-log.ts';
import { isPetitionKeyWhole } from './petitions/petition-key.ts';
import { readKeys } from './storage/key-folder.ts';
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

/** Whether each petition's wrapped secret unwraps and belongs to the public key that the log holds. */
async function checkKeys(storage: Storage, keysDir: string): Promise<Omit<DataCheck, 'size'>> {
  if (!existsSync(join(keysDir, 'key-encryption-key'))) {
    return { problems: [], notes: [`Not checked: the petitions' wrapped keys, since there is no key in ${keysDir}.`] };
  }
  const { keyEncryptionKey } = readKeys(keysDir);
  const problems: string[] = [];
  const petitions = await storage.petitions.list().catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error; // a row that is no petition
    problems.push(`the petitions cannot be read: ${error.message}`);
    return [];
  });
  for (const petition of petitions) {
    const wrapped = await storage.petitions.findWrappedSecret(petition.id);
    if (wrapped === undefined || isPetitionKeyWhole(keyEncryptionKey, petition, wrapped)) continue;
    problems.push(`petition ${petition.slug}: its wrapped key is not that of the public key in the log`);
  }
  return { problems, notes: [] };
}
