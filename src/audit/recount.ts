/**
 * A log counted again: every entry folded by the rules, every tile derived from the entries and compared, up to the root.
 * One pass; batches may be read and hashed anywhere, and are folded here in the log's order. It can go on where it
 * stopped: a monitor reads only what is new.
 */
import { type IdentityKeys, parseEntry } from '../log/entry.ts';
import { type Breach, Fold } from '../log/fold.ts';
import { NymTable } from '../log/nym-table.ts';
import { encodeBase64 } from '../tlog/base64.ts';
import { HASH_BYTES, joined, type TreeHashing } from '../tlog/merkle.ts';
import { sameBytes } from '../tlog/text.ts';
import { TILE_WIDTH, tileAt } from '../tlog/tile.ts';
import { type StoredTile, TileEdge } from '../tlog/tile-edge.ts';
import type { Batch, ReadBatches } from './batch.ts';
import { Difference } from './difference.ts';
import { unpack } from './packed-entries.ts';
import { logPath, readTileFile, type Source } from './source.ts';

/** Looks at the fold at sizes of its choice. */
export type Onlooker = {
  /** The next size at which it wants to look; `Infinity` for none. */
  readonly next: number;
  /** @throws Difference */
  look(fold: Fold): void;
};

export type Head = { readonly size: number; readonly root: Uint8Array };

export type Steps = {
  readonly readBatches: ReadBatches;
  /** Where the tiles above level 0 are read. */
  readonly source: Source;
  readonly onlooker: Onlooker;
  readonly progress: (entries: number) => void;
};

export class Recount {
  readonly fold: Fold;
  /** In the log's order. */
  readonly identityKeys: IdentityKeys[] = [];
  /** The head up to which it was counted and proven. */
  head: Head | undefined;
  readonly #hashing: TreeHashing;
  /** The tree above the full bundles: its leaves are their roots, so its level L is the log's level L + 1. */
  readonly #edge: TileEdge;
  readonly #partial = new Map<number, StoredTile>();

  /**
   * @param seed of the table of nyms, unknown to whoever wrote the log
   * @param expected how many entries there will be
   */
  constructor(hashing: TreeHashing, seed: number, expected = 0) {
    this.fold = new Fold(new NymTable(seed, expected));
    this.#hashing = hashing;
    this.#edge = new TileEdge(hashing);
  }

  /**
   * Goes on to a head that is no smaller. The caller proves that it continues `head`: what was counted is not read again.
   * Whoever catches a `Difference` throws the recount away.
   */
  async advance({ size, root }: Head, { readBatches, source, onlooker, progress }: Steps): Promise<void> {
    onlooker.look(this.fold);
    let known = this.fold.size % TILE_WIDTH;
    let last: Uint8Array | undefined;
    for await (const batch of readBatches(size, this.#edge.size)) {
      const from = this.fold.size - known;
      this.#count(batch, known, onlooker);
      last = await this.#derive(batch, from, size, source);
      known = 0;
      progress(this.fold.size);
    }
    for (const tile of this.#partial.values()) await compareTile(source, tile);
    this.#partial.clear();
    const found = last === undefined ? this.#edge.root() : joined(this.#hashing, [...this.#edge.subtrees, last]);
    if (!sameBytes(found, root)) {
      const detail = `the entries lead to root ${encodeBase64(found)}, the checkpoint of size ${size} says ${encodeBase64(root)}`;
      throw new Difference({ code: 'root', where: 'log/checkpoint', detail });
    }
    this.head = { size, root };
  }

  /** @param known how many of its entries were counted before */
  #count({ entries, found }: Batch, known: number, onlooker: Onlooker): void {
    const { fold } = this;
    let skip = known;
    for (const entry of unpack(entries)) {
      if (skip > 0) {
        skip--;
        continue;
      }
      const breach = entry instanceof Uint8Array ? this.#takeBytes(entry) : fold.add(entry);
      if (breach !== undefined) throw broken(breach);
      if (fold.size === onlooker.next) onlooker.look(fold);
    }
    if (found !== undefined) throw new Difference(found);
  }

  #takeBytes(bytes: Uint8Array): Breach | undefined {
    const breach = this.fold.addBytes(bytes);
    if (breach !== undefined) return breach;
    const entry = parseEntry(bytes);
    if (entry.kind === 'identity-keys') this.identityKeys.push(entry);
    return undefined;
  }

  /** @returns the root of the last bundle, if that is not full */
  async #derive({ roots }: Batch, from: number, size: number, source: Source): Promise<Uint8Array | undefined> {
    const full = Math.floor((size - from) / TILE_WIDTH);
    const hashes = Array.from({ length: roots.length / HASH_BYTES }, (_, i) =>
      roots.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    );
    for (const root of hashes.slice(0, full)) this.#edge.append(root);
    await this.#compareFull(source);
    return hashes[full];
  }

  async #compareFull(source: Source): Promise<void> {
    for (const { tile, bytes } of this.#edge.takeChanged()) {
      const level = Number(tile.level) + 1;
      const above = { tile: { ...tile, level }, bytes };
      if (tile.width < TILE_WIDTH) this.#partial.set(level, above);
      else {
        this.#partial.delete(level);
        await compareTile(source, above);
      }
    }
  }
}

async function compareTile(source: Source, { tile, bytes }: StoredTile): Promise<void> {
  const found = await readTileFile(source, tile);
  const where = logPath(tile);
  if (found.length !== bytes.length) {
    throw new Difference({ code: 'tile', where, detail: `${found.length} bytes instead of ${bytes.length}` });
  }
  const at = bytes.findIndex((byte, i) => byte !== found[i]);
  if (at === -1) return;
  const hash = Math.floor(at / HASH_BYTES);
  throw new Difference({ code: 'tile', where, detail: `its hash ${hash} is not that of the tile below it` });
}

function broken({ index, rule, detail }: Breach): Difference {
  const bundle = tileAt('entries', Math.floor(index / TILE_WIDTH), Number.MAX_SAFE_INTEGER);
  const where = bundle === undefined ? 'log' : logPath(bundle);
  return new Difference({ code: 'rule', where, index, detail: `${rule}: ${detail}` });
}
