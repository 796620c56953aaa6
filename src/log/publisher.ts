/**
 * What the public sees: a signed checkpoint, cosigned by a quorum of witnesses where one is configured, and the figures
 * that are true for it. It moves on at an interval of its own; the signatures behind it are safe and wait to be seen.
 */
import type { Clock } from '../clock.ts';
import { parseSignedCheckpoint } from '../tlog/checkpoint.ts';
import { utf8 } from '../tlog/text.ts';
import type { Figures } from './figures.ts';
import { hashing } from './log-key.ts';
import type { Act, LogStore } from './ports.ts';
import type { Sequencer } from './sequencer.ts';

export type Publication = {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed note; `undefined` while nothing was ever published. */
  readonly checkpoint: string | undefined;
  readonly at: Date;
  /** By petition; of the published entries alone. */
  readonly figures: ReadonlyMap<string, Figures>;
};

/** Collects cosignatures of a checkpoint that the log has signed. */
export type Cosign = (
  checkpoint: string,
  size: number,
) => Promise<{ readonly note: string; readonly quorum: boolean; readonly failures: readonly string[] }>;

export type PublisherDependencies = {
  readonly store: Pick<LogStore<Act, unknown>, 'publish' | 'state'>;
  readonly sequencer: Pick<Sequencer<Act, unknown>, 'sealed' | 'fold' | 'notePublished'>;
  readonly origin: string;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly cosign?: Cosign | undefined;
  /** Told what keeps the log from being published, each time that this changes; `undefined` once it is. */
  readonly report?: (trouble: string | undefined) => void;
};

/** Entries after which the fold is kept again: a start folds at most this many, and what was not published. */
const KEEP_FOLD_EVERY = 20_000;

export class Publisher {
  readonly #deps: PublisherDependencies;
  #current: Publication;
  #keptFold: number;
  #publishing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #trouble: string | undefined;

  private constructor(deps: PublisherDependencies, current: Publication, keptFold: number) {
    this.#deps = deps;
    this.#current = current;
    this.#keptFold = keptFold;
  }

  /** Goes on from what was published; call before anything new is recorded. */
  static async open(deps: PublisherDependencies): Promise<Publisher> {
    const { origin, sequencer } = deps;
    const state = await deps.store.state();
    const { checkpoint, at = deps.clock() } = state?.publication ?? {};
    // The sequencer has verified it.
    const head = checkpoint === undefined ? undefined : parseSignedCheckpoint(utf8(checkpoint)).checkpoint;
    const { size, root } = head ?? { size: 0, root: hashing.empty };
    const current = { origin, size, root, checkpoint, at, figures: sequencer.fold.frozen };
    return new Publisher(deps, current, state?.fold?.size ?? 0);
  }

  get current(): Publication {
    return this.#current;
  }

  /** Publishes at the interval, until the returned function is called. */
  start(): () => void {
    this.#timer = setInterval(() => void this.publish(), this.#deps.everyMs);
    return () => clearInterval(this.#timer);
  }

  /** Publishes what is sealed, if it is new and finds its quorum. Never throws: what is in the way is reported. */
  async publish(): Promise<void> {
    this.#publishing ??= this.#publish()
      .then(
        (trouble) => trouble,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      )
      .then((trouble) => this.#note(trouble))
      .finally(() => {
        this.#publishing = undefined;
      });
    return this.#publishing;
  }

  async #publish(): Promise<string | undefined> {
    const { sequencer, store, cosign } = this.#deps;
    const { checkpoint, size, root } = sequencer.sealed;
    if (size === this.#current.size && this.#current.checkpoint !== undefined) return undefined;
    if (sequencer.fold.size !== size) return undefined; // between the lock and the fold of one batch: the next time
    const figures = sequencer.fold.freeze();
    const fold = size - this.#keptFold >= KEEP_FOLD_EVERY ? sequencer.fold.snapshot() : undefined;
    const cosigned = await cosign?.(checkpoint, size);
    if (cosigned?.quorum === false) return `no quorum of witnesses: ${cosigned.failures.join('; ')}`;
    const at = this.#deps.clock();
    const note = cosigned?.note ?? checkpoint;
    await store.publish(note, at, fold);
    if (fold !== undefined) this.#keptFold = size;
    this.#current = { origin: this.#deps.origin, size, root, checkpoint: note, at, figures };
    sequencer.notePublished(size);
    return cosigned !== undefined && cosigned.failures.length > 0 ? cosigned.failures.join('; ') : undefined;
  }

  #note(trouble: string | undefined): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#deps.report?.(trouble);
  }
}
