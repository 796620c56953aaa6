import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parisDay } from '../clock.ts';
import { readCollectingConfig, readDefaultThresholds, readStorageConfig, type StorageConfig } from '../config.ts';
import { destroyPseudonyms } from '../destroy-pseudonyms.ts';
import { SetupError } from '../errors.ts';
import { LiveFold } from '../log/live-fold.ts';
import { type Writing, withRegister } from '../log-writer.ts';
import { closePetition } from '../petitions/close-petition.ts';
import { openPetition } from '../petitions/open-petition.ts';
import { lastDay, statusOf } from '../petitions/petition.ts';
import { parsePetitionFile } from '../petitions/petition-file.ts';
import { readKeys } from '../storage/key-folder.ts';
import { openStorage, type Storage } from '../storage/open.ts';

const clock = () => new Date();
export const USAGE =
  'Usage: paraphe petition open <file> | close <slug> | list [--json] | destroy-pseudonyms <slug> [--backup <file>]';

/** `paraphe petition …`: works on the data folder, also beside a serving gateway, which then writes the entry. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean', default: false }, backup: { type: 'string' } },
    allowPositionals: true,
  });
  const [act, subject, ...rest] = positionals;
  if (rest.length > 0) throw new SetupError(USAGE);
  const config = readStorageConfig();
  if (act === 'open' && subject !== undefined) await withRegister(config, clock, (writing) => open(writing, subject));
  else if (act === 'close' && subject !== undefined)
    await withRegister(config, clock, (writing) => close(writing, subject));
  else if (act === 'list' && subject === undefined) await list(config, values.json);
  else if (act === 'destroy-pseudonyms' && subject !== undefined) await destroy(config, subject, values.backup);
  else throw new SetupError(USAGE);
  return 0;
}

async function open({ register }: Writing, path: string): Promise<void> {
  const file = parsePetitionFile(read(path), path);
  const { keyEncryptionKey } = readKeys(readStorageConfig().keysDir);
  const collecting = readCollectingConfig(file.acr);
  const stated = { ...file, thresholds: file.thresholds ?? readDefaultThresholds() };
  const petition = await openPetition({ register, keyEncryptionKey, clock }, stated, collecting);
  console.log(`Opened ${petition.slug} (${petition.id}), entry ${petition.entry} of the log.`);
  console.log('Its statement and rules are frozen from now on.');
}

async function close({ storage, register }: Writing, slug: string): Promise<void> {
  if ((await storage.petitions.findBySlug(slug)) === undefined) throw new SetupError(`There is no petition ${slug}.`);
  const { result, count } = await closePetition({ petitions: storage.petitions, register }, slug);
  console.log(`${slug} ${result === 'closed' ? 'is closed' : 'was closed already'}, with ${count} signatures.`);
}

async function destroy(config: StorageConfig, slug: string, backup: string | undefined): Promise<void> {
  const progress = 'A new key-encryption key takes the place of the one before: eight seconds.';
  const { result, day } = await destroyPseudonyms(config, slug, {
    backup,
    reached: (step) => step === 'announced' && console.error(progress),
  });
  if (result === 'already-destroyed') {
    console.log(
      `The pseudonym key of ${slug} was destroyed on ${day}.${backup === undefined ? '' : ' No backup was taken.'}`,
    );
    return;
  }
  console.log(
    `The pseudonym key of ${slug} is destroyed, and the log says so (${day}). Its signatures count as before.`,
  );
  console.log(
    `Copy ${config.keysDir} anew, to other machines too, and destroy every earlier copy of it: one of them and an`,
  );
  console.log('earlier backup of the data still hold the key that is destroyed here.');
  if (backup === undefined)
    console.log('Take a backup of the data now: with those of before, no petition can be signed.');
  else console.log(`${backup} is the backup from now on: with those of before, no petition can be signed.`);
}

async function list(config: StorageConfig, json: boolean): Promise<void> {
  const storage = await openStorage(config);
  try {
    await print(storage, json);
  } finally {
    await storage.close();
  }
}

async function print(storage: Storage, json: boolean): Promise<void> {
  const fold = await LiveFold.ofStored(storage.log);
  const rows = (await storage.petitions.list()).map((petition) => ({
    slug: petition.slug,
    id: petition.id,
    status: statusOf(petition, parisDay(clock())),
    opened: petition.opened,
    last_day: lastDay(petition) ?? null,
    signatures: fold.total(petition.id),
  }));
  if (json) return console.log(JSON.stringify(rows, null, 2));
  if (rows.length === 0) console.log('No petition is open: open one with `paraphe petition open <file>`.');
  for (const { slug, status, signatures, opened, last_day: last } of rows) {
    console.log(`${slug}  ${status}  ${signatures} signatures  from ${opened}${last === null ? '' : ` to ${last}`}`);
  }
}

function read(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw new SetupError(`Cannot read ${path}: ${error instanceof TypeError ? 'it is not UTF-8' : String(error)}`);
  }
}
