/**
 * Where a log stands, read from storage and proven before anything is written: the right edge from what lies below it, the
 * lock's checkpoint as a beginning of the data, and what is published likewise. Whoever cannot prove it signs nothing.
 */
import { SetupError } from '../errors.ts';
import { hashing } from '../node-crypto.ts';
import { formatCheckpoint, openCheckpoint } from '../tlog/checkpoint.ts';
import { Malformed, Unproven } from '../tlog/errors.ts';
import { rootOf } from '../tlog/merkle.ts';
import { formatNote, signNote } from '../tlog/note.ts';
import { concat, sameBytes, utf8 } from '../tlog/text.ts';
import { partialTiles, splitTile, TILE_WIDTH, type Tile } from '../tlog/tile.ts';
import { TileEdge } from '../tlog/tile-edge.ts';
import { readRoot } from '../tlog/tile-reader.ts';
import { encodeEntry } from './entry.ts';
import type { LogKey } from './log-key.ts';
import type { Act, Head, LogLock, LogState, LogStore } from './ports.ts';

/** A head that the log has signed and that is in the lock. */
export type Sealed = Head & { readonly checkpoint: string };

export type Standing = {
  readonly state: LogState;
  /** What the next write grows from. */
  readonly edge: TileEdge;
  /** How far the log was signed: less than `state` after a crash between the commit and the lock. */
  readonly locked: Sealed;
  /** How far it is published; 0 where nothing is. */
  readonly published: number;
};

export type StandingDependencies = {
  readonly store: LogStore<Act, unknown>;
  readonly lock: LogLock;
  readonly key: LogKey;
};

/**
 * Reads it, and creates the log in storage where it was begun and not created yet.
 * @throws SetupError when the data are older than the lock, disagree with it or with themselves, or belong to another key
 */
export async function readStanding(deps: StandingDependencies): Promise<Standing> {
  const state = (await deps.store.state()) ?? (await create(deps));
  checkName(deps.key, state);
  const data = new Data(deps, state);
  return { state, edge: await data.readEdge(), locked: await data.readLock(), published: await data.readPublished() };
}

/** Rows that a disk or a hand has changed may be nothing that can be read at all. @throws SetupError in place of that */
export async function orDamaged<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const isUnreadable = error instanceof RangeError || error instanceof SyntaxError || error instanceof Malformed;
    throw isUnreadable ? disagreement(error.message) : error;
  }
}

/** The checkpoint of a head, signed by the log alone. */
export async function signHead({ origin, signer }: LogKey, head: Head): Promise<string> {
  return formatNote(await signNote(formatCheckpoint({ origin, ...head }), [signer]));
}

/**
 * Begins the log of a key that was just made: the lock holds its empty checkpoint before anything is recorded, so that a
 * lock that is missing later is never taken for a log that is new.
 */
export async function beginLog(lock: LogLock, key: LogKey): Promise<void> {
  if (await lock.swap(undefined, await signHead(key, { size: 0, root: hashing.empty }))) return;
  throw new SetupError('There is a lock of another log already: begin in an empty DATA_DIR.');
}

async function create({ store, key }: StandingDependencies): Promise<LogState> {
  await store.create({ origin: key.origin, vkey: key.vkey, root: hashing.empty });
  const state = await store.state();
  if (state === undefined) throw new RangeError('storage lost the log that it created');
  return state;
}

function checkName(key: LogKey, { origin, vkey }: LogState): void {
  if (vkey === key.vkey) return;
  throw new SetupError(
    `The data are those of the log ${origin} (${vkey}), and KEYS_DIR holds the key of ${key.origin} (${key.vkey}): bring the two together that belong together.`,
  );
}

class Data {
  readonly #deps: StandingDependencies;
  readonly #state: LogState;

  constructor(deps: StandingDependencies, state: LogState) {
    this.#deps = deps;
    this.#state = state;
  }

  /** The right edge, recomputed from what lies below it. */
  async readEdge(): Promise<TileEdge> {
    const { size, root } = this.#state;
    const partials: Uint8Array[] = [];
    for (const tile of partialTiles(size)) {
      const stored = await this.#readTile(tile);
      if (!sameBytes(stored, concat(...(await this.#hashesBelow(tile))))) {
        throw disagreement(`tile ${tile.level}/${tile.index} is not what lies below it`);
      }
      partials.push(stored);
    }
    const edge = new TileEdge(hashing, size, partials);
    if (!sameBytes(edge.root(), root)) throw disagreement('the tiles lead to another root than the stored one');
    const behind = await this.#deps.store.entries(size, size + 1);
    if (behind.length > 0) throw disagreement('there are entries behind the head');
    return edge;
  }

  /** @throws SetupError unless the lock's checkpoint is ours and a beginning of the data */
  async readLock(): Promise<Sealed> {
    const { size } = this.#state;
    const checkpoint = await this.#deps.lock.read();
    if (checkpoint === undefined) {
      throw new SetupError(
        `The data hold a log of ${size} entries and the lock is missing, as on a new disk: nobody knows how far this log was signed. Bring it forward from a mirror with \`paraphe recover --mirror <folder>\`.`,
      );
    }
    const locked = await this.#open(checkpoint, 'lock');
    if (locked.size > size) {
      throw new SetupError(
        `The data end at entry ${size} and the log has signed ${locked.size}: they are older than the lock, as after restoring a backup. Signing on would fork the log. Bring it forward with \`paraphe recover --mirror <folder>\`.`,
      );
    }
    await this.#checkBeginning(locked, 'the lock');
    return { ...locked, checkpoint };
  }

  async readPublished(): Promise<number> {
    const { publication } = this.#state;
    if (publication === undefined) return 0;
    const published = await this.#open(publication.checkpoint, 'publication');
    await this.#checkBeginning(published, 'what is published');
    return published.size;
  }

  async #hashesBelow({ level, index, width }: Tile): Promise<readonly Uint8Array[]> {
    const first = index * TILE_WIDTH;
    if (level === 0) {
      const entries = await this.#deps.store.entries(first, first + width);
      return entries.map(({ entry }) => hashing.leaf(encodeEntry(entry)));
    }
    const hashes: Uint8Array[] = [];
    for (let i = first; i < first + width; i++) {
      const tile = await this.#readTile({ level: Number(level) - 1, index: i, width: TILE_WIDTH });
      hashes.push(rootOf(hashing, splitTile(tile, TILE_WIDTH)));
    }
    return hashes;
  }

  async #open(checkpoint: string, where: string): Promise<Head> {
    try {
      const { key } = this.#deps;
      return (await openCheckpoint(utf8(checkpoint), key.origin, [key.verifier])).checkpoint;
    } catch (error) {
      if (!(error instanceof Malformed || error instanceof Unproven)) throw error;
      throw disagreement(`the ${where} holds no checkpoint of this log (${error.message})`);
    }
  }

  async #checkBeginning({ size, root }: Head, where: string): Promise<void> {
    const tree = { hashing, size: this.#state.size, readTile: (tile: Tile) => this.#readTile(tile) };
    if (size <= this.#state.size && sameBytes(await readRoot(tree, size), root)) return;
    throw disagreement(`${where} has signed another log of ${size} entries`);
  }

  async #readTile({ level, index, width }: Tile): Promise<Uint8Array> {
    const stored = await this.#deps.store.tile(Number(level), index);
    if (stored === undefined || stored.length < width * 32) throw disagreement(`tile ${level}/${index} is missing`);
    return stored.subarray(0, width * 32);
  }
}

function disagreement(what: string): SetupError {
  return new SetupError(`The log is damaged: ${what}. Run \`paraphe fsck\`; nothing is signed meanwhile.`);
}
