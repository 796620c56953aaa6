import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import { loadReceiptKeys } from '../receipt/keys.ts';
import { rotateKeys } from '../storage/key-folder.ts';

/** `paraphe keys rotate`: a new key signs receipts; the ones at hand verify as before. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  if (positionals.length !== 1 || positionals[0] !== 'rotate') throw new SetupError('Usage: paraphe keys rotate');
  const keys = await loadReceiptKeys(rotateKeys(readStorageConfig().keysDir));
  console.log(`Receipts are signed with key ${keys.kid} from now on (a running gateway follows within five seconds).`);
  console.log(`Earlier public keys stay published (${keys.jwks.keys.length - 1}), so that earlier receipts verify.`);
  return 0;
}
