import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { createKeys } from '../storage/key-folder.ts';
import { migrateStorage } from '../storage/open.ts';

/** `paraphe init`: makes the keys, never over others, and an empty database. */
export async function run(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const config = readStorageConfig();
  createKeys(config.keysDir);
  migrateStorage(config);
  console.log(
    `The keys are in ${config.keysDir} (mode 600). Keep a copy somewhere else than your backups of the data:`,
  );
  console.log('whoever holds both could test whether a person whose identifier they know has signed.');
  return 0;
}
