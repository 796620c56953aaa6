/**
 * Hashes and proofs out of tiles, wherever these are. Nothing here is verified: a tile is whatever the reader brings, and
 * only `verifyInclusion` or `verifyConsistency` against a signed root makes a proof worth anything.
 */
import { rootOf, type Subtree, type TreeHashing } from './merkle.ts';
import { carryOut, type ProofPlan, planConsistency, planInclusion, planRoot } from './merkle-proof.ts';
import { splitTile, TILE_HEIGHT, TILE_WIDTH, type Tile, tileAt, tilePath } from './tile.ts';

/** Brings a tile of exactly that width: one who finds only a wider one cuts it. */
export type ReadTile = (tile: Tile) => Promise<Uint8Array>;

export type TiledTree = { readonly hashing: TreeHashing; readonly size: number; readonly readTile: ReadTile };

export async function readInclusionProof(tree: TiledTree, index: number): Promise<readonly Uint8Array[]> {
  return readPlan(tree, planInclusion(index, tree.size));
}

export async function readConsistencyProof(tree: TiledTree, oldSize: number): Promise<readonly Uint8Array[]> {
  return readPlan(tree, planConsistency(oldSize, tree.size));
}

/** The root of the tree's first `size` leaves. */
export async function readRoot(tree: TiledTree, size = tree.size): Promise<Uint8Array> {
  const [root = tree.hashing.empty] = await readPlan(tree, planRoot(size));
  return root;
}

/** Carries out a plan; each tile is asked for once, all at the same time. */
export async function readPlan(tree: TiledTree, plan: ProofPlan): Promise<readonly Uint8Array[]> {
  const tiles = new Map<string, Promise<readonly Uint8Array[]>>();
  const read = (tile: Tile) => {
    const path = tilePath(tile);
    const known = tiles.get(path) ?? tree.readTile(tile).then((bytes) => splitTile(bytes, tile.width));
    tiles.set(path, known);
    return known;
  };
  const hashes = await Promise.all(plan.flat().map((subtree) => readSubtree(tree, subtree, read)));
  return carryOut(tree.hashing, plan, hashes);
}

async function readSubtree(
  { hashing, size }: TiledTree,
  { level, index }: Subtree,
  read: (tile: Tile) => Promise<readonly Uint8Array[]>,
): Promise<Uint8Array> {
  const count = 2 ** (level % TILE_HEIGHT);
  const first = index * count;
  const tile = tileAt(Math.floor(level / TILE_HEIGHT), Math.floor(first / TILE_WIDTH), size);
  const offset = first % TILE_WIDTH;
  if (tile === undefined || offset + count > tile.width) throw new RangeError(`no such subtree among ${size} leaves`);
  return rootOf(hashing, (await read(tile)).slice(offset, offset + count));
}
