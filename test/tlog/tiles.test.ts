/** A log as tiles: the specification's formula for each hash of each tile, at the sizes where everything changes. */
import { beforeAll, describe, expect, test } from 'vitest';
import { Malformed } from '../../src/tlog/errors.ts';
import { rootOf } from '../../src/tlog/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../src/tlog/merkle-proof.ts';
import {
  allTiles,
  cutBundle,
  decodeBundle,
  encodeBundle,
  LONGEST_ENTRY,
  parseTilePath,
  partialTiles,
  splitTile,
  TILE_WIDTH,
  type Tile,
  tileAt,
  tilePath,
} from '../../src/tlog/tile.ts';
import { TileEdge } from '../../src/tlog/tile-edge.ts';
import {
  type ReadTile,
  readConsistencyProof,
  readInclusionProof,
  readRoot,
  type TiledTree,
} from '../../src/tlog/tile-reader.ts';
import vectors from '../vectors/tile-paths.json' with { type: 'json' };
import { bytesOf, flipped, hashing, hex } from './crypto.ts';

const SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000] as const;
const LARGEST = 70_000;
const leaves = Array.from({ length: LARGEST }, (_, i) => hashing.leaf(bytesOf(`entry ${i}`)));

/** MTH(D[from : to]) straight from the leaves, each computed once. */
const known = new Map<string, Uint8Array>();
const mth = (from: number, to: number) => {
  const hash = known.get(`${from}-${to}`) ?? rootOf(hashing, leaves.slice(from, to));
  known.set(`${from}-${to}`, hash);
  return hash;
};

/** A store that keeps only the widest of each tile, as a log does, and cuts narrower ones from it. */
function makeStore() {
  const tiles = new Map<string, Uint8Array>();
  const asked: string[] = [];
  const key = ({ level, index }: Tile) => `${level}/${index}`;
  const cut = (tile: Tile) => {
    const bytes = tiles.get(key(tile));
    if (bytes === undefined || bytes.length < tile.width * 32) throw new Error(`no ${tilePath(tile)}`);
    return bytes.subarray(0, tile.width * 32);
  };
  const readTile: ReadTile = async (tile) => {
    asked.push(tilePath(tile));
    return cut(tile);
  };
  const write = (edge: TileEdge) => {
    for (const { tile, bytes } of edge.takeChanged()) tiles.set(key(tile), bytes);
  };
  return { tiles, asked, cut, readTile, write };
}

/** The log at each size: its tiles are copied, since the store only ever holds the latest. */
const at = new Map<number, { root: string; tiles: Map<string, Uint8Array>; edge: readonly Uint8Array[] }>();
const store = makeStore();
const tree = (size: number): TiledTree => ({ hashing, size, readTile: store.readTile });

beforeAll(() => {
  const edge = new TileEdge(hashing);
  for (let size = 0; size <= LARGEST; size++) {
    if ((SIZES as readonly number[]).includes(size)) {
      store.write(edge);
      const root = hex(edge.root());
      at.set(size, { root, tiles: new Map(store.tiles), edge: partialTiles(size).map(store.cut) });
    } else if (size % 1000 === 0) store.write(edge);
    if (size < LARGEST) edge.append(leaves[size]!);
  }
});

describe('the path of a tile', () => {
  test.each(vectors.valid)('$path', ({ path, level, index, width }) => {
    expect(tilePath({ level: level as number | 'entries', index, width })).toBe(path);
    expect(parseTilePath(path)).toEqual({ level, index, width });
  });

  test.each(vectors.invalid)('is never $path: $about', ({ path }) => {
    expect(() => parseTilePath(path)).toThrow(expect.objectContaining({ name: 'Malformed', code: 'tile-path' }));
  });

  test.each(vectors.sizes)('a log of $size has its partial tiles there', ({ size, partial, full }) => {
    expect(partialTiles(size).map(tilePath)).toEqual(partial);
    const tiles = [...allTiles(size)];
    const fullOf = (level: number | 'entries') =>
      tiles.filter((tile) => tile.level === level && tile.width === TILE_WIDTH).length;
    expect(Object.fromEntries(Object.keys(full).map((level) => [level, fullOf(Number(level))]))).toEqual(full);
    expect(tiles.filter(({ level, width }) => level === 'entries' && width < TILE_WIDTH)).toHaveLength(
      size % TILE_WIDTH === 0 ? 0 : 1,
    );
    expect(tiles.every(({ width }) => width >= 1 && width <= TILE_WIDTH)).toBe(true);
  });

  test('no tile is empty, and none lies beyond the log', () => {
    expect(tileAt(0, 1, 256)).toBeUndefined();
    expect(tileAt(1, 0, 255)).toBeUndefined();
    expect(tileAt(1, 0, 256)).toEqual({ level: 1, index: 0, width: 1 });
    expect(tileAt('entries', 0, 3)).toEqual({ level: 'entries', index: 0, width: 3 });
    expect([...allTiles(0)]).toEqual([]);
  });
});

describe.each(SIZES)('a log of %i entries', (size) => {
  test('has in every tile the hashes that the specification’s formula gives', () => {
    const { tiles } = at.get(size)!;
    let checked = 0;
    for (const tile of allTiles(size)) {
      if (tile.level === 'entries') continue;
      const span = TILE_WIDTH ** tile.level;
      const bytes = tiles.get(`${tile.level}/${tile.index}`)!;
      const hashes = splitTile(bytes, tile.width);
      for (const [i, hash] of hashes.entries()) {
        const first = tile.index * TILE_WIDTH + i;
        if (Buffer.compare(hash, mth(first * span, (first + 1) * span)) !== 0)
          throw new Error(`${tilePath(tile)} ${i}`);
      }
      checked++;
    }
    expect(tiles.size).toBe(checked);
  });

  test('has the root of its leaves, also read from its tiles and from its right edge', async () => {
    const { root, edge } = at.get(size)!;
    expect(root).toBe(hex(mth(0, size)));
    expect(hex(await readRoot(tree(LARGEST), size))).toBe(root);
    expect(hex(new TileEdge(hashing, size, edge).root())).toBe(root);
  });

  test('goes on from its right edge as if it had never stopped', () => {
    const edge = new TileEdge(hashing, size, at.get(size)!.edge);
    const next = SIZES[SIZES.indexOf(size) + 1] ?? size;
    const again = makeStore();
    for (const leaf of leaves.slice(size, next)) edge.append(leaf);
    again.write(edge);
    expect(hex(edge.root())).toBe(at.get(next)!.root);
    for (const [key, bytes] of again.tiles) expect(hex(bytes)).toBe(hex(at.get(next)!.tiles.get(key)!));
    expect(edge.takeChanged()).toEqual([]);
  });

  test('proves entries and smaller sizes out of its tiles, each asked for once', async () => {
    const root = mth(0, size);
    const indexes = [0, 1, 254, 255, 256, 257, 65_279, 65_280, 65_535, 65_536, size - 1];
    for (const index of indexes.filter((one) => one >= 0 && one < size)) {
      store.asked.length = 0;
      const proof = await readInclusionProof(tree(size), index);
      expect(new Set(store.asked).size).toBe(store.asked.length);
      expect(store.asked.length).toBeLessThanOrEqual(6);
      verifyInclusion(hashing, { index, leaf: leaves[index]!, size, root, proof });
    }
    for (const oldSize of SIZES.filter((one) => one <= size)) {
      const proof = await readConsistencyProof(tree(size), oldSize);
      verifyConsistency(hashing, { oldSize, oldRoot: mth(0, oldSize), size, root, proof });
    }
  });
});

describe('tiles that lie', () => {
  test('every bit of a right edge is in the root', () => {
    const size = 515;
    const edge = new TileEdge(hashing);
    const small = makeStore();
    for (const leaf of leaves.slice(0, size)) edge.append(leaf);
    small.write(edge);
    const partials = partialTiles(size).map(small.cut);
    expect(partials.map(({ length }) => length)).toEqual([3 * 32, 2 * 32]);
    for (const [which, bytes] of partials.entries()) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const forged = partials.map((one, i) => (i === which ? flipped(one, bit) : one));
        expect(hex(new TileEdge(hashing, size, forged).root())).not.toBe(hex(edge.root()));
      }
    }
  });

  test('a forged tile makes a proof that does not verify', async () => {
    const size = 300;
    const root = mth(0, size);
    const readTile: ReadTile = async (tile) => flipped(store.cut(tile), 8 * 32 * 3);
    const proof = await readInclusionProof({ hashing, size, readTile }, 7);
    expect(() => verifyInclusion(hashing, { index: 7, leaf: leaves[7]!, size, root, proof })).toThrow('inclusion');
  });

  test('a tile of another length is refused', async () => {
    expect(() => splitTile(new Uint8Array(33), 1)).toThrow(Malformed);
    expect(() => new TileEdge(hashing, 3, [new Uint8Array(64)])).toThrow(Malformed);
    expect(() => new TileEdge(hashing, 3, [])).toThrow(Malformed);
    const readTile: ReadTile = async () => new Uint8Array(31);
    await expect(readInclusionProof({ hashing, size: 9, readTile }, 0)).rejects.toMatchObject({ code: 'tile-length' });
    await expect(readRoot({ hashing, size: 9, readTile }, 10)).rejects.toThrow(RangeError);
  });
});

describe('an entry bundle', () => {
  const entries = [new Uint8Array(0), bytesOf('a'), new Uint8Array(256).fill(7), new Uint8Array(LONGEST_ENTRY).fill(9)];

  test('puts each entry behind its length, and gives them back', () => {
    const bundle = encodeBundle(entries);
    expect(hex(bundle.subarray(0, 7))).toBe('00000001610100');
    expect(decodeBundle(bundle, 4).map(hex)).toEqual(entries.map(hex));
    for (let width = 0; width <= 4; width++) {
      expect(hex(cutBundle(bundle, width))).toBe(hex(encodeBundle(entries.slice(0, width))));
    }
  });

  test('with more, fewer or cut entries is refused', () => {
    const bundle = encodeBundle(entries.slice(0, 3));
    for (const width of [0, 2, 4, 256]) expect(() => decodeBundle(bundle, width)).toThrow('bundle');
    for (let length = 1; length < bundle.length; length++) {
      if (length === 2 || length === 5) continue;
      expect(() => decodeBundle(bundle.subarray(0, length), 3)).toThrow('bundle');
      expect(() => cutBundle(bundle.subarray(0, length), 3)).toThrow('bundle');
    }
    expect(() => cutBundle(bundle, 4)).toThrow('bundle');
    expect(() => encodeBundle([new Uint8Array(LONGEST_ENTRY + 1)])).toThrow(RangeError);
  });
});
