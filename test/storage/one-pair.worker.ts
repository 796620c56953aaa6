/**
 * One of several connections that record the same pairs: all wait for each other before each pair. Who comes second finds
 * the log grown and asks again, as a sequencer never would: here it is the index alone that decides.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Day } from '../../src/clock.ts';
import { LogConflict } from '../../src/log/ports.ts';
import type { Recording } from '../../src/petitions/acts.ts';
import type { StoragePlace } from '../../src/storage/open.ts';
import { openSqliteStorage } from '../../src/storage/sqlite/storage.ts';

type Order = {
  place: StoragePlace;
  recordings: readonly Recording[];
  today: Day;
  parties: number;
  barrier: SharedArrayBuffer;
};

const { place, recordings, today, parties, barrier } = workerData as Order;
const arrived = new Int32Array(barrier);
const { log, close } = openSqliteStorage(place);
const results: string[] = [];

for (const [index, recording] of recordings.entries()) {
  Atomics.add(arrived, 0, 1);
  while (Atomics.load(arrived, 0) < (index + 1) * parties) Atomics.wait(arrived, 0, Atomics.load(arrived, 0), 1);
  results.push(await record(recording));
}
close();
parentPort?.postMessage(results);

async function record(recording: Recording): Promise<string> {
  for (;;) {
    const size = (await log.state())?.size ?? 0;
    const grow = () => ({ tiles: [], root: new Uint8Array(32) });
    try {
      const { outcomes } = await log.append({ epoch: 0, size, day: today, total: () => 0, grow }, [recording]);
      return outcomes[0]?.result ?? 'none';
    } catch (error) {
      if (!(error instanceof LogConflict)) throw error;
    }
  }
}
