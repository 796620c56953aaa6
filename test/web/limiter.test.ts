import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startWorld } from '../fakes/world.ts';

const press = (origin: string) => fetch(`${origin}/petitions/trains/sign`, { method: 'POST', redirect: 'manual' });

test('five hundred people behind one address sign within a minute', async () => {
  const world = await startWorld();
  const perPerson = 2; // "sign" and "confirm"
  const statuses = new Set<number>();
  for (let i = 0; i < (500 * perPerson) / 50; i++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => press(world.origin)));
    for (const { status } of answers) statuses.add(status);
  }
  expect([...statuses]).toEqual([303]);
  await world.close();
});

test('a flood from one address is held off with words, and readers are not', async () => {
  const world = await startWorld({ env: { POSTS_PER_MINUTE: '5' } });
  for (let i = 0; i < 5; i++) expect((await press(world.origin)).status).toBe(303);
  const refused = await press(world.origin);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('60');
  expect(await refused.text()).toContain('too-many-requests');
  expect((await fetch(`${world.origin}/petitions/trains`)).status).toBe(200);

  // Behind a proxy that we do not trust, a claimed address changes nothing.
  const spoofed = await fetch(`${world.origin}/petitions/trains/sign`, {
    method: 'POST',
    headers: { 'x-forwarded-for': '203.0.113.7' },
    redirect: 'manual',
  });
  expect(spoofed.status).toBe(429);
  const files = readdirSync(world.dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const written = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('');
  expect(written + world.lines.join('')).not.toMatch(/127\.0\.0\.1|203\.0\.113\.7/);
  await world.close();
});

test('behind a trusted proxy each person has their own limit', async () => {
  const world = await startWorld({ env: { POSTS_PER_MINUTE: '1', TRUST_PROXY: '1' } });
  const from = async (address: string) => {
    const headers = { 'x-forwarded-for': address };
    return (await fetch(`${world.origin}/petitions/trains/sign`, { method: 'POST', headers, redirect: 'manual' }))
      .status;
  };
  expect([await from('203.0.113.7'), await from('203.0.113.8'), await from('203.0.113.7')]).toEqual([303, 303, 429]);
  await world.close();
});
