import { parseArgs } from 'node:util';
import { readOrigin, readStorageConfig } from '../config.ts';
import { logOrigin } from '../log/log-key.ts';
import { createLog } from '../log-writer.ts';
import { createKeys, readKeys } from '../storage/key-folder.ts';
import { migrateStorage } from '../storage/open.ts';

export const USAGE = 'Usage: paraphe init';

/** `paraphe init`: makes the keys, never over others, and an empty database. Names the log after ORIGIN, for good. */
export async function run(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const config = readStorageConfig();
  const origin = logOrigin(readOrigin());
  createKeys(config.keysDir, origin);
  await migrateStorage(config);
  const { logKey } = readKeys(config.keysDir);
  await createLog(config, logKey);
  console.log(
    `The keys are in ${config.keysDir} (mode 600). Keep a copy somewhere else than your backups of the data:`,
  );
  console.log('whoever holds both could test whether a person whose identifier they know has signed.');
  console.log(`The log is named ${origin}, for good. Auditors and witnesses trust it by this key:`);
  console.log(logKey.vkey);
  return 0;
}
