/** How far long work is: a bar on a terminal, a line for every tenth elsewhere. On standard error, beside the results. */
const WIDTH = 30;
const REDRAW_MS = 100;

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #what = '';
  #drawn = 0;
  #tenth = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  /** @param what begins a new bar when it changes */
  show(what: string, done: number, all: number): void {
    if (what !== this.#what) {
      this.end();
      this.#what = what;
    }
    if (this.#stream.isTTY) this.#draw(done, all);
    else this.#say(done, all);
  }

  /** The line is the terminal's again. */
  end(): void {
    if (this.#stream.isTTY && this.#drawn > 0) this.#stream.write('\r\u001b[K');
    this.#drawn = 0;
    this.#tenth = 0;
    this.#what = '';
  }

  #draw(done: number, all: number): void {
    if (Date.now() - this.#drawn < REDRAW_MS) return;
    this.#drawn = Date.now();
    const full = Math.round((done / all) * WIDTH);
    this.#stream.write(`\r\u001b[K${this.#what} [${'█'.repeat(full)}${' '.repeat(WIDTH - full)}] ${done} of ${all}`);
  }

  #say(done: number, all: number): void {
    const tenth = Math.floor((10 * done) / all);
    if (tenth <= this.#tenth) return;
    this.#tenth = tenth;
    this.#stream.write(`${this.#what}: ${done} of ${all}\n`);
  }
}
