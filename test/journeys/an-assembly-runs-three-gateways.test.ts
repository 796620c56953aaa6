/**
 * Three gateways on one PostgreSQL behind one address, a request here and the next one there: each serves any step of a
 * journey, one of them writes the log, and when that one goes another does.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../fakes/command.ts';
import { newDatabase, sql } from '../fakes/postgres.ts';
import { logIn, passFranceConnect, receiptOf, sign, startWorld, TRAINS, tallyOf, type World } from '../fakes/world.ts';
import { Watch } from '../identity/watch.ts';

let world: World;
let env: Record<string, string>;
let databaseUrl: string;
beforeAll(async () => {
  databaseUrl = await newDatabase();
  const lockUrl = await newDatabase();
  env = { DATABASE_URL: databaseUrl, LOCK_URL: lockUrl };
  world = await startWorld({ env, gateways: 3, petitions: [TRAINS] });
  env = { ...env, DATA_DIR: world.dataDir };
});
afterAll(() => world.close());

const said = (what: string) => world.lines.filter((line) => line.includes(what)).length;

test('one of them writes', async () => {
  expect(said('this process writes the log')).toBe(1);
});

test('Amina’s journey goes through all three, and her receipt is one', async () => {
  const amina = world.browser();
  await sign(amina, world, 'trains', 'citoyen-1', '33');
  const { claims } = await receiptOf(amina);
  await amina.submit({}, { form: '/withdraw' });
  await passFranceConnect(amina, 'citoyen-1');
  await amina.submit({}, { form: '/confirm' });
  await sign(amina, world, 'trains', 'citoyen-1', '33');
  const again = await receiptOf(amina);
  expect(again.claims).toMatchObject({ sub: claims.sub, department: '33' });
  for (let i = 0; i < 6; i++) expect((await receiptOf(amina)).claims).toEqual(again.claims);
  await expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: 1, withdrawn: 0 });
});

test('a callback that is doubled onto two gateways exchanges its code once, and both go on', async () => {
  const browser = world.browser({ stopAt: ({ pathname }) => pathname === '/login/callback' });
  await logIn(browser, world, 'trains', 'citoyen-2');
  const callback = browser.page.url;
  expect(callback).toContain('/login/callback?');
  using watch = new Watch(world.franceConnect.port);
  const pages = await Promise.all(Array.from({ length: 6 }, () => browser.tab().get(callback)));
  for (const page of pages) expect(page.url).toContain('/petitions/trains/confirm?journey=');
  expect([watch.count('/token'), watch.count('/userinfo')]).toEqual([1, 1]);
});

test('when the one that writes stops, another does, and nobody who signs meanwhile is turned away', async () => {
  const people = Array.from({ length: 12 }, (_, i) => `citoyen-${100 + i}`);
  const signing = people.map(async (login) => {
    const browser = world.browser();
    await sign(browser, world, 'trains', login, '59');
    return browser;
  });
  await world.gateways[0]?.close();
  for (const browser of await Promise.all(signing)) expect(browser.page.status, browser.page.text).toBe(200);
  await expect.poll(() => said('this process writes the log')).toBeGreaterThanOrEqual(2);
  await expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: 13 });
});

test('when the one that writes is forgotten, as one whose machine is cut off, it writes no more and another does', async () => {
  await sql(databaseUrl, "UPDATE lease SET renewed = '-infinity', epoch = epoch + 1");
  const browser = world.browser();
  await sign(browser, world, 'trains', 'citoyen-4', '13');
  expect(browser.page.status, browser.page.text).toBe(200);
  await expect.poll(() => said('this process writes the log no more')).toBe(1);
  await expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: 14 });
});

test('what the operator finds is one whole log, and what anyone recounts is what all of them say', async () => {
  expect(await command(env, 'fsck')).toMatchObject({ code: 0, out: expect.stringContaining('The log is whole') });
  expect(await command({}, 'audit', world.origin)).toMatchObject({ code: 0 });
});
