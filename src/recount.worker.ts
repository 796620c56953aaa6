/** One recount of all data on a thread of its own, with a connection of its own: whoever serves is not held up. */
import { parentPort, workerData } from 'node:worker_threads';
import type { StorageConfig } from './config.ts';
import type { FoldSnapshot } from './log/fold.ts';
import { checkData } from './log-check.ts';

const { config, figures } = workerData as { config: StorageConfig; figures: FoldSnapshot };
parentPort?.postMessage(await checkData(config, { figures }));
