/**
 * What the log needs of storage. Each method is one act, atomic by itself and durable when it returns. What an act is and
 * what becomes of it, the domains say: the log orders acts, and turns what storage decides into entries, leaves and tiles.
 */
import type { Day } from '../clock.ts';
import type { Nym } from '../person/nym.ts';
import type { StoredTile } from '../tlog/tile-edge.ts';
import type { Entry, EntryKind } from './entry.ts';
import type { FoldSnapshot } from './fold.ts';
import type { NymState } from './nym-table.ts';

/** What is asked to be recorded: at most one entry, of that kind; `nym` where it is about one. */
export type Act = { readonly kind: EntryKind; readonly petition?: string; readonly nym?: Nym };

/** An entry, and what was known of its nym before it. */
export type LoggedEntry = { readonly entry: Entry; readonly before: NymState | undefined };

export type Head = { readonly size: number; readonly root: Uint8Array };

export type LogState = Head & {
  readonly origin: string;
  /** The verifier key. */
  readonly vkey: string;
  /** The last entry's day. */
  readonly day: Day | undefined;
  readonly publication: { readonly checkpoint: string; readonly at: Date } | undefined;
  readonly fold: FoldSnapshot | undefined;
};

/** What a batch is recorded under. */
export type Batch = {
  /**
   * The epoch of the right to write that it is recorded under: whoever takes the right begins the next one, and nothing is
   * recorded under an earlier. 0 where nobody has ever taken it, and where it ends with the process that holds it.
   */
  readonly epoch: number;
  /** The log's size before it. */
  readonly size: number;
  /** The day of its entries. */
  readonly day: Day;
  /** The signatures of a petition that count, at that size. */
  total(petition: string): number;
  /** Told the batch's entries in their order, inside the transaction; answers what they change. */
  grow(entries: readonly Entry[]): { readonly tiles: readonly StoredTile[]; readonly root: Uint8Array };
};

export type RestoredBatch = Pick<Batch, 'epoch' | 'size' | 'grow'> & {
  readonly entries: readonly Entry[];
  /** Statements and JWK Sets that the entries name, by their hash in hex. */
  readonly files: ReadonlyMap<string, Uint8Array>;
};

export type LogStore<A extends Act, O> = LogFiles & {
  /** Names a log that has no entry yet. */
  create(log: { readonly origin: string; readonly vkey: string; readonly root: Uint8Array }): Promise<void>;
  state(): Promise<LogState | undefined>;
  /** What is published by now. */
  publication(): Promise<LogState['publication']>;
  /**
   * Decides each act and records what follows from it: rows, tiles and the new head, in one transaction. When it throws,
   * nothing of the batch is recorded. Acts that change nothing have an outcome and no entry.
   * @throws LogConflict when the log has another size than the batch rests on, or its epoch is over
   */
  append(
    batch: Batch,
    acts: readonly A[],
  ): Promise<{ readonly outcomes: readonly O[]; readonly entries: readonly LoggedEntry[] }>;
  /**
   * Records entries as another copy of the log holds them, on top of a log of that size. What is not public stays lost:
   * a petition comes back without its pseudonym key, and is named after its id.
   * @throws LogConflict when the log has another size, or the epoch is over
   */
  restore(batch: RestoredBatch): Promise<void>;
  /** @throws LogConflict when the epoch is over */
  publish(checkpoint: string, at: Date, fold: FoldSnapshot | undefined, epoch: number): Promise<void>;
};

/** What `/log` is served from. Nothing here knows how much of it is published. */
export type LogFiles = {
  /** Entries [from, to), fewer where the log ends before. @throws RangeError for a row that is no entry */
  entries(from: number, to: number): Promise<readonly LoggedEntry[]>;
  /** The hashes of a tile as wide as it is by now. */
  tile(level: number, index: number): Promise<Uint8Array | undefined>;
  /** A statement by its hash, and the index of the entry that opened it. */
  statement(hash: Uint8Array): Promise<{ readonly bytes: Uint8Array; readonly index: number } | undefined>;
  /** A JWK Set by its hash, and the index of the entry that noted it. */
  jwks(hash: Uint8Array): Promise<{ readonly bytes: Uint8Array; readonly index: number } | undefined>;
};

/**
 * The last checkpoint that was signed, in a place of its own that no backup holds: a database restored from a backup finds
 * it ahead, and whoever else writes finds it changed.
 */
export type LogLock = {
  read(): Promise<string | undefined>;
  /** Puts a signed note in place of the one that is expected there. @returns false, and changes nothing, when another is */
  swap(expected: string | undefined, next: string): Promise<boolean>;
};

/** Another than we writes the log, or has written it. */
export class LogConflict extends Error {
  override readonly name = 'LogConflict';
}
