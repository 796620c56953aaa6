/** A log in a folder: an export or a mirror. Read only. */
import { closeSync, openSync, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TILE_WIDTH, type Tile } from '../../tlog/tile.ts';
import type { BundleFiles } from '../batch.ts';
import { cutTile, logPath, missing, type Source } from '../source.ts';

export function folderSource(folder: string): Source {
  return { read: (path) => readFile(join(folder, path)).catch(ifAbsent) };
}

/**
 * Reads bundles and their tiles one after another, at once (a thread that hashes has nothing else to do) and into the same
 * memory each time: a log of ten million entries has 80,000 such files, and as many buffers would wait for the collector.
 */
export class BundleReader {
  readonly #folder: string;
  readonly #bundle = new FileReader();
  readonly #tile = new FileReader();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns bytes that the next call overwrites @throws Difference `missing` */
  read(bundle: Tile): BundleFiles {
    return { bundle: this.#read(this.#bundle, bundle), tile: this.#read(this.#tile, { ...bundle, level: 0 }) };
  }

  #read(reader: FileReader, tile: Tile): Uint8Array {
    const exact = reader.read(join(this.#folder, logPath(tile)));
    if (exact !== undefined) return exact;
    const isPartial = tile.width < TILE_WIDTH;
    const full = isPartial ? reader.read(join(this.#folder, logPath({ ...tile, width: TILE_WIDTH }))) : undefined;
    if (full === undefined) throw missing(logPath(tile));
    return cutTile(full, tile);
  }
}

class FileReader {
  #memory = new Uint8Array(1 << 17);

  read(path: string): Uint8Array | undefined {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      return ifAbsent(error);
    }
    try {
      let length = 0;
      for (;;) {
        const read = readSync(file, this.#memory, length, this.#memory.length - length, null);
        length += read;
        if (length < this.#memory.length) return this.#memory.subarray(0, length);
        const wider = new Uint8Array(2 * length);
        wider.set(this.#memory);
        this.#memory = wider;
      }
    } catch (error) {
      return ifAbsent(error);
    } finally {
      closeSync(file);
    }
  }
}

/** A folder in a file's place is as absent as nothing. */
function ifAbsent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String(error.code))) return;
  throw error;
}
