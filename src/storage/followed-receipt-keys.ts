/** The receipt keys, read again when their file changes, so that `paraphe keys rotate` needs no restart. */
import { type Diagnostics, describeError } from '../diagnostics.ts';
import { loadReceiptKeys, type ReceiptKeys } from '../receipt/keys.ts';
import { readReceiptKeys, receiptKeysChanged } from './key-folder.ts';

const LOOK_MS = 2_000;
/**
 * For so long a new key is published before it signs: every process publishes it by then, and whoever verifies receipts
 * and had fetched the keys an instant before fetches them again (jose after 30 s, openid-client after 60).
 */
const PUBLISHED_AHEAD_MS = 90_000;

/** @throws SetupError when the folder holds none at the start; later the ones at hand serve on */
export async function followReceiptKeys(
  folder: string,
  diagnostics: Diagnostics,
): Promise<{ current: () => ReceiptKeys; stop: () => void }> {
  let seen = receiptKeysChanged(folder); // before they are read: a change in between is seen later
  let keys = await loadReceiptKeys(readReceiptKeys(folder));
  let signing: NodeJS.Timeout | undefined;
  const timer = setInterval(async () => {
    try {
      const now = receiptKeysChanged(folder);
      if (now === seen) return;
      const next = await loadReceiptKeys(readReceiptKeys(folder));
      seen = now;
      clearTimeout(signing);
      signing = setTimeout(() => {
        keys = next;
      }, PUBLISHED_AHEAD_MS).unref();
      // One that is published no more signs no more.
      const isPublished = next.jwks.keys.some(({ kid }) => kid === keys.kid);
      keys = isPublished ? { ...keys, jwks: next.jwks } : next;
      diagnostics.info({ kid: next.kid }, 'receipt keys were read again');
    } catch (error) {
      diagnostics.warn(describeError(error), 'receipt keys could not be read again; the ones at hand serve on');
    }
  }, LOOK_MS);
  timer.unref();
  return {
    current: () => keys,
    stop() {
      clearInterval(timer);
      clearTimeout(signing);
    },
  };
}
