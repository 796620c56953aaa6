/** Zoé's signature was invalidated: whatever she tries on the open petition, she is told that, and what she can do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../fakes/command.ts';
import { arrive, beginVisit, browserOf, idOf, openSite } from '../fakes/petition-site.ts';
import { recorded } from '../fakes/recorded.ts';
import { logIn, passFranceConnect, receiptOf, sign, startWorld, type World } from '../fakes/world.ts';

const ZOE = 'test';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  const zoe = world.browser();
  await sign(zoe, world, 'trains', ZOE, '35');
  const nyms = join(world.dataDir, 'nyms');
  writeFileSync(nyms, String((await receiptOf(zoe)).claims.sub));
  const env = { DATA_DIR: world.dataDir };
  await command(env, 'invalidate', 'trains', '--ground', 'fraud', '--nyms', nyms, '--apply');
});
afterAll(() => world.close());

test.each([
  ['fr', 'Votre signature a été annulée'],
  ['en', 'Your signature was invalidated'],
])('signing again, in %s', async (language, title) => {
  const zoe = world.browser({ headers: { 'accept-language': language } });
  await logIn(zoe, world, 'trains', ZOE);
  expect([zoe.page.status, zoe.page.text.includes(title)]).toEqual([403, true]);
  expect(zoe.page.html).toContain('signature-invalidated');
  await zoe.submit({}, { form: '/logout' });
  expect(zoe.page.url).toContain('/petitions/trains');
});

test('withdrawing', async () => {
  const zoe = world.browser();
  await zoe.get(`${world.origin}/petitions/trains`);
  await zoe.submit({}, { form: '/withdraw' });
  await passFranceConnect(zoe, ZOE);
  expect([zoe.page.status, zoe.page.html.includes('signature-invalidated')]).toEqual([403, true]);
});

test('pressing on a page of before', async () => {
  const zoe = world.browser();
  await logIn(zoe, world, 'trains', ZOE);
  const journey = new URL(zoe.page.url).searchParams.get('journey');
  const pressed = await zoe.post(
    `${world.origin}/petitions/trains/confirm?journey=${journey}`,
    { department: '35' },
    world.origin,
  );
  expect([pressed.status, pressed.html.includes('signature-invalidated')]).toEqual([403, true]);
  expect(await recorded(world, 'trains')).toMatchObject({ total: 0, invalidated: new Map([['fraud', 1]]) });
});

test('at a petition site: it learns that she cannot sign, and nothing more', async () => {
  const site = await openSite(world);
  const zoe = browserOf(world, site);
  await arrive(zoe, await beginVisit(site, await idOf(world, 'trains')), ZOE);
  expect([zoe.page.status, zoe.page.html.includes('signature-invalidated')]).toEqual([403, true]);
  await zoe.submit({}, { form: '/logout' });
  const { searchParams } = new URL(zoe.page.url);
  expect(searchParams.get('error')).toBe('access_denied');
  expect(searchParams.get('error_description')).toBe('the person cannot sign this petition');
});

test('somebody else signs', async () => {
  const other = world.browser();
  await sign(other, world, 'trains', 'nom_composé', '75');
  expect(other.page.html).toContain('receipt.jwt');
});
