/**
 * A new receipt key, also under gateways that serve. It is published before it signs: whoever verifies a receipt may ask
 * another process for the keys than the one that signed, and finds the key there.
 */
import { announceReceiptKey, generateReceiptKey, rotateReceiptKeys, type StoredReceiptKeys } from '../receipt/keys.ts';
import { followedEverywhere } from './followed-keys.ts';
import { readReceiptKeys, writeReceiptKeys } from './key-folder.ts';

/**
 * When this returns, every process signs with the new key, and the private half of the one before is gone. A crash in the
 * middle leaves one more key published, which signs nothing.
 * @param followed comes true when every process goes by what is in the folder
 */
export async function rotateKeys(
  folder: string,
  followed: () => Promise<unknown> = followedEverywhere,
): Promise<StoredReceiptKeys> {
  const next = generateReceiptKey();
  writeReceiptKeys(folder, announceReceiptKey(readReceiptKeys(folder), next));
  await followed();
  const keys = rotateReceiptKeys(readReceiptKeys(folder), next); // read again: another rotation may run beside this one
  writeReceiptKeys(folder, keys);
  await followed();
  return keys;
}
