/** What the operator reads while nothing can be recorded: what is wrong, and not a line for each act and each attempt. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { newDatabase, sql } from '../fakes/postgres.ts';
import { logIn, startWorld, TRAINS, type World } from '../fakes/world.ts';

let world: World;
let databaseUrl: string;
let lockUrl: string;
beforeAll(async () => {
  databaseUrl = await newDatabase();
  lockUrl = await newDatabase();
  world = await startWorld({ env: { DATABASE_URL: databaseUrl, LOCK_URL: lockUrl }, gateways: 2, petitions: [TRAINS] });
});
afterAll(() => world.close());

const waits = () => world.lines.filter((line) => line.includes('acts of other processes wait'));

test('the lock’s database goes away while thirty people press: one line says what is wrong', async () => {
  const browsers = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      const browser = world.browser();
      await logIn(browser, world, 'trains', `citoyen-${i + 1}`);
      return browser;
    }),
  );
  const name = new URL(lockUrl).pathname.slice(1);
  const postgres = new URL('/postgres', databaseUrl).href;
  await sql(
    postgres,
    `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
  );
  // However slow the machine: no second goes by in which a line may be written again, or patience ends.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  onTestFinished(() => void vi.restoreAllMocks());
  const pressed = browsers.map((browser) => browser.submit({ department: '69' }, { form: '/confirm' }));
  await expect.poll(waits).toHaveLength(1);
  await wait(1500); // each act is tried several times
  await sql(postgres, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  await Promise.all(pressed);
  const statuses = browsers.map(({ page }) => page.status);
  expect(new Set(statuses)).toEqual(new Set([200, 503])); // where the log is written nobody is kept waiting
  expect(waits()).toEqual([expect.stringMatching(/"code":"storage-unavailable","reason":"[^"]+"/)]);
});
