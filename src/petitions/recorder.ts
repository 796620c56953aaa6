/**
 * The one writer of signatures: gathers recordings that arrive within twenty milliseconds and hands them to storage as
 * one batch, so that many share one durable commit. A recording is answered after the commit that holds it, never
 * before. A crash loses only what was not answered, and doing it again gives the same signature.
 */
import { Refusal } from '../errors.ts';
import type { SignatureStore } from './ports.ts';
import type { Outcome, Recording } from './signature.ts';

type Waiting = {
  readonly recording: Recording;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
};

export class Recorder {
  readonly #signatures: SignatureStore;
  readonly #limits: { readonly windowMs: number; readonly batch: number; readonly queue: number };
  #queue: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #commit: Promise<void> | undefined;

  /** @param limits gather for `windowMs`, commit at most `batch` at once, hold at most `queue` */
  constructor(signatures: SignatureStore, limits = { windowMs: 20, batch: 256, queue: 4096 }) {
    this.#signatures = signatures;
    this.#limits = limits;
  }

  /** @throws Refusal `overloaded` when the queue is full; then nothing was recorded */
  record(recording: Recording): Promise<Outcome> {
    if (this.#queue.length >= this.#limits.queue) return Promise.reject(new Refusal('overloaded'));
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#queue.push({ recording, resolve, reject });
    });
    this.#schedule();
    return outcome;
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
    if (this.#queue.length >= this.#limits.batch) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#limits.windowMs);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#commit !== undefined || this.#queue.length === 0) return;
    const batch = this.#queue.splice(0, this.#limits.batch);
    this.#commit = this.#record(batch).finally(() => {
      this.#commit = undefined;
      if (this.#queue.length > 0) this.#schedule();
    });
  }

  async #record(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#signatures.record(batch.map(({ recording }) => recording));
      batch.forEach(({ resolve, reject }, i) => {
        const outcome = outcomes[i];
        if (outcome === undefined) reject(new Error('storage left a recording without an outcome'));
        else resolve(outcome);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
