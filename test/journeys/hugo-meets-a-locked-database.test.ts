import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recorded } from '../fakes/recorded.ts';
import { logIn, receiptOf, startWorld, tallyOf, type World } from '../fakes/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

test('while the database takes no write, Hugo is told so and loses nothing; then the same press signs', async () => {
  const hugo = world.browser();
  await logIn(hugo, world, 'jardins', 'test');
  const confirm = hugo.page.url;

  const other = new Database(join(world.dataDir, 'paraphe.sqlite'));
  other.exec('BEGIN IMMEDIATE');
  await hugo.submit({}, { form: '/confirm' });
  expect(hugo.page.status).toBe(503);
  expect(hugo.page.html).toContain('storage-unavailable');
  expect(hugo.page.headers.get('retry-after')).toBe('5');
  expect(await recorded(world, 'jardins')).toMatchObject({ total: 0 });
  expect((await fetch(`${world.origin}/petitions/jardins`)).status).toBe(200);
  other.exec('ROLLBACK');
  other.close();

  await hugo.get(confirm);
  await hugo.submit({}, { form: '/confirm' });
  expect((await receiptOf(hugo)).claims).toMatchObject({ iss: world.origin });
  await expect.poll(() => tallyOf(world, 'jardins')).toMatchObject({ total: 1 });
});

test('and what Hugo has chosen is kept: he presses again on the same page', async () => {
  const hugo = world.browser();
  await logIn(hugo, world, 'trains', 'test');
  const other = new Database(join(world.dataDir, 'paraphe.sqlite'));
  other.exec('BEGIN IMMEDIATE');
  await hugo.submit({ department: '2A' }, { form: '/confirm' });
  expect(hugo.page.status).toBe(503);
  expect(hugo.page.html).toContain('<option value="2A" selected>');
  expect(hugo.page.html).toMatch(/<div class="field-error" role="alert">/);
  other.exec('ROLLBACK');
  other.close();

  await hugo.submit({}, { form: '/confirm' });
  expect((await receiptOf(hugo)).claims).toMatchObject({ department: '2A' });
});
