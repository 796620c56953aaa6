/**
 * The published log as a process sees it that does not write it: it reads what another one publishes, and folds the entries
 * up to there itself.
 */
import type { Clock } from '../clock.ts';
import { hashing } from '../node-crypto.ts';
import { OneAtATime } from '../one-at-a-time.ts';
import { parseSignedCheckpoint } from '../tlog/checkpoint.ts';
import { utf8 } from '../tlog/text.ts';
import { LiveFold } from './live-fold.ts';
import type { Act, LogStore } from './ports.ts';
import type { Publication } from './publisher.ts';

export type FollowerDependencies = {
  readonly store: Pick<LogStore<Act, unknown>, 'state' | 'publication' | 'entries'>;
  readonly origin: string;
  readonly clock: Clock;
};

export class Follower {
  readonly #deps: FollowerDependencies;
  readonly #fold = new LiveFold();
  #current: Publication;
  readonly #looking = new OneAtATime(() => this.#look());

  private constructor(deps: FollowerDependencies) {
    this.#deps = deps;
    const { origin, clock } = deps;
    const at = clock();
    this.#current = { origin, size: 0, root: hashing.empty, checkpoint: undefined, at, figures: this.#fold.frozen };
  }

  /** @throws SetupError when the entries that are published break a rule */
  static async open(deps: FollowerDependencies): Promise<Follower> {
    const follower = new Follower(deps);
    await follower.#begin();
    await follower.look();
    return follower;
  }

  get current(): Publication {
    return this.#current;
  }

  /** Resolves when what is published by now is what is served, whatever was under way. */
  look(): Promise<void> {
    return this.#looking.run();
  }

  async #look(): Promise<void> {
    const { store, origin } = this.#deps;
    const published = await store.publication();
    if (published === undefined || published.checkpoint === this.#current.checkpoint) return;
    const { size, root } = parseSignedCheckpoint(utf8(published.checkpoint)).checkpoint;
    if (size < this.#current.size) return; // never back
    await this.#fold.catchUp(store, size);
    this.#current = { origin, size, root, ...published, figures: this.#fold.freeze() };
  }

  /** From the fold that was kept, instead of from the first entry. */
  async #begin(): Promise<void> {
    const state = await this.#deps.store.state();
    const published = state?.publication && parseSignedCheckpoint(utf8(state.publication.checkpoint)).checkpoint;
    if (state?.fold !== undefined && state.fold.size <= (published?.size ?? 0)) this.#fold.restore(state.fold);
  }
}
