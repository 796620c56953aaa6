/**
 * The log recomputed from its rows, all of it: rows against leaves, leaves against tiles, tiles against every head that was
 * signed, entries against the rules, and what is remembered against what is computed. One pass in the log's order, so that
 * the first thing that is wrong is the one that is named.
 */

import { hashing, sha256, verifyEd25519 } from '../node-crypto.ts';
import { openCheckpoint } from '../tlog/checkpoint.ts';
import { Malformed, Unproven } from '../tlog/errors.ts';
import { HASH_BYTES } from '../tlog/merkle.ts';
import { ed25519Verifier, parseVerifierKey } from '../tlog/note.ts';
import { sameBytes, utf8 } from '../tlog/text.ts';
import { TILE_WIDTH } from '../tlog/tile.ts';
import { type StoredTile, TileEdge } from '../tlog/tile-edge.ts';
import { encodeEntry } from './entry.ts';
import { Fold, type FoldSnapshot } from './fold.ts';
import { NymTable } from './nym-table.ts';
import type { Act, Head, LoggedEntry, LogState, LogStore } from './ports.ts';

export type LogCheck = {
  readonly size: number;
  /** What is wrong, in words; empty when the log is whole. */
  readonly problems: readonly string[];
  /** The fold of all entries, if none breaks a rule. */
  readonly fold: FoldSnapshot | undefined;
};

export type CheckOptions = {
  /** The lock's checkpoint, where it can be read. */
  readonly locked?: string | undefined;
  /** Figures that someone serves, to be compared at their size. */
  readonly figures?: FoldSnapshot | undefined;
  readonly progress?: ((done: number, size: number) => void) | undefined;
};

const PORTION = 4096;
/** Behind the first problem, a few more may tell whether it is one row or the whole disk. */
const MOST = 10;

type Files = Pick<LogStore<Act, unknown>, 'state' | 'entries' | 'tile'>;

/** @param log storage that nobody needs to stop writing to: what is appended meanwhile is not looked at */
export async function checkLog(log: Files, options: CheckOptions = {}): Promise<LogCheck> {
  const state = await log.state();
  if (state === undefined) return { size: 0, problems: [], fold: undefined };
  const check = new Check(log, state, options);
  await check.run();
  return { size: state.size, problems: check.problems, fold: check.fold };
}

class Check {
  readonly problems: string[] = [];
  readonly #log: Files;
  readonly #state: LogState;
  readonly #options: CheckOptions;
  readonly #edge = new TileEdge(hashing);
  readonly #nyms = new NymTable();
  readonly #fold = new Fold(this.#nyms);
  readonly #heads = new Map<number, { where: string; root: Uint8Array }[]>();
  /** Of each level, the partial tile as it was when it last changed: only the last ones are in the data. */
  readonly #partials = new Map<number, StoredTile>();
  #isBroken = false;

  constructor(log: Files, state: LogState, options: CheckOptions) {
    this.#log = log;
    this.#state = state;
    this.#options = options;
  }

  get fold(): FoldSnapshot | undefined {
    return this.#isBroken ? undefined : this.#fold.snapshot();
  }

  async run(): Promise<void> {
    const { size, publication } = this.#state;
    this.#expect('the head', this.#state);
    if (publication !== undefined) await this.#expectSigned('what is published', publication.checkpoint);
    if (this.#options.locked !== undefined) await this.#expectSigned('the lock', this.#options.locked);
    this.#compareHeads();
    for (let from = 0; from < size && this.problems.length < MOST; from += TILE_WIDTH) {
      if (from % PORTION === 0) this.#options.progress?.(from, size);
      await this.#checkBundle(from, Math.min(from + TILE_WIDTH, size));
    }
    if (this.problems.length >= MOST) return;
    await this.#checkTiles();
    for (const partial of this.#partials.values()) await this.#checkTile(partial);
    this.#options.progress?.(size, size);
  }

  async #checkBundle(from: number, to: number): Promise<void> {
    const index = from / TILE_WIDTH;
    const [entries, stored] = await Promise.all([this.#readEntries(from, to), this.#log.tile(0, index)]);
    const hashes = stored ?? new Uint8Array(0);
    if (stored === undefined) this.#wrong(`tile 0/${index} is missing`);
    else if (hashes.length < (to - from) * HASH_BYTES || hashes.length % HASH_BYTES !== 0) {
      this.#wrong(`tile 0/${index} has ${hashes.length} bytes`);
    }
    for (let i = 0; from + i < to; i++) {
      const expected = hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
      const leaf = this.#checkEntry(from + i, entries[i], expected);
      this.#edge.append(leaf ?? (expected.length === HASH_BYTES ? expected : hashing.empty));
      if (this.#heads.has(from + i + 1)) this.#compareHeads();
      if (this.problems.length >= MOST) return;
    }
    if (this.#edge.size % TILE_WIDTH === 0) await this.#checkTiles();
  }

  /** @returns its leaf hash, where its row gives one */
  #checkEntry(index: number, logged: LoggedEntry | string | undefined, expected: Uint8Array): Uint8Array | undefined {
    if (logged === undefined) return this.#wrong(`entry ${index} is missing`);
    if (typeof logged === 'string') return this.#wrong(`entry ${index}: ${logged}`);
    let leaf: Uint8Array;
    try {
      leaf = hashing.leaf(encodeEntry(logged.entry));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      return this.#wrong(`entry ${index}: ${error.message}`);
    }
    if (!sameBytes(leaf, expected)) {
      this.#wrong(`entry ${index}: its row and its leaf in tile 0/${Math.floor(index / TILE_WIDTH)} disagree`);
    }
    this.#checkRules(index, logged);
    for (const kept of [this.#state.fold, this.#options.figures]) {
      if (kept?.size === this.#fold.size) this.#compareFold(kept);
    }
    return leaf;
  }

  #checkRules(index: number, { entry, before }: LoggedEntry): void {
    if (this.#isBroken) return;
    if ('nym' in entry) {
      const known = this.#nyms.get(entry.petition, entry.nym);
      if (JSON.stringify(known) !== JSON.stringify(before)) {
        this.#wrong(`entry ${index}: the entry before it about its nym is another than its row says`);
      }
    }
    const breach = this.#fold.add(entry);
    if (breach === undefined) return;
    this.#isBroken = true;
    this.#wrong(`entry ${index} breaks the rule ${breach.rule} (${breach.detail})`);
  }

  #compareFold(kept: FoldSnapshot): void {
    if (this.#isBroken || sameFold(kept, this.#fold.snapshot())) return;
    this.#wrong(`the figures that are kept for size ${kept.size} are not those of its entries`);
  }

  /** Tiles that the last entries completed. */
  async #checkTiles(): Promise<void> {
    for (const changed of this.#edge.takeChanged()) {
      const level = Number(changed.tile.level);
      if (changed.tile.width < TILE_WIDTH) this.#partials.set(level, changed);
      else {
        if (this.#partials.get(level)?.tile.index === changed.tile.index) this.#partials.delete(level);
        await this.#checkTile(changed);
      }
    }
  }

  async #checkTile({ tile: { level, index }, bytes }: StoredTile): Promise<void> {
    const stored = await this.#log.tile(Number(level), index);
    if (stored === undefined) return this.#wrong(`tile ${level}/${index} is missing`);
    if (!sameBytes(stored.subarray(0, bytes.length), bytes)) {
      this.#wrong(`tile ${level}/${index} is not what lies below it`);
    }
  }

  /** Entry by entry where one cannot be read or is missing, so that it is named. */
  async #readEntries(from: number, to: number): Promise<readonly (LoggedEntry | string | undefined)[]> {
    try {
      const together = await this.#log.entries(from, to);
      if (together.length === to - from) return together;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    const entries: (LoggedEntry | string | undefined)[] = [];
    for (let index = from; index < to; index++) {
      try {
        entries.push((await this.#log.entries(index, index + 1))[0]);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        entries.push(error.message);
      }
    }
    return entries;
  }

  async #expectSigned(where: string, checkpoint: string): Promise<void> {
    const { origin, vkey, size } = this.#state;
    try {
      const key = parseVerifierKey(sha256, vkey);
      if (key.name !== origin) this.#wrong(`the log is named ${origin} and its key ${key.name}`);
      const opened = await openCheckpoint(utf8(checkpoint), origin, [ed25519Verifier(key, verifyEd25519)]);
      if (opened.checkpoint.size > size) {
        this.#wrong(`${where} is a checkpoint of ${opened.checkpoint.size} entries, and the data end at ${size}`);
      } else this.#expect(where, opened.checkpoint);
    } catch (error) {
      if (!(error instanceof Malformed || error instanceof Unproven)) throw error;
      this.#wrong(`${where} is no checkpoint of this log: ${error.message}`);
    }
  }

  #expect(where: string, { size, root }: Head): void {
    this.#heads.set(size, [...(this.#heads.get(size) ?? []), { where, root }]);
  }

  #compareHeads(): void {
    const root = this.#edge.root();
    for (const head of this.#heads.get(this.#edge.size) ?? []) {
      if (!sameBytes(head.root, root)) {
        this.#wrong(`${head.where} has another root at ${this.#edge.size} entries than they lead to`);
      }
    }
  }

  #wrong(problem: string): undefined {
    this.problems.push(problem);
  }
}

/** Snapshots of one log are equal whatever the order of their keys and petitions. */
function sameFold(a: FoldSnapshot, b: FoldSnapshot): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}
