import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import { openStorage } from '../storage/open.ts';

export const USAGE = 'Usage: paraphe backup <file>';

/**
 * `paraphe backup <file>`: a copy of the data as they are at one moment, while the gateway serves. It holds neither the
 * keys nor the lock: a restored one is older than the lock, and `paraphe recover` brings it forward.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  const [file, ...rest] = positionals;
  if (file === undefined || file === '' || rest.length > 0) throw new SetupError(USAGE);
  const storage = await openStorage(readStorageConfig());
  try {
    await storage.backup(file);
  } finally {
    await storage.close();
  }
  const copy = await openStorage({ ...readStorageConfig(), databaseUrl: `sqlite:${file}` });
  try {
    const state = await copy.log.state();
    console.log(`${file} holds the data up to entry ${state?.size ?? 0} of the log. The keys are not in it.`);
  } finally {
    await copy.close();
  }
  return 0;
}
