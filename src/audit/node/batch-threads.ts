/**
 * Batches of a log in a folder, read and hashed on several threads and handed out in the log's order, whatever the order
 * in which the threads finish. Only a few are ahead of whoever takes them: memory does not grow with the log.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { treeHashing } from '../../tlog/merkle.ts';
import { TILE_WIDTH } from '../../tlog/tile.ts';
import { type Batch, BUNDLES_IN_BATCH, type ReadBatches, readBatchesOf } from '../batch.ts';
import { sha256 } from './crypto.ts';
import { folderSource } from './folder.ts';

/** Of each thread: one in work, one waiting, one done. */
const AHEAD = 3;
/** Below that, starting threads takes longer than reading. */
const WORTH_THREADS = 50_000;

/** Small logs are read in the thread that asks. */
export function readBatchesOnThreads(folder: string, threads = availableParallelism()): ReadBatches {
  const alone = readBatchesOf(folderSource(folder), treeHashing(sha256));
  return async function* (size, from) {
    if (size - from * TILE_WIDTH < WORTH_THREADS) {
      yield* alone(size, from);
      return;
    }
    const workers = Array.from({ length: threads }, () => startWorker(folder));
    try {
      yield* inOrder(workers, size, from);
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  };
}

async function* inOrder(workers: readonly Worker[], size: number, from: number): AsyncGenerator<Batch> {
  const done = new Map<number, Batch>();
  let wake = Promise.withResolvers<void>();
  let failed: unknown;
  const idle = [...workers];
  for (const worker of workers) {
    worker.on('message', ({ first, batch }: { readonly first: number; readonly batch: Batch }) => {
      done.set(first, batch);
      idle.push(worker);
      wake.resolve();
    });
    worker.on('error', (error) => {
      failed = error;
      wake.resolve();
    });
  }
  let asked = from;
  for (let first = from; first * TILE_WIDTH < size; first += BUNDLES_IN_BATCH) {
    for (;;) {
      const limit = Math.min(first + workers.length * AHEAD * BUNDLES_IN_BATCH, Math.ceil(size / TILE_WIDTH));
      for (let worker = idle.pop(); worker !== undefined; worker = idle.pop()) {
        if (asked >= limit) {
          idle.push(worker);
          break;
        }
        worker.postMessage({ first: asked, size });
        asked += BUNDLES_IN_BATCH;
      }
      if (done.has(first)) break;
      if (failed !== undefined) throw failed;
      await wake.promise;
      wake = Promise.withResolvers();
    }
    const batch = done.get(first);
    done.delete(first);
    if (batch !== undefined) yield batch;
  }
}

function startWorker(folder: string): Worker {
  // What a batch leaves behind is garbage at once: a small nursery is emptied while it is still in the cache.
  const resourceLimits = { maxYoungGenerationSizeMb: 8 };
  return new Worker(new URL('./batch.worker.ts', import.meta.url), { workerData: { folder }, resourceLimits });
}
