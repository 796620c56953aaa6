import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import { moveInstance } from '../move-instance.ts';
import { migrateStorage } from '../storage/open.ts';
import { Progress } from './progress.ts';

export const USAGE = 'Usage: paraphe migrate [--from <database> --to <database>]';

/**
 * `paraphe migrate`: applies the migrations that the database lacks. With `--from` and `--to`, moves an instance from one
 * database into another, empty one.
 */
export async function run(args: readonly string[]): Promise<number> {
  const options = { from: { type: 'string' }, to: { type: 'string' } } as const;
  const { from, to } = parseArgs({ args: [...args], options }).values;
  if (from !== undefined && to !== undefined) return move({ from, to });
  if (from !== to) throw new SetupError(USAGE);
  const applied = await migrateStorage(readStorageConfig());
  console.log(
    applied === 0 ? 'The database is up to date.' : `Applied ${applied} migration${applied === 1 ? '' : 's'}.`,
  );
  return 0;
}

async function move(addresses: { readonly from: string; readonly to: string }): Promise<number> {
  const progress = new Progress();
  const show = (done: number, all: number) => progress.show('rows', done, all);
  const { rows, size, from, to } = await moveInstance(readStorageConfig(), addresses, { progress: show }).finally(() =>
    progress.end(),
  );
  console.log(`${rows} rows, with the ${size} entries of the log, have moved to ${to}.`);
  console.log(
    `${from} is marked as moved: no gateway starts on it any more. Keep it until \`paraphe fsck\` has passed.`,
  );
  console.log('Set DATABASE_URL to the new one, run `paraphe fsck`, then start the gateway.');
  return 0;
}
