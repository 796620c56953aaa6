/**
 * The figures that a gateway serves are a fold that goes on and on. Now and then all of it is computed again from the
 * first entry, beside the serving: a counter that went wrong, and a row that was changed, do not stay unnoticed.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { StorageConfig } from './config.ts';
import type { FoldSnapshot } from './log/fold.ts';
import type { DataCheck } from './log-check.ts';

const FIRST_MS = 60_000;
const EVERY_MS = 6 * 3_600_000;

export type Recounting = {
  readonly config: StorageConfig;
  /** The figures as they are now. */
  readonly figures: () => FoldSnapshot;
  /** Told what a recount found. */
  readonly found: (check: DataCheck) => void;
  readonly failed: (error: unknown) => void;
};

/** Recounts a minute after the start and every six hours, until the returned function is called. */
export function keepRecounting(recounting: Recounting, firstMs = FIRST_MS, everyMs = EVERY_MS): () => Promise<void> {
  let running: Worker | undefined;
  let isOver = false;
  const round = async () => {
    try {
      const { config, figures } = recounting;
      running = new Worker(new URL('./recount.worker.ts', import.meta.url), {
        workerData: { config, figures: figures() },
      });
      const [check] = (await once(running, 'message')) as [DataCheck];
      recounting.found(check);
    } catch (error) {
      if (!isOver) recounting.failed(error);
    } finally {
      await running?.terminate();
      running = undefined;
      if (!isOver) timer = setTimeout(round, everyMs).unref();
    }
  };
  let timer = setTimeout(round, firstMs).unref();
  return async () => {
    isOver = true;
    clearTimeout(timer);
    await running?.terminate();
  };
}
