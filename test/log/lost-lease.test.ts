/**
 * Two gateways on one PostgreSQL when several things go wrong at once: the right to write is lost while the database does
 * not answer, and it is free while the lock's database is away.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newDatabase, sql } from '../fakes/postgres.ts';
import { sign, startWorld, TRAINS, type World } from '../fakes/world.ts';

let world: World;
let databaseUrl: string;
let lockUrl: string;
beforeAll(async () => {
  databaseUrl = await newDatabase();
  lockUrl = await newDatabase();
  world = await startWorld({ env: { DATABASE_URL: databaseUrl, LOCK_URL: lockUrl }, gateways: 3, petitions: [TRAINS] });
});
afterAll(() => world.close());

const said = (what: string) => world.lines.filter((line) => line.includes(what)).length;
const rob = () => sql(databaseUrl, "UPDATE lease SET renewed = '-infinity', epoch = epoch + 1");

async function each<T>(path: string, read: (response: Response) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(world.gateways.map(async ({ port }) => read(await fetch(`http://localhost:${port}${path}`))));
}
const ready = () => each('/readyz', async ({ status }) => status);
const totals = () =>
  each('/api/petitions/trains/tally', async (response) => ((await response.json()) as { total: number }).total);
const all = <T>(value: T) => world.gateways.map(() => value);

test('one that loses the right while the database does not answer shows no older figures, and works again afterwards', async () => {
  for (const round of [1, 2]) {
    await sign(world.browser(), world, 'trains', `citoyen-${round}`, '33');
    await expect.poll(totals).toEqual(all(round));
    const [lost, failed] = [said('writes the log no more'), said('the published log cannot be followed')];
    await sql(databaseUrl, 'ALTER TABLE publication RENAME TO away');
    await rob();
    await expect.poll(() => said('writes the log no more')).toBe(lost + 1);
    await expect.poll(() => said('the published log cannot be followed')).toBeGreaterThan(failed);
    expect(await totals()).toEqual(all(round));
    await sql(databaseUrl, 'ALTER TABLE away RENAME TO publication');
    await expect.poll(ready).toEqual(all(200));
  }
});

test('whoever could not take the right, and follows another that could, is ready', async () => {
  const name = new URL(lockUrl).pathname.slice(1);
  const postgres = new URL('/postgres', databaseUrl).href;
  await sql(
    postgres,
    `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
  );
  const before = said('this process cannot write the log');
  await rob();
  await expect.poll(() => said('this process cannot write the log')).toBeGreaterThan(before + 1);
  expect(await ready()).toContain(503);
  await sql(postgres, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  await expect.poll(ready).toEqual(all(200));
  await sign(world.browser(), world, 'trains', 'citoyen-3', '33');
  await expect.poll(totals).toEqual(all(3));
});
