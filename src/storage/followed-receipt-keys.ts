/**
 * The receipt keys, read again when their file changes, so that `paraphe keys rotate` needs no restart. A new key is
 * published a moment before it signs: whoever verifies a receipt may ask another process for the keys than the one that
 * signed, and finds the key there.
 */
import { type Diagnostics, describeError } from '../diagnostics.ts';
import { loadReceiptKeys, type ReceiptKeys } from '../receipt/keys.ts';
import { readReceiptKeys, receiptKeysChanged } from './key-folder.ts';

const LOOK_MS = 1_000;
/** So many looks after it was seen: by then every process has seen it, and the answer of before, kept for a second, is gone. */
const LOOKS_UNTIL_IT_SIGNS = 3;

/** @throws SetupError when the folder holds none at the start; later the ones at hand serve on */
export async function followReceiptKeys(
  folder: string,
  diagnostics: Diagnostics,
): Promise<{ current: () => ReceiptKeys; stop: () => void }> {
  let seen = receiptKeysChanged(folder); // before they are read: a change in between is seen later
  let keys = await loadReceiptKeys(readReceiptKeys(folder));
  let coming: { readonly keys: ReceiptKeys; looks: number } | undefined;

  const look = async () => {
    const now = receiptKeysChanged(folder);
    if (now !== seen) {
      const next = await loadReceiptKeys(readReceiptKeys(folder));
      seen = now;
      const published = publishAll(keys, next);
      coming = { keys: next, looks: published === undefined ? 0 : LOOKS_UNTIL_IT_SIGNS };
      keys = published ?? keys;
    }
    if (coming === undefined || coming.looks-- > 0) return;
    ({ keys } = coming);
    coming = undefined;
    diagnostics.info({ kid: keys.kid }, 'receipts are signed with a new key');
  };
  const tell = (error: unknown) =>
    diagnostics.warn(describeError(error), 'receipt keys could not be read again; the ones at hand serve on');
  const timer = setInterval(() => void look().catch(tell), LOOK_MS);
  timer.unref();
  return { current: () => keys, stop: () => clearInterval(timer) };
}

/** The key that signs, with all that are published then; `undefined` when it leaked, and was taken out of the file. */
function publishAll(signing: ReceiptKeys, { jwks }: ReceiptKeys): ReceiptKeys | undefined {
  const own = jwks.keys.find(({ kid }) => kid === signing.kid);
  return own && { ...signing, jwks: { keys: [own, ...jwks.keys.filter((key) => key !== own)] } };
}
