import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startWorld } from '../fakes/world.ts';

const SILENT = {
  'says nothing': '',
  'sends half a header': 'GET / HTTP/1.1\r\nHost: x\r\n',
  'sends half a body': 'POST /logout HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf',
};

test(`a connection that ${Object.keys(SILENT).join(', ')} does not keep the gateway from stopping`, async () => {
  const world = await startWorld();
  const closed = Object.values(SILENT).map(async (bytes) => {
    const socket = connect(Number(new URL(world.origin).port), '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await world.close();
  await Promise.all(closed);
});

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
