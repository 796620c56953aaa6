/**
 * The one writer of the log: gathers acts for a moment and records them as one batch, in the order of a commit.
 *   1. rows, tiles and the new head, durable in one transaction that rests on the old size;
 *   2. the checkpoint is signed and swapped into the lock;
 *   3. the acts are answered.
 * A crash after 1 leaves data ahead of the lock: the next start signs them and goes on; what was not answered may be asked
 * again and finds itself done. Whatever fails, the same reading from storage that a start does comes before the next
 * write: the log never grows from what this process only remembers.
 */
import { randomInt } from 'node:crypto';
import { type Clock, parisDay } from '../clock.ts';
import { Refusal, SetupError } from '../errors.ts';
import { hashing } from '../node-crypto.ts';
import type { TileEdge } from '../tlog/tile-edge.ts';
import { encodeEntry } from './entry.ts';
import { LiveFold } from './live-fold.ts';
import { type Act, type Batch, type Head, LogConflict, type LogState, type LogStore } from './ports.ts';
import { orDamaged, readStanding, type Sealed, type StandingDependencies, signHead } from './standing.ts';

export type SequencerDependencies<A extends Act, O> = Omit<StandingDependencies, 'store'> & {
  readonly store: LogStore<A, O>;
  readonly clock: Clock;
  /** Of the right to write; see `Batch`. */
  readonly epoch?: number;
  readonly limits?: Partial<Limits>;
  /** Told each step of a commit as it is reached, for tests that stop the process there. */
  readonly reached?: (step: Step) => void;
  /** Told, once, that this process cannot write the log any more, and why. */
  readonly stopped?: (error: Error) => void;
};

export type Step = 'committed' | 'signed' | 'sealed' | 'answered';

/** Gather for `windowMs`, record at most `batch` acts at once, hold at most `queue`, and at most `backlog` unpublished. */
export type Limits = {
  readonly windowMs: number;
  readonly batch: number;
  readonly queue: number;
  readonly backlog: number;
};

const LIMITS: Limits = { windowMs: 60, batch: 256, queue: 4096, backlog: 1_000_000 };

/** An act, and everyone who asked for the same. */
type Slot<A, O> = {
  readonly act: A;
  readonly key: string | undefined;
  readonly resolve: ((outcome: O) => void)[];
  readonly reject: ((error: unknown) => void)[];
};

export class Sequencer<A extends Act, O> {
  readonly #deps: SequencerDependencies<A, O>;
  readonly #limits: Limits;
  #queue: Slot<A, O>[] = [];
  readonly #waiting = new Map<string, Slot<A, O>>();
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #commit: Promise<void> | undefined;
  /** What the next write grows from; `undefined` until it was read from storage. */
  #edge: TileEdge | undefined;
  #day = '';
  #sealed: Sealed | undefined;
  #published = 0;
  #stopped: Error | undefined;
  readonly fold = new LiveFold();

  private constructor(deps: SequencerDependencies<A, O>) {
    this.#deps = deps;
    this.#limits = { ...LIMITS, ...deps.limits };
  }

  /**
   * Reads the log, compares it with the lock, and signs what a crash left unsigned.
   * @throws SetupError when the data are older than the lock, disagree with it or with themselves
   */
  static async open<A extends Act, O>(deps: SequencerDependencies<A, O>): Promise<Sequencer<A, O>> {
    const sequencer = new Sequencer(deps);
    await sequencer.#settle();
    return sequencer;
  }

  /** The last checkpoint that the log has signed: acts are answered under it or an earlier one. */
  get sealed(): Sealed {
    if (this.#sealed === undefined) throw new RangeError('not opened');
    return this.#sealed;
  }

  /** Acts that wait to be recorded. */
  get queued(): number {
    return this.#queue.length;
  }

  /** What is wrong, once the log cannot be written any more by this process. */
  get stopped(): Error | undefined {
    return this.#stopped;
  }

  /** Writes no more, for good: what is under way is decided by storage and the lock, as ever. */
  stop(reason: Error): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#deps.stopped?.(reason);
  }

  /** Tells how much is published: what is ahead of it is bounded. */
  notePublished(size: number): void {
    this.#published = size;
  }

  /**
   * Records an act, durably and under a signed checkpoint when this resolves. The same act of the same nym, asked twice at
   * once, is one.
   * @throws Refusal `overloaded`, `storage-unavailable`, `log-stopped`: whether it was recorded, asking again tells
   */
  record(act: A): Promise<O> {
    if (this.#stopped !== undefined) return Promise.reject(this.#refusal(this.#stopped));
    const key = act.nym === undefined ? undefined : `${act.kind} ${act.petition} ${act.nym}`;
    const { promise, resolve, reject } = Promise.withResolvers<O>();
    const same = key === undefined ? undefined : this.#waiting.get(key);
    if (same !== undefined) {
      same.resolve.push(resolve);
      same.reject.push(reject);
      return promise;
    }
    if (this.#queue.length >= this.#limits.queue) return Promise.reject(new Refusal('overloaded', 'queue'));
    if (this.sealed.size - this.#published >= this.#limits.backlog) {
      return Promise.reject(new Refusal('overloaded', 'publication is behind'));
    }
    const slot = { act, key, resolve: [resolve], reject: [reject] };
    this.#queue.push(slot);
    if (key !== undefined) this.#waiting.set(key, slot);
    this.#schedule();
    return promise;
  }

  /** Resolves when everything that was asked so far is answered. */
  async drain(): Promise<void> {
    while (this.#queue.length > 0 || this.#commit !== undefined) {
      if (this.#commit === undefined) this.#flush();
      await this.#commit;
    }
  }

  #schedule(): void {
    if (this.#commit !== undefined) return; // the running commit starts the next one
    // A full batch takes its turn like everyone else: recording is done without a pause where storage is synchronous, and
    // a queue that is never empty would keep readers, timers and signals waiting for ever.
    if (this.#queue.length >= this.#limits.batch) this.#turn ??= setImmediate(() => this.#flush());
    else this.#timer ??= setTimeout(() => this.#flush(), this.#limits.windowMs);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
    if (this.#commit !== undefined || this.#queue.length === 0) return;
    const batch = this.#takeBatch();
    this.#commit = this.#record(batch).finally(() => {
      this.#commit = undefined;
      if (this.#queue.length > 0) this.#schedule();
    });
  }

  /**
   * The next acts to record together: of each nym at most one, in an order of chance, so that the log does not tell who
   * came first; or one act that is about no nym, alone.
   */
  #takeBatch(): readonly Slot<A, O>[] {
    const batch: Slot<A, O>[] = [];
    const rest: Slot<A, O>[] = [];
    const nyms = new Set<string>();
    let full = false;
    for (const slot of this.#queue) {
      const { petition, nym } = slot.act;
      const name = nym === undefined ? undefined : `${petition} ${nym}`;
      if (full || (name === undefined ? batch.length > 0 : nyms.has(name))) {
        full ||= name === undefined; // what was asked after an act that stands alone comes after it
        rest.push(slot);
        continue;
      }
      batch.push(slot);
      if (slot.key !== undefined) this.#waiting.delete(slot.key);
      if (name !== undefined) nyms.add(name);
      full = name === undefined || batch.length === this.#limits.batch;
    }
    this.#queue = rest;
    return shuffled(batch);
  }

  async #record(slots: readonly Slot<A, O>[]): Promise<void> {
    try {
      const outcomes = await this.#append(slots.map(({ act }) => act));
      slots.forEach((slot, i) => {
        const outcome = outcomes[i];
        if (outcome === undefined) throw new RangeError('storage left an act without an outcome');
        for (const resolve of slot.resolve) resolve(outcome);
      });
      this.#deps.reached?.('answered');
    } catch (error) {
      this.#edge = undefined;
      if (error instanceof LogConflict || error instanceof SetupError) this.stop(error);
      const told = this.#stopped === undefined ? error : this.#refusal(this.#stopped);
      for (const { reject } of slots) for (const one of reject) one(told);
    }
  }

  async #append(acts: readonly A[]): Promise<readonly O[]> {
    if (this.#stopped !== undefined) throw this.#stopped; // they waited behind the batch that found out
    const edge = this.#edge ?? (await this.#settle());
    const today = parisDay(this.#deps.clock());
    const batch: Batch = {
      epoch: this.#deps.epoch ?? 0,
      size: edge.size,
      day: today < this.#day ? (this.#day as typeof today) : today, // a clock that was set back: days never decrease
      total: (petition) => this.fold.total(petition),
      grow(entries) {
        for (const entry of entries) edge.append(hashing.leaf(encodeEntry(entry)));
        return { tiles: edge.takeChanged(), root: edge.root() };
      },
    };
    const { outcomes, entries } = await this.#deps.store.append(batch, acts);
    if (entries.length === 0) return outcomes;
    this.#deps.reached?.('committed');
    this.#day = batch.day;
    await this.#seal({ size: edge.size, root: edge.root() });
    for (const entry of entries) this.fold.add(entry);
    return outcomes;
  }

  /** Signs a head that is durable, and puts it into the lock in place of the one before. */
  async #seal(head: Head): Promise<void> {
    const { key, lock } = this.#deps;
    const checkpoint = await signHead(key, head);
    this.#deps.reached?.('signed');
    if (!(await lock.swap(this.#sealed?.checkpoint, checkpoint))) {
      throw new LogConflict('The lock holds another checkpoint than the one that this process put there.');
    }
    this.#sealed = { ...head, checkpoint };
    this.#deps.reached?.('sealed');
  }

  /** Reads where the log stands and makes it whole: before the first write, and after each that failed. */
  #settle(): Promise<TileEdge> {
    return orDamaged(this.#readAndSeal());
  }

  async #readAndSeal(): Promise<TileEdge> {
    const { state, edge, locked, published } = await readStanding(this.#deps);
    if (this.#sealed === undefined) await this.#openFold(state, published);
    await this.fold.catchUp(this.#deps.store, state.size);
    this.#day = state.day ?? '';
    this.#sealed = locked;
    if (locked.size < state.size) await this.#seal(state);
    this.#edge = edge;
    return edge;
  }

  /** The fold as it was when it was last kept, then as it is published: figures are true for what is published. */
  async #openFold({ fold }: LogState, published: number): Promise<void> {
    this.#published = published;
    if (fold !== undefined && fold.size <= published) this.fold.restore(fold);
    await this.fold.catchUp(this.#deps.store, published);
    this.fold.freeze();
  }

  #refusal(error: Error): Refusal {
    return new Refusal('log-stopped', error.message, { cause: error });
  }
}

/** Fisher and Yates. */
function shuffled<T>(things: T[]): readonly T[] {
  for (let i = things.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [things[i], things[j]] = [things[j] as T, things[i] as T];
  }
  return things;
}
