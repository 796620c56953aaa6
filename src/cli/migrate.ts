import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { migrateStorage } from '../storage/open.ts';

/** `paraphe migrate`: applies the migrations that the database lacks. */
export async function run(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const applied = await migrateStorage(readStorageConfig());
  console.log(
    applied === 0 ? 'The database is up to date.' : `Applied ${applied} migration${applied === 1 ? '' : 's'}.`,
  );
  return 0;
}
