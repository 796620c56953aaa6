import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parisDay } from '../clock.ts';
import { readCollectingConfig, readStorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import { closePetition } from '../petitions/close-petition.ts';
import { openPetition } from '../petitions/open-petition.ts';
import { lastDay, statusOf } from '../petitions/petition.ts';
import { parsePetitionFile } from '../petitions/petition-file.ts';
import { readKeys } from '../storage/key-folder.ts';
import { openStorage, type Storage } from '../storage/open.ts';

const clock = () => new Date();
const USAGE = 'Usage: paraphe petition open <file> | close <slug> | list [--json]';

/** `paraphe petition …`: works on the data folder, also beside a serving gateway. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [act, subject, ...rest] = positionals;
  if (rest.length > 0) throw new SetupError(USAGE);
  if (act === 'open' && subject !== undefined) return withStorage((storage) => open(storage, subject));
  if (act === 'close' && subject !== undefined) return withStorage((storage) => close(storage, subject));
  if (act === 'list' && subject === undefined) return withStorage((storage) => list(storage, values.json));
  throw new SetupError(USAGE);
}

async function withStorage(work: (storage: Storage) => Promise<void>): Promise<number> {
  const storage = openStorage(readStorageConfig());
  try {
    await work(storage);
    return 0;
  } finally {
    storage.close();
  }
}

async function open(storage: Storage, path: string): Promise<void> {
  const file = parsePetitionFile(read(path), path);
  const { keyEncryptionKey } = readKeys(readStorageConfig().keysDir);
  const collecting = readCollectingConfig(file.acr);
  const petition = await openPetition({ ...storage, keyEncryptionKey, clock }, file, collecting);
  console.log(`Opened ${petition.slug} (${petition.id}). Its statement and rules are frozen from now on.`);
}

async function close(storage: Storage, slug: string): Promise<void> {
  if ((await storage.petitions.findBySlug(slug)) === undefined) throw new SetupError(`There is no petition ${slug}.`);
  const { petition, result } = await closePetition(storage, slug, parisDay(clock()));
  const { total } = await storage.signatures.tally(petition.id);
  const words = result === 'closed' ? 'is closed' : 'was closed already';
  console.log(`${slug} ${words}, with ${total} signatures.`);
}

async function list(storage: Storage, json: boolean): Promise<void> {
  const totals = await storage.signatures.totals();
  const rows = (await storage.petitions.list()).map((petition) => ({
    slug: petition.slug,
    id: petition.id,
    status: statusOf(petition, parisDay(clock())),
    opened: petition.opened,
    closes: lastDay(petition) ?? null,
    signatures: totals.get(petition.id) ?? 0,
  }));
  if (json) return console.log(JSON.stringify(rows, null, 2));
  if (rows.length === 0) console.log('No petition is open: open one with `paraphe petition open <file>`.');
  for (const { slug, status, signatures, opened, closes } of rows) {
    console.log(
      `${slug}  ${status}  ${signatures} signatures  from ${opened}${closes === null ? '' : ` to ${closes}`}`,
    );
  }
}

function read(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw new SetupError(`Cannot read ${path}: ${error instanceof TypeError ? 'it is not UTF-8' : String(error)}`);
  }
}
