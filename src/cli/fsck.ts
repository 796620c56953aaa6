import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readStorageConfig, type StorageConfig } from '../config.ts';
import { checkLog } from '../log/check-log.ts';
import { isPetitionKeyWhole } from '../petitions/petition-key.ts';
import { readKeys } from '../storage/key-folder.ts';
import { isDatabaseError, openStorage, readLock, type Storage } from '../storage/open.ts';
import { progressLine } from './progress.ts';

type Report = { readonly size: number; readonly problems: readonly string[]; readonly notes: readonly string[] };

/**
 * `paraphe fsck`: recomputes the whole log from its rows, beside a serving gateway too. Exit code 0 when it is whole;
 * otherwise 1, and the first thing that is wrong comes first.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } });
  const config = readStorageConfig();
  const { size, problems, notes } = await check(config);
  if (values.json) console.log(JSON.stringify({ whole: problems.length === 0, size, problems, notes }, null, 2));
  else {
    for (const problem of problems) console.error(problem);
    if (problems.length === 0) console.log(`The log is whole: ${size} entries, rows, leaves, tiles and heads agree.`);
    for (const note of notes) console.log(note);
  }
  return problems.length === 0 ? 0 : 1;
}

async function check(config: StorageConfig): Promise<Report> {
  const storage = openStorage(config);
  const progress = progressLine('entries');
  try {
    const locked = readLock(config.dataDir);
    const log = await checkLog(storage.log, { locked, progress: progress.at });
    const keys = await checkKeys(storage, config.keysDir);
    const notes = [...keys.notes, ...(locked === undefined ? ['Not compared: there is no lock beside the data.'] : [])];
    return { size: log.size, problems: [...log.problems, ...storage.checkTables(), ...keys.problems], notes };
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    return { size: 0, problems: [`The database cannot be read: ${error.message}`], notes: [] };
  } finally {
    progress.end();
    storage.close();
  }
}

/** Whether each petition's wrapped secret unwraps and belongs to the public key that the log holds. */
async function checkKeys(storage: Storage, keysDir: string): Promise<Omit<Report, 'size'>> {
  if (!existsSync(join(keysDir, 'key-encryption-key'))) {
    return { problems: [], notes: [`Not checked: the petitions' wrapped keys, since there is no key in ${keysDir}.`] };
  }
  const { keyEncryptionKey } = readKeys(keysDir);
  const problems: string[] = [];
  for (const petition of await storage.petitions.list()) {
    const wrapped = await storage.petitions.findWrappedSecret(petition.id);
    if (wrapped === undefined || isPetitionKeyWhole(keyEncryptionKey, petition, wrapped)) continue;
    problems.push(`petition ${petition.slug}: its wrapped key is not that of the public key in the log`);
  }
  return { problems, notes: [] };
}
