/** Keys that are read again when their files change, so that a command that replaces them needs no restart of a gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Diagnostics, describeError } from '../diagnostics.ts';
import type { KeyEncryptionKey } from '../key-encryption.ts';
import { loadReceiptKeys, type ReceiptKeys } from '../receipt/keys.ts';
import { keyEncryptionKeyChanged, readKeyEncryptionKey } from './key-encryption-key.ts';
import { readReceiptKeys, receiptKeysChanged } from './key-folder.ts';

/** How often each process looks. */
const LOOK_MS = 1_000;

/** By then every process has looked, and no answer of before is kept: the JSON of the keys is for a second. */
export async function followedEverywhere(): Promise<void> {
  await sleep(LOOK_MS + 1_500);
}

export type Followed<K> = { readonly current: () => K; readonly stop: () => void };

/** @throws SetupError when the folder holds none at the start; later the ones at hand serve on */
export function followReceiptKeys(folder: string, diagnostics: Diagnostics): Promise<Followed<ReceiptKeys>> {
  return follow(
    'receipt keys',
    () => receiptKeysChanged(folder),
    () => loadReceiptKeys(readReceiptKeys(folder)),
    ({ kid }) => ({ kid }),
    diagnostics,
  );
}

/** @throws SetupError when the folder holds none at the start; later the one at hand serves on */
export function followKeyEncryptionKey(folder: string, diagnostics: Diagnostics): Promise<Followed<KeyEncryptionKey>> {
  return follow(
    'the key-encryption key',
    () => keyEncryptionKeyChanged(folder),
    async () => readKeyEncryptionKey(folder),
    ({ id }) => ({ key: id.toString('hex') }),
    diagnostics,
  );
}

async function follow<K>(
  what: string,
  changed: () => string,
  read: () => Promise<K>,
  named: (keys: K) => Readonly<Record<string, string>>,
  diagnostics: Diagnostics,
): Promise<Followed<K>> {
  let seen = changed(); // before they are read: a change in between is seen later
  let keys = await read();
  const timer = setInterval(async () => {
    try {
      const now = changed();
      if (now === seen) return;
      keys = await read();
      seen = now;
      diagnostics.info(named(keys), `${what}: read again`);
    } catch (error) {
      diagnostics.warn(describeError(error), `${what} could not be read again; what is at hand serves on`);
    }
  }, LOOK_MS);
  timer.unref();
  return { current: () => keys, stop: () => clearInterval(timer) };
}
