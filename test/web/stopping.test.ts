import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startWorld } from '../fakes/world.ts';
import { Watch } from '../identity/watch.ts';

const SILENT = {
  'says nothing': '',
  'sends half a header': 'GET / HTTP/1.1\r\nHost: x\r\n',
  'sends half a body': 'POST /logout HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf',
};

test(`a connection that ${Object.keys(SILENT).join(', ')} does not keep the gateway from stopping`, async () => {
  const world = await startWorld();
  const port = Number(new URL(world.origin).port);
  using watch = new Watch(port);
  const taken = connectionsAt(port, Object.keys(SILENT).length);
  const closed = Object.values(SILENT).map(async (bytes) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
  });
  await taken;
  await watch.until('/logout', 1);
  await world.close();
  await Promise.all(closed);
});

/** Resolves when a server of this process has taken so many connections at a port. */
function connectionsAt(port: number, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let taken = 0;
  const hear = (message: unknown) => {
    if ((message as { socket: Socket }).socket.localPort !== port || ++taken < count) return;
    unsubscribe('net.server.socket', hear);
    resolve();
  };
  subscribe('net.server.socket', hear);
  return promise;
}

test('a request that is under way when the gateway is asked to stop is answered', async () => {
  const world = await startWorld();
  world.franceConnect.switches.discovery.latency = 0;
  const answers = Array.from({ length: 20 }, () =>
    fetch(`${world.origin}/petitions/trains/sign`, { method: 'POST', redirect: 'manual' }),
  );
  await Promise.race(answers);
  await world.close();
  const statuses = (await Promise.allSettled(answers)).flatMap((one) =>
    one.status === 'fulfilled' ? [one.value.status] : [],
  );
  expect(statuses.length).toBeGreaterThan(0);
  expect(new Set(statuses)).toEqual(new Set([303]));
});
