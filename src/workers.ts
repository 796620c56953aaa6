/**
 * `paraphe serve --workers N`: one process writes the log, N serve on one port (node:cluster), and this one does neither: it
 * replaces whichever dies. What a dead writer had not answered its successor finds where the others left it.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ServeConfig } from './config.ts';
import type { Diagnostics } from './diagnostics.ts';
import { SetupError } from './errors.ts';
import { finishRequests } from './listen.ts';
import { listenForMetrics } from './metrics/listener.ts';
import { ClusterMetrics } from './metrics/metrics.ts';
import type { Said } from './worker.ts';

type Kind = 'writer' | 'web';
export type Workers = {
  /** Ends those that serve, then the one that writes. */
  close(): Promise<void>;
};

/** One that dies sooner than this is replaced later and later. */
const SOON_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** For those that end: longer than their requests may take. */
const PATIENCE_MS = 30_000;

/** @throws SetupError when one of them cannot begin */
export async function startWorkers(
  count: number,
  config: Pick<ServeConfig, 'metrics'>,
  diagnostics: Diagnostics,
): Promise<Workers> {
  const supervisor = new Supervisor(diagnostics);
  try {
    if (config.metrics !== undefined) supervisor.metrics = await listenForMetrics(new ClusterMetrics(), config.metrics);
    await supervisor.begin('writer'); // first: it makes whole what a crash has torn
    await Promise.all(Array.from({ length: count }, () => supervisor.begin('web')));
  } catch (error) {
    await supervisor.close();
    throw error;
  }
  return supervisor;
}

class Supervisor implements Workers {
  readonly #diagnostics: Diagnostics;
  readonly #workers = new Map<Worker, Kind>();
  #isClosing = false;
  metrics: Server | undefined;

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  /** Starts one, and others in its place for as long as this process lives. Resolves when the first one works. */
  async begin(kind: Kind): Promise<void> {
    const worker = await this.#start(kind, 'first');
    void this.#keep(kind, worker);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#end('web');
    await this.#end('writer');
    if (this.metrics !== undefined) await finishRequests(this.metrics);
  }

  async #start(kind: Kind, ...first: readonly 'first'[]): Promise<Worker> {
    cluster.setupPrimary({ exec: join(import.meta.dirname, 'worker.ts'), args: [kind, ...first], silent: false });
    const worker = cluster.fork();
    this.#workers.set(worker, kind);
    worker.once('exit', () => this.#workers.delete(worker));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.on('error', reject); // it could not be made; or it died while it was told to end, which is no news
    worker.on('message', (said: Partial<Said> & object) => {
      if ('ready' in said) resolve();
      if ('trouble' in said) reject(new SetupError(said.trouble));
    });
    worker.once('exit', (code, signal) =>
      reject(new SetupError(`A process (${kind}) ended at its start: ${signal ?? code}.`)),
    );
    await promise;
    return worker;
  }

  async #keep(kind: Kind, first: Worker): Promise<void> {
    let worker: Worker | undefined = first;
    let pause = FIRST_PAUSE_MS;
    for (;;) {
      const began = performance.now();
      if (worker !== undefined && !worker.isDead()) {
        await new Promise((resolve) => worker?.once('exit', resolve));
      }
      if (this.#isClosing) return;
      const { pid } = worker?.process ?? {};
      if (pid !== undefined) this.#diagnostics.error({ kind, pid }, 'a process died; another takes its place');
      pause = performance.now() - began > SOON_MS ? FIRST_PAUSE_MS : Math.min(2 * pause, LONGEST_PAUSE_MS);
      await wait(pause);
      if (this.#isClosing) return;
      worker = await this.#start(kind).catch((error: unknown) => {
        this.#diagnostics.error({ kind, reason: error instanceof Error ? error.message : '' }, 'it could not begin');
        return undefined;
      });
    }
  }

  async #end(kind: Kind): Promise<void> {
    const ending = [...this.#workers].filter(([, one]) => one === kind);
    await Promise.all(
      ending.map(async ([worker]) => {
        if (worker.isDead()) return;
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        if (worker.isConnected()) worker.send('end');
        const cut = setTimeout(() => worker.process.kill('SIGKILL'), PATIENCE_MS); // one that hangs, or was stopped
        await ended;
        clearTimeout(cut);
      }),
    );
  }
}
