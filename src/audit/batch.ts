/**
 * The part of a recount that needs no order: a few bundles are parsed and hashed, and the tiles of level 0 above them are
 * derived again from their entries. A tile is never believed: one flipped hash in a full tile would not show in any root
 * that is computed from the tiles above it.
 */
import { Malformed } from '../tlog/errors.ts';
import { HASH_BYTES, rootOf, type TreeHashing } from '../tlog/merkle.ts';
import { decodeBundle, TILE_WIDTH, type Tile, tileAt } from '../tlog/tile.ts';
import { Difference, type DifferenceFound } from './difference.ts';
import { EntryPacker, MOST_ENTRIES, type PackedEntries } from './packed-entries.ts';
import { logPath, readTileFile, type Source } from './source.ts';

export const BUNDLES_IN_BATCH = MOST_ENTRIES / TILE_WIDTH;

export type Batch = {
  /** For each bundle the root over its entries: the hash that stands for it in the tile of level 1, if it is full. */
  readonly roots: Uint8Array<ArrayBuffer>;
  readonly entries: PackedEntries;
  /** What stopped it: everything above comes before that. */
  readonly found: DifferenceFound | undefined;
};

/** The bytes of a bundle, and of the tile of level 0 above it. */
export type BundleFiles = { readonly bundle: Uint8Array; readonly tile: Uint8Array };

/** The batches of a log of that size, from the bundle of that number to its end, in order. */
export type ReadBatches = (size: number, from: number) => AsyncIterable<Batch>;

/** Reads and hashes in the thread that asks: what a browser can do. */
export function readBatchesOf(source: Source, hashing: TreeHashing): ReadBatches {
  return async function* (size, from) {
    for (let first = from; first * TILE_WIDTH < size; first += BUNDLES_IN_BATCH) {
      const files = await Promise.all(
        bundlesOf(size, first).map(async (tile) => {
          const [bundle, hashes] = await Promise.allSettled([
            readTileFile(source, tile),
            readTileFile(source, { ...tile, level: 0 }),
          ]);
          return () => ({ bundle: settled(bundle), tile: settled(hashes) });
        }),
      );
      yield readBatch(hashing, size, first, (i) => files[i]?.() as BundleFiles);
    }
  };
}

/** The bundles of the batch that begins with number `first`. */
export function bundlesOf(size: number, first: number): readonly Tile[] {
  return Array.from({ length: BUNDLES_IN_BATCH }, (_, i) => tileAt('entries', first + i, size)).filter(
    (tile) => tile !== undefined,
  );
}

/** @param filesOf brings the batch's bundle of that number; may throw what `readTileFile` throws */
export function readBatch(
  hashing: TreeHashing,
  size: number,
  first: number,
  filesOf: (i: number) => BundleFiles,
): Batch {
  const bundles = bundlesOf(size, first);
  const roots = new Uint8Array(bundles.length * HASH_BYTES);
  const packer = new EntryPacker();
  let found: DifferenceFound | undefined;
  for (const [i, tile] of bundles.entries()) {
    try {
      roots.set(readBundle(hashing, packer, tile, filesOf(i)), i * HASH_BYTES);
    } catch (error) {
      found = differenceIn(error, tile);
      break;
    }
  }
  return { roots, entries: packer.finish(), found };
}

/** @returns the root over the bundle's entries @throws Difference, Malformed */
function readBundle(
  hashing: TreeHashing,
  packer: EntryPacker,
  { index, width }: Tile,
  { bundle, tile }: BundleFiles,
): Uint8Array {
  const entries = decodeBundle(bundle, width);
  const path = logPath({ level: 0, index, width });
  if (tile.length !== width * HASH_BYTES) {
    const detail = `${tile.length} bytes instead of ${width * HASH_BYTES}`;
    throw new Difference({ code: 'tile', where: path, detail });
  }
  const leaves = entries.map((bytes, i) => {
    const leaf = hashing.leaf(bytes);
    if (!holds(tile, i * HASH_BYTES, leaf)) {
      const entry = index * TILE_WIDTH + i;
      const detail = `its hash ${i} is not that of entry ${entry} in ${logPath({ level: 'entries', index, width })}`;
      throw new Difference({ code: 'tile', where: path, index: entry, detail });
    }
    return leaf;
  });
  packer.add(bundle, entries);
  return rootOf(hashing, leaves);
}

function holds(tile: Uint8Array, at: number, hash: Uint8Array): boolean {
  for (let i = 0; i < HASH_BYTES; i++) if (tile[at + i] !== hash[i]) return false;
  return true;
}

function differenceIn(error: unknown, tile: Tile): DifferenceFound {
  if (error instanceof Difference) return error.found;
  if (!(error instanceof Malformed)) throw error;
  return { code: 'bundle', where: logPath(tile), detail: error.message };
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}
