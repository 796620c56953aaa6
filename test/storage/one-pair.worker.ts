/** One of several connections that record the same pairs: all wait for each other before each pair. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Recording } from '../../src/petitions/signature.ts';
import { openStorage, type StoragePlace } from '../../src/storage/open.ts';

type Order = { place: StoragePlace; recordings: readonly Recording[]; parties: number; barrier: SharedArrayBuffer };

const { place, recordings, parties, barrier } = workerData as Order;
const arrived = new Int32Array(barrier);
const storage = openStorage(place);
const results: string[] = [];
for (const [index, recording] of recordings.entries()) {
  Atomics.add(arrived, 0, 1);
  while (Atomics.load(arrived, 0) < (index + 1) * parties) Atomics.wait(arrived, 0, Atomics.load(arrived, 0), 1);
  const [outcome] = await storage.signatures.record([recording]);
  results.push(outcome?.result ?? 'none');
}
storage.close();
parentPort?.postMessage(results);
