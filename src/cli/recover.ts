import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import type { KeyEncryptionKey } from '../key-encryption.ts';
import type { Mirror } from '../log/recover-log.ts';
import { recoverLog } from '../log/recover-log.ts';
import { openLogWriter } from '../log-writer.ts';
import { findLostSecrets, forgetSecrets } from '../lost-secrets.ts';
import { readKeys } from '../storage/key-folder.ts';
import { holdWriter, openLock, openStorage, type Storage } from '../storage/open.ts';
import { Progress } from './progress.ts';

export const USAGE = 'Usage: paraphe recover --mirror <folder> [--forget-lost-keys]';

const clock = () => new Date();

/** `paraphe recover --mirror <folder>`: brings a restored backup forward with the public entries that it lacks. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { mirror: { type: 'string' }, 'forget-lost-keys': { type: 'boolean', default: false } },
  });
  if (values.mirror === undefined) throw new SetupError(USAGE);
  const place = readStorageConfig();
  const { logKey: key, keyEncryptionKey } = readKeys(place.keysDir);
  const storage = await openStorage(place);
  const progress = new Progress();
  const show = (done: number, size: number) => progress.show('entries', done, size);
  try {
    const writer = await holdWriter(place, () => {}); // what is written rests on the log's size
    const lock = await openLock(place);
    const { from, to, signatures, petitions } = await recoverLog({
      store: storage.log,
      lock,
      key,
      clock,
      epoch: writer.epoch,
      mirror: folderMirror(values.mirror),
      progress: show,
    }).finally(async () => {
      progress.end();
      await lock.close();
      await writer.release();
    });
    const { sequencer, close } = await openLogWriter({ place, storage, key, clock });
    await close();
    console.log(`The data had ${from} entries and have ${to}: ${to - from} came from the mirror.`);
    if (signatures > 0) console.log(`Evidence that was kept for ${signatures} signatures since the backup is lost.`);
    for (const id of petitions) {
      console.log(
        `Petition ${id} was opened after the backup: its pseudonym key is lost, nobody can sign it or withdraw any more. Its address is /petitions/${id} now: close it.`,
      );
    }
    await tellLost(storage, keyEncryptionKey, values['forget-lost-keys']);
    console.log(`The log goes on from entry ${sequencer.sealed.size}. What was not published yet is in no mirror.`);
    return 0;
  } finally {
    await storage.close();
  }
}

/** Secrets of a backup from before the key-encryption key was replaced. */
async function tellLost(storage: Storage, key: KeyEncryptionKey, forgets: boolean): Promise<void> {
  const lost = await findLostSecrets(storage, key);
  for (const slug of lost.petitions.values()) console.log(`Petition ${slug}: no key in KEYS_DIR opens its secret.`);
  for (const name of lost.sites.values()) console.log(`Site ${name}: no key in KEYS_DIR opens its secrets.`);
  if (forgets) {
    await forgetSecrets(storage, lost, key);
    console.log('Secrets that no key opens are forgotten: close those petitions, and register those sites again.');
  } else if (lost.petitions.size + lost.sites.size > 0) {
    console.log('If those keys are gone for good, the same command with --forget-lost-keys goes on without them.');
  }
}

function folderMirror(folder: string): Mirror {
  return {
    async read(path) {
      try {
        return await readFile(join(folder, 'log', path));
      } catch (error) {
        if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return;
        throw error;
      }
    },
  };
}
