/**
 * c2sp.org/tlog-tiles: a log as static files. A tile is 256 neighbouring hashes of one level (levels are 8 tree levels
 * apart), or the 1 to 255 that exist so far; an entry bundle is the entries under a tile of level 0.
 * Invariants: a hash in a tile is that of a complete subtree; what a path names never changes.
 */
import { Malformed } from './errors.ts';
import { HASH_BYTES } from './merkle.ts';
import { concat } from './text.ts';

export const TILE_WIDTH = 256;
/** Tree levels in a tile. */
export const TILE_HEIGHT = 8;
export const LONGEST_ENTRY = 0xffff;

/** `entries` stands for the bundle under the tile of level 0 of that index. */
export type TileLevel = number | 'entries';
/** `width` is 1 to 256; below 256 the tile is partial. */
export type Tile = { readonly level: TileLevel; readonly index: number; readonly width: number };

/** `tile/<L>/<N>[.p/<W>]`, relative to the log's prefix. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').replace(/\d{3}(?=\d)/g, 'x$&/');
  return `tile/${level}/${groups}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** @throws Malformed `tile-path` for any other spelling: a tile has one path */
export function parseTilePath(path: string): Tile {
  const [, level = '', groups = '', width] = PATH.exec(path) ?? [];
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replace(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  const partial = width === undefined || tile.width < TILE_WIDTH;
  const known = tile.level === 'entries' || tile.level <= 63;
  if (level === '' || !partial || !known || !Number.isSafeInteger(tile.index) || tilePath(tile) !== path) {
    throw new Malformed('tile-path', JSON.stringify(path.slice(0, 100)));
  }
  return tile;
}

/** A tile as wide as it is in a log of that size; `undefined` where there is none yet. */
export function tileAt(level: TileLevel, index: number, size: number): Tile | undefined {
  const hashes = hashesAt(level, size);
  const width = Math.min(hashes - index * TILE_WIDTH, TILE_WIDTH);
  return width > 0 ? { level, index, width } : undefined;
}

/** The partial tiles of a log of that size, level 0 first: its right edge. */
export function partialTiles(size: number): readonly Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    const hashes = hashesAt(level, size);
    const width = hashes % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: Math.floor(hashes / TILE_WIDTH), width });
  }
  return tiles;
}

/** Every tile of a log of that size, level by level, then its bundles. */
export function* allTiles(size: number): Generator<Tile> {
  for (let level = 0; hashesAt(level, size) > 0; level++) yield* tilesOfLevel(level, size);
  yield* tilesOfLevel('entries', size);
}

export function* tilesOfLevel(level: TileLevel, size: number): Generator<Tile> {
  for (let index = 0; index * TILE_WIDTH < hashesAt(level, size); index++) {
    yield { level, index, width: Math.min(hashesAt(level, size) - index * TILE_WIDTH, TILE_WIDTH) };
  }
}

/** The hashes that a level holds in a log of that size: floor(size / 256^level). */
function hashesAt(level: TileLevel, size: number): number {
  return Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
}

/** A tile's hashes, as views on its bytes. @throws Malformed `tile-length` unless there are exactly `width` of them */
export function splitTile(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  if (bytes.length !== width * HASH_BYTES) {
    throw new Malformed('tile-length', `${bytes.length} bytes instead of ${width * HASH_BYTES}`);
  }
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/** Each entry behind its length in two bytes, the higher first. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  return concat(
    ...entries.flatMap((entry) => {
      if (entry.length > LONGEST_ENTRY) throw new RangeError(`an entry of ${entry.length} bytes`);
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

/** A bundle's entries, as views on its bytes. @throws Malformed `bundle` unless there are exactly `width` of them */
export function decodeBundle(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + 2;
    at = start + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
    if (start > bytes.length || at > bytes.length)
      throw new Malformed('bundle', `entry ${entries.length} is cut short`);
    entries.push(bytes.subarray(start, at));
  }
  if (entries.length !== width) throw new Malformed('bundle', `${entries.length} entries instead of ${width}`);
  return entries;
}

/** A narrower bundle, cut from a wider one without touching its entries. */
export function cutBundle(bytes: Uint8Array, width: number): Uint8Array {
  let at = 0;
  for (let entry = 0; entry < width; entry++) {
    if (at + 2 > bytes.length) throw new Malformed('bundle', `fewer than ${width} entries`);
    at += 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  }
  if (at > bytes.length) throw new Malformed('bundle', 'its last entry is cut short');
  return bytes.subarray(0, at);
}
