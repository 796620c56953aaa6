import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readStorageConfig, type StorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import type { Mirror } from '../log/recover-log.ts';
import { recoverLog } from '../log/recover-log.ts';
import { openLogWriter } from '../log-writer.ts';
import { findLostSecrets, forgetLostSecrets } from '../lost-secrets.ts';
import { checkOwner } from '../storage/key-encryption-key.ts';
import { readKeys } from '../storage/key-folder.ts';
import { holdKeyFolder, holdWriter, openLock, openStorage, type Storage } from '../storage/open.ts';
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
  checkOwner(place.keysDir);
  const release = holdKeyFolder(place.keysDir); // what no key opens now is not about to be wrapped anew
  return recover(place, values.mirror, values['forget-lost-keys']).finally(release);
}

async function recover(place: StorageConfig, mirror: string, forgets: boolean): Promise<number> {
  const { logKey: key } = readKeys(place.keysDir);
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
      mirror: folderMirror(mirror),
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
    await tellLost(storage, place.keysDir, forgets);
    console.log(`The log goes on from entry ${sequencer.sealed.size}. What was not published yet is in no mirror.`);
    return 0;
  } finally {
    await storage.close();
  }
}

/** Secrets of a backup from before the key-encryption key was replaced. */
async function tellLost(storage: Storage, keysDir: string, forgets: boolean): Promise<void> {
  const lost = await findLostSecrets(storage, keysDir);
  for (const slug of lost.petitions) console.log(`Petition ${slug}: no key in KEYS_DIR opens its secret.`);
  for (const name of lost.sites) console.log(`Site ${name}: no key in KEYS_DIR opens its secret.`);
  if (forgets) {
    await forgetLostSecrets(storage, keysDir);
    console.log('Secrets that no key opens are forgotten: close those petitions, and register those sites again.');
  } else if (lost.petitions.length + lost.sites.length > 0) {
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
