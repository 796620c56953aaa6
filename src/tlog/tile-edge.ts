/**
 * The growing side of a tiled log: takes leaf hashes, gives the tiles that they change and the new root. Each hash is
 * computed once: what completes a subtree of 256 leaves is also the next hash of the tile above.
 * Restored from the partial tiles alone, so that what a log writes on rests on what it stored, not on what it remembers.
 */
import { Frontier, HASH_BYTES, rootOf, subtreesOf, type TreeHashing } from './merkle.ts';
import { partialTiles, splitTile, TILE_HEIGHT, TILE_WIDTH, type Tile } from './tile.ts';

export type StoredTile = { readonly tile: Tile; readonly bytes: Uint8Array };

type Level = { index: number; width: number; changed: boolean; readonly bytes: Uint8Array };

export class TileEdge {
  readonly #frontier: Frontier;
  readonly #levels: Level[] = [];
  #filled: StoredTile[] = [];

  /**
   * @param partials the bytes of `partialTiles(size)`, in that order
   * @throws Malformed `tile-length` when one has another width. That they are the right bytes, only `root()` can tell.
   */
  constructor(hashing: TreeHashing, size = 0, partials: readonly Uint8Array[] = []) {
    const subtrees: Uint8Array[] = [];
    const tiles = partialTiles(size);
    for (const [i, tile] of tiles.entries()) {
      const hashes = splitTile(partials[i] ?? new Uint8Array(0), tile.width);
      subtrees.unshift(
        ...subtreesOf(0, tile.width).map(({ level, index }) =>
          rootOf(hashing, hashes.slice(index * 2 ** level, (index + 1) * 2 ** level)),
        ),
      );
      const level = this.#level(Number(tile.level));
      Object.assign(level, { index: tile.index, width: tile.width });
      level.bytes.set(partials[i] ?? []);
    }
    for (let level = 0; TILE_WIDTH ** (level + 1) <= size; level++) {
      this.#level(level).index = Math.floor(size / TILE_WIDTH ** (level + 1));
    }
    this.#frontier = new Frontier(hashing, size, subtrees);
  }

  get size(): number {
    return this.#frontier.size;
  }

  root(): Uint8Array {
    return this.#frontier.root();
  }

  /** The complete subtrees that it is made of, the largest first: what a tree that goes on from here begins with. */
  get subtrees(): readonly Uint8Array[] {
    return this.#frontier.subtrees;
  }

  append(leaf: Uint8Array): void {
    this.#frontier.append(leaf, this.#completed);
  }

  /** The tiles that changed since it was last asked, full ones first: each partial one only at its present width. */
  takeChanged(): readonly StoredTile[] {
    const changed = this.#filled;
    this.#filled = [];
    for (const [number, level] of this.#levels.entries()) {
      if (level.changed && level.width > 0) changed.push(storedTile(number, level));
      level.changed = false;
    }
    return changed;
  }

  readonly #completed = (treeLevel: number, hash: Uint8Array): void => {
    if (treeLevel % TILE_HEIGHT !== 0) return;
    const number = treeLevel / TILE_HEIGHT;
    const level = this.#level(number);
    level.bytes.set(hash, level.width * HASH_BYTES);
    level.width++;
    level.changed = true;
    if (level.width === TILE_WIDTH) {
      this.#filled.push(storedTile(number, level));
      level.index++;
      level.width = 0;
    }
  };

  #level(number: number): Level {
    for (let next = this.#levels.length; next <= number; next++) {
      this.#levels.push({ index: 0, width: 0, changed: false, bytes: new Uint8Array(TILE_WIDTH * HASH_BYTES) });
    }
    const level = this.#levels[number];
    if (level === undefined) throw new RangeError(`no level ${number}`);
    return level;
  }
}

function storedTile(level: number, { index, width, bytes }: Level): StoredTile {
  return { tile: { level, index, width }, bytes: bytes.slice(0, width * HASH_BYTES) };
}
