/**
 * What the public sees: a signed checkpoint, cosigned by a quorum of witnesses where one is configured, and the figures
 * that are true for it. It moves on at an interval of its own; the signatures behind it are safe and wait to be seen.
 */
import type { Clock } from '../clock.ts';
import { hashing } from '../node-crypto.ts';
import { parseSignedCheckpoint } from '../tlog/checkpoint.ts';
import { utf8 } from '../tlog/text.ts';
import type { Figures } from './figures.ts';
import type { Act, LogStore } from './ports.ts';
import type { Sequencer } from './sequencer.ts';
import type { Cosigned, WitnessFailure } from './witnesses.ts';

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
export type Cosign = (checkpoint: string, size: number) => Promise<Cosigned>;

/** How publishing goes. */
export type PublicationReport = {
  /** What keeps the log from being published. */
  readonly trouble: string | undefined;
  /** Witnesses that did not cosign, whether the others were enough or not. */
  readonly failures: readonly WitnessFailure[];
};

export type PublisherDependencies = {
  readonly store: Pick<LogStore<Act, unknown>, 'publish' | 'state'>;
  readonly sequencer: Pick<Sequencer<Act, unknown>, 'sealed' | 'fold' | 'notePublished'>;
  readonly origin: string;
  readonly clock: Clock;
  /** Of the right to write; see `Batch`. */
  readonly epoch?: number;
  readonly everyMs: number;
  readonly cosign?: Cosign | undefined;
  /** Told how publishing goes, each time that this changes. */
  readonly report?: (report: PublicationReport) => void;
};

/** Entries after which the fold is kept again: a start folds at most this many, and what was not published. */
const KEEP_FOLD_EVERY = 20_000;

/** A quorum is there, and someone else is away. */
const ASK_AGAIN_MS = 30_000;

const ALONE = { quorum: true, failures: [] } as const;
const GOOD = JSON.stringify([undefined, []]);

export class Publisher {
  readonly #deps: PublisherDependencies;
  #current: Publication;
  #keptFold: number;
  #publishing: Promise<void> | undefined;
  /** A publication on its way into storage, where other processes may find it before it is served here. */
  #keeping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reported = '';
  /** What came of the last time that witnesses were asked. */
  #asked: { readonly at: number; readonly isEnough: boolean; readonly isWhole: boolean } | undefined;

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

  /** Resolves when what is in storage by now is what is served here. */
  async refresh(): Promise<void> {
    await this.#keeping?.catch(() => {});
  }

  /** Publishes at the interval, until the returned function is called. */
  start(): () => void {
    this.#timer = setInterval(() => void this.#once(), this.#deps.everyMs);
    return () => clearInterval(this.#timer);
  }

  /** Publishes what is sealed by now, if it is new and finds its quorum. Never throws: what is in the way is reported. */
  async publish(): Promise<void> {
    await this.#publishing; // one that is under way may have begun before what is sealed by now
    await this.#once();
  }

  #once(): Promise<void> {
    this.#publishing ??= this.#publish()
      .catch((error: unknown) => ({ trouble: error instanceof Error ? error.message : String(error), failures: [] }))
      .then((report) => this.#report(report))
      .finally(() => {
        this.#publishing = undefined;
      });
    return this.#publishing;
  }

  async #publish(): Promise<PublicationReport | undefined> {
    const { sequencer, store, cosign, clock, origin, epoch = 0 } = this.#deps;
    const { checkpoint, size, root } = sequencer.sealed;
    if (size === this.#current.size && this.#current.checkpoint !== undefined && !this.#asksAgain()) return undefined;
    if (sequencer.fold.size !== size) return undefined; // between the lock and the fold of one batch: the next time
    const figures = sequencer.fold.freeze();
    const fold = size - this.#keptFold >= KEEP_FOLD_EVERY ? sequencer.fold.snapshot() : undefined;
    const { note, quorum, failures } = (await cosign?.(checkpoint, size)) ?? { ...ALONE, note: checkpoint };
    this.#asked = { at: performance.now(), isEnough: quorum, isWhole: quorum && failures.length === 0 };
    if (!quorum) return { trouble: 'too few witnesses cosigned', failures };
    const at = clock();
    this.#keeping = store.publish(note, at, fold, epoch);
    await this.#keeping;
    if (fold !== undefined) this.#keptFold = size;
    this.#current = { origin, size, root, checkpoint: note, at, figures };
    sequencer.notePublished(size);
    return { trouble: undefined, failures };
  }

  /** Of a log that has not grown: whether witnesses are still missing that might be there by now, or are new in the policy. */
  #asksAgain(): boolean {
    if (this.#deps.cosign === undefined || this.#asked?.isWhole === true) return false;
    return this.#asked?.isEnough !== true || performance.now() - this.#asked.at >= ASK_AGAIN_MS;
  }

  #report(report: PublicationReport | undefined): void {
    if (report === undefined) return;
    const told = JSON.stringify([report.trouble, report.failures.map(({ witness, reason }) => [witness, reason])]);
    if (told !== this.#reported && (this.#reported !== '' || told !== GOOD)) this.#deps.report?.(report);
    this.#reported = told;
  }
}
