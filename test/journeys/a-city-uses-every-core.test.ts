/** `paraphe serve --workers 2` on SQLite: two processes serve, one writes, and whichever dies is replaced. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser } from '../fakes/browser.ts';
import { command } from '../fakes/command.ts';
import { Serving } from '../fakes/serving.ts';
import { logIn, receiptOf, sign, startWorld, TRAINS, tallyOf, type World } from '../fakes/world.ts';

let world: World;
let serving: Serving;
beforeAll(async () => {
  world = await startWorld({ petitions: [TRAINS] });
  await world.stop();
  serving = await new Serving(world.env, '--workers', '2').ready();
});
afterAll(async () => {
  await serving.stop();
  await world.close();
});

const total = (count: number) => expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: count });

test('three processes work on the folder, and no command takes it from them', async () => {
  expect([serving.children('web').length, serving.children('writer').length]).toEqual([2, 1]);
  expect(await command(world.env, 'petition', 'list')).toMatchObject({ code: 0 });
  const second = new Serving({ ...world.env, PORT: '0' });
  expect(await second.ended).toBe(1);
  expect(second.out).toMatch(/^Another process writes the log in .*: one gateway serves a data folder\.\n$/);
});

test('people sign, and sign again, whichever process they meet', async () => {
  const people = Array.from({ length: 8 }, (_, i) => `citoyen-${i + 1}`);
  const first = await Promise.all(people.map((login) => signAs(login)));
  const again = await Promise.all(people.map((login) => signAs(login, '')));
  for (const [i, claims] of first.entries()) expect(again[i]).toEqual(claims);
  await total(8);
});

test('what one of them says of the log is never older than what another has said', async () => {
  // Each request on a connection of its own: whichever process takes it.
  const read = (path: string) => fetch(world.origin + path, { headers: { connection: 'close' } });
  const sizeOf = async () => Number((await (await read('/log/checkpoint')).text()).split('\n')[1]);
  for (let round = 0; round < 12; round++) {
    const before = await sizeOf();
    const signed = signAs(`citoyen-${60 + round}`);
    let size = before;
    while (size === before) size = await sizeOf();
    const tile = size % 256 === 0 ? '' : `.p/${size % 256}`;
    const tiles = ['0', 'entries'].map(async (level) => (await read(`/log/tile/${level}/000${tile}`)).status);
    const tallies = Array.from({ length: 4 }, async () => {
      const tally = (await (await read('/api/petitions/trains/tally')).json()) as { checkpoint: { size: number } };
      return tally.checkpoint.size;
    });
    expect(await Promise.all(tiles)).toEqual([200, 200]);
    for (const told of await Promise.all(tallies)) expect(told).toBeGreaterThanOrEqual(size);
    expect(await sizeOf()).toBeGreaterThanOrEqual(size);
    await signed;
  }
  await total(20);
});

test('one that serves is killed: it is replaced, and nobody’s signature is lost', async () => {
  const victim = serving.kill('web');
  await expect.poll(() => serving.children('web').filter((pid) => pid !== victim).length).toBe(2);
  await signAs('citoyen-9');
  await total(21);
});

test('the one that writes is killed while twenty people press: all of them are answered by the next one', async () => {
  const browsers = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const browser = world.browser();
      await logIn(browser, world, 'trains', `citoyen-${20 + i}`);
      return browser;
    }),
  );
  const pressed = browsers.map((browser) => browser.submit({ department: '69' }, { form: '/confirm' }));
  await wait(30);
  serving.kill('writer');
  await Promise.all(pressed);
  for (const browser of browsers) expect(await outcomeOf(browser)).toMatchObject({ department: '69' });
  await total(41);
});

test('SIGTERM ends all of them, those that serve first, and what is left is whole', async () => {
  await Promise.all(['citoyen-50', 'citoyen-51'].map((login) => signAs(login)));
  expect(await serving.stop()).toBe(0);
  expect(await command(world.env, 'fsck')).toMatchObject({ code: 0, out: expect.stringContaining('The log is whole') });
  expect(serving.out).not.toContain('internal error');
});

/** @param department '' where nothing is asked: they have signed */
async function signAs(login: string, department = '33') {
  const browser = world.browser();
  await sign(browser, world, 'trains', login, department === '' ? undefined : department);
  return outcomeOf(browser);
}

async function outcomeOf(browser: Browser) {
  expect(browser.page.status, browser.page.text).toBe(200);
  return (await receiptOf(browser)).claims;
}
