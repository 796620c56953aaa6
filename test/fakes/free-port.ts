/**
 * Ports for what is started a moment later, or twice. They lie below those that the system gives away by itself (RFC 6335
 * §6: from 49152; Linux: from 32768), each worker of a run has a range of its own, and none is given twice: whatever else
 * is started meanwhile, nobody takes them between the look and the start.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Behind the last port that browsers and `fetch` refuse (10080). */
const FIRST = 11_000;
const RANGE = 2_500;
const RANGES = 8;

const first = FIRST + (Number(process.env.VITEST_POOL_ID ?? 0) % RANGES) * RANGE;
/** Runs of others on this machine begin elsewhere. */
let next = Math.floor(Math.random() * RANGE);

export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + (next++ % RANGE);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}
