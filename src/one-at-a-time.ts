/** Runs a piece of work once at a time, and once more after that for whoever asked meanwhile. */
export class OneAtATime {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #isAsked = false;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Resolves when a run that began after this call is over; rejects when it failed. */
  run(): Promise<void> {
    this.#isAsked = true;
    this.#running ??= this.#runAll();
    return this.#running;
  }

  /** Resolves when nothing runs, however it ended. */
  async idle(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  async #runAll(): Promise<void> {
    try {
      while (this.#isAsked) {
        this.#isAsked = false;
        await this.#work();
      }
    } finally {
      this.#running = undefined; // in the same turn as the last look: whoever asks from now on begins a run
    }
  }
}
