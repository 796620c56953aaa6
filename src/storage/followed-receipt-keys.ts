/** The receipt keys, read again when their file changes, so that `paraphe keys rotate` needs no restart. */
import { type Diagnostics, describeError } from '../diagnostics.ts';
import { loadReceiptKeys, type ReceiptKeys } from '../receipt/keys.ts';
import { readReceiptKeys, receiptKeysChanged } from './key-folder.ts';

/** How often each process looks. */
export const LOOK_MS = 1_000;

/** @throws SetupError when the folder holds none at the start; later the ones at hand serve on */
export async function followReceiptKeys(
  folder: string,
  diagnostics: Diagnostics,
): Promise<{ current: () => ReceiptKeys; stop: () => void }> {
  let seen = receiptKeysChanged(folder); // before they are read: a change in between is seen later
  let keys = await loadReceiptKeys(readReceiptKeys(folder));
  const timer = setInterval(async () => {
    try {
      const now = receiptKeysChanged(folder);
      if (now === seen) return;
      keys = await loadReceiptKeys(readReceiptKeys(folder));
      seen = now;
      diagnostics.info({ kid: keys.kid }, 'receipt keys were read again');
    } catch (error) {
      diagnostics.warn(describeError(error), 'receipt keys could not be read again; the ones at hand serve on');
    }
  }, LOOK_MS);
  timer.unref();
  return { current: () => keys, stop: () => clearInterval(timer) };
}
