import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import { loadReceiptKeys } from '../receipt/keys.ts';
import { rotateKeys } from '../storage/rotate-receipt-keys.ts';

export const USAGE = 'Usage: paraphe keys rotate';

/** `paraphe keys rotate`: receipts are signed with a new key from now on; the ones at hand verify as before. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  if (positionals.length !== 1 || positionals[0] !== 'rotate') throw new SetupError(USAGE);
  const rotating = rotateKeys(readStorageConfig().keysDir);
  console.error('A new key is published first, and signs then: five seconds.');
  const keys = await loadReceiptKeys(await rotating);
  console.log(`Receipts are signed with key ${keys.kid} from now on, also by a running gateway.`);
  console.log(`Earlier public keys stay published (${keys.jwks.keys.length - 1}), so that earlier receipts verify.`);
  return 0;
}
