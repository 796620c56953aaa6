/**
 * A copy of a log in a folder, with the paths of an export: it can itself be audited, served or handed on. It is also what
 * an audit remembers: `log/vkey` is the key that was trusted first, `log/checkpoint` the last one that was proven. A file is
 * written beside and renamed, so an interrupted copy goes on where it stopped; a tile is believed by nobody until a
 * recount has derived it.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSignedCheckpoint } from '../../tlog/checkpoint.ts';
import { allTiles, partialTiles, TILE_WIDTH, type Tile } from '../../tlog/tile.ts';
import type { DifferenceFound } from '../difference.ts';
import { logPath, readTileFile, type Source } from '../source.ts';
import { folderSource } from './folder.ts';

const PARALLEL = 16;
const CHECKPOINT = 'log/checkpoint';
const VKEY = 'log/vkey';

export class Mirror {
  readonly folder: string;
  readonly files: Source;

  constructor(folder: string) {
    this.folder = folder;
    this.files = folderSource(folder);
  }

  /** The verifier key of its log. */
  get vkey(): string | undefined {
    return this.#find(VKEY)?.toString('utf8').trim();
  }

  /** The last checkpoint that was proven, signed. */
  get remembered(): Uint8Array | undefined {
    return this.#find(CHECKPOINT);
  }

  /** Brings what a log of that size has and the mirror lacks. @throws Difference `missing`, Unreachable */
  async fetch(source: Source, size: number, progress: (done: number, all: number) => void): Promise<void> {
    const tiles = allTiles(size);
    const all = countTiles(size);
    let done = 0;
    const work = async () => {
      // One generator for all: each takes the next tile, and a log that claims to be endless costs no memory.
      for (const tile of tiles) {
        const path = logPath(tile);
        if (!existsSync(this.#at(path))) {
          this.#write(path, await readTileFile(source, tile));
          progress(done, all);
        }
        done++;
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
  }

  /** Keeps a file whose content was proven. */
  async keep(path: string, bytes: Uint8Array): Promise<void> {
    if (!existsSync(this.#at(path))) this.#write(path, bytes);
  }

  /** Remembers a checkpoint that was proven, and drops the partial tiles that only the one before it needed. */
  accept(checkpoint: Uint8Array, vkey: string): void {
    const before = this.remembered;
    if (this.vkey === undefined) this.#write(VKEY, Buffer.from(`${vkey}\n`));
    this.#write(CHECKPOINT, checkpoint);
    if (before === undefined) return;
    const needed = new Set(edgeOf(checkpoint).map(logPath));
    for (const path of edgeOf(before).map(logPath)) if (!needed.has(path)) rmSync(this.#at(path), { force: true });
  }

  /**
   * Keeps what contradicts the log, in a folder of its own, and takes files that were refused out of the mirror, so that the
   * next audit asks for them again.
   * @returns the folder
   */
  keepEvidence(found: DifferenceFound, checkpoint: Uint8Array | undefined): string {
    const { remembered } = this;
    const name = `${found.code}-${randomUUID().slice(0, 8)}`;
    const folder = join(this.folder, 'evidence', name);
    const keep = (path: string, bytes: Uint8Array) => this.#write(join('evidence', name, path), bytes);
    keep('difference.json', Buffer.from(`${JSON.stringify(found, null, 2)}\n`));
    if (checkpoint !== undefined) keep('checkpoint', checkpoint);
    if (remembered !== undefined) keep('checkpoint-remembered', remembered);
    for (const path of refused(found)) {
      const bytes = this.#find(path);
      if (bytes === undefined) continue;
      keep(path, bytes);
      rmSync(this.#at(path));
    }
    return folder;
  }

  #find(path: string): Buffer | undefined {
    return existsSync(this.#at(path)) ? readFileSync(this.#at(path)) : undefined;
  }

  #write(path: string, bytes: Uint8Array): void {
    const target = this.#at(path);
    mkdirSync(dirname(target), { recursive: true });
    const beside = `${target}.${randomUUID()}.tmp`;
    writeFileSync(beside, bytes);
    renameSync(beside, target);
  }

  #at(path: string): string {
    return join(this.folder, path);
  }
}

/** A tile and its bundle contradict each other: either may be wrong. */
function refused({ code, where }: DifferenceFound): readonly string[] {
  if (code !== 'tile' && code !== 'bundle') return [];
  return [where, where.replace('log/tile/0/', 'log/tile/entries/'), where.replace('log/tile/entries/', 'log/tile/0/')];
}

function countTiles(size: number): number {
  let count = Math.ceil(size / TILE_WIDTH);
  for (let hashes = size; hashes > 0; hashes = Math.floor(hashes / TILE_WIDTH)) count += Math.ceil(hashes / TILE_WIDTH);
  return count;
}

function edgeOf(checkpoint: Uint8Array): readonly Tile[] {
  const tiles = partialTiles(parseSignedCheckpoint(checkpoint).checkpoint.size);
  return tiles.flatMap((tile) => (tile.level === 0 ? [tile, { ...tile, level: 'entries' as const }] : [tile]));
}
