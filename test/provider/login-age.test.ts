/** A site that asks for a young login (`max_age`) hears of an old one before anything is recorded. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  arrive,
  beginVisit,
  browserOf,
  finishVisit,
  idOf,
  openSite,
  type PetitionSite,
  receiptIn,
} from '../fakes/petition-site.ts';
import { recorded } from '../fakes/recorded.ts';
import { logIn, startWorld, type World } from '../fakes/world.ts';

let world: World;
let site: PetitionSite;
beforeAll(async () => {
  world = await startWorld();
  site = await openSite(world);
});
afterAll(() => world.close());

test('a login of before that is older: nothing is recorded, the person is told, and the site too', async () => {
  const browser = browserOf(world, site);
  await logIn(browser, world, 'trains', 'test'); // they stay logged in at FranceConnect
  await wait(5_000);
  await arrive(browser, await beginVisit(site, await idOf(world, 'jardins'), { max_age: '1' }), 'test');
  expect([browser.page.status, browser.page.html.includes('login-too-old')]).toEqual([403, true]);
  expect(await recorded(world, 'jardins')).toMatchObject({ total: 0 });
  await browser.submit({}, { form: '/logout' });
  expect(new URL(browser.page.url).searchParams.get('error')).toBe('login_required');

  // Logged out there: the next time they log in for the site, and that is young enough.
  const visit = await beginVisit(site, await idOf(world, 'jardins'), { max_age: '1' });
  await arrive(browser, visit, 'test');
  await wait(3_000); // however long they read
  await browser.submit({}, { form: '/confirm' });
  expect(receiptIn(await finishVisit(site, visit, browser))).toMatch(/^ey/);
  expect(await recorded(world, 'jardins')).toMatchObject({ total: 1 });
});
