/**
 * The published log as files, below a folder: what any web server can serve (c2sp.org/tlog-tiles), and what is needed to
 * recount when the gateway is gone. The checkpoint is written last: a folder that was left half-way has the earlier one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from '../errors.ts';
import { allTiles, TILE_WIDTH, tilePath } from '../tlog/tile.ts';
import type { LogFiles } from './ports.ts';
import type { LogReader } from './reader.ts';

/** @returns how many files were written @throws SetupError when the folder holds another log, or something else */
export async function exportLog(
  reader: LogReader,
  files: LogFiles,
  folder: string,
  progress: (done: number, size: number) => void = () => {},
): Promise<number> {
  const { checkpoint, size } = reader.published;
  if (checkpoint === undefined) throw new SetupError('Nothing is published yet: start the gateway first.');
  const place = new Place(folder, reader.vkey);
  for (const tile of allTiles(size)) {
    const path = tilePath(tile);
    if (tile.width === TILE_WIDTH && place.has(path)) continue;
    place.write(path, required(await reader.tile(path), path));
    if (tile.level === 'entries') progress(Math.min((tile.index + 1) * TILE_WIDTH, size), size);
  }
  for (let from = 0; from < size; from += TILE_WIDTH) {
    for (const { entry } of await files.entries(from, Math.min(from + TILE_WIDTH, size))) {
      if (entry.kind === 'petition-opened')
        await copy(place, 'statements', entry.statement, (of) => reader.statement(of));
      if (entry.kind === 'identity-keys') await copy(place, 'jwks', entry.jwks, (of) => reader.jwks(of));
    }
  }
  place.write('checkpoint', checkpoint);
  place.removeOtherPartials(size);
  return place.written;
}

async function copy(
  place: Place,
  folder: string,
  hex: string,
  read: (hash: Uint8Array) => Promise<Uint8Array | undefined>,
): Promise<void> {
  const path = `${folder}/${hex}`;
  if (!place.has(path)) place.write(path, required(await read(Buffer.from(hex, 'hex')), path));
}

function required(bytes: Uint8Array | undefined, path: string): Uint8Array {
  if (bytes === undefined) throw new SetupError(`${path} is missing: run \`paraphe fsck\`.`);
  return bytes;
}

class Place {
  readonly #log: string;
  written = 0;

  constructor(folder: string, vkey: string) {
    this.#log = join(folder, 'log');
    const known = this.has('vkey') ? readFileSync(join(this.#log, 'vkey'), 'utf8').trim() : undefined;
    if (known === undefined && existsSync(folder) && readdirSync(folder).length > 0) {
      throw new SetupError(`${folder} holds something else than an exported log: name an empty folder.`);
    }
    if (known !== undefined && known !== vkey) throw new SetupError(`${folder} holds another log (${known}).`);
    this.write('vkey', `${vkey}\n`);
  }

  has(path: string): boolean {
    return existsSync(join(this.#log, path));
  }

  write(path: string, content: string | Uint8Array): void {
    const file = join(this.#log, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, content, { flush: true });
    renameSync(`${file}.new`, file);
    this.written++;
  }

  /** An export holds only the partial tiles of its own checkpoint. */
  removeOtherPartials(size: number): void {
    const own = new Set([...allTiles(size)].filter(({ width }) => width < TILE_WIDTH).map(tilePath));
    const tiles = join(this.#log, 'tile');
    if (!existsSync(tiles)) return;
    for (const path of readdirSync(tiles, { recursive: true, encoding: 'utf8' })) {
      const isPartial = /\.p\/[0-9]+$/.test(path);
      if (isPartial && !own.has(`tile/${path}`)) rmSync(join(tiles, path));
    }
  }
}
