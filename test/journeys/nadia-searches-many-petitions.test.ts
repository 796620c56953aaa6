/** More petitions than one page holds, in a real Chromium without JavaScript; and an audit that reads all the pages. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Chromium } from '../fakes/chromium.ts';
import { command } from '../fakes/command.ts';
import { startWorld, type World } from '../fakes/world.ts';

const numbered = (n: number) => `slug: p${n}\ntitle: Des pistes n° ${n}\nmin_age: 18\ndepartments: false`;
const PETITIONS = [
  ...Array.from({ length: 21 }, (_, i) => numbered(i + 1)),
  'slug: ecole\ntitle: Garder l’école\nmin_age: 18\ndepartments: false\ncloses: 2090-01-01',
];

const mirror = mkdtempSync(join(tmpdir(), 'paraphe-mirror-'));
let world: World;
let chromium: Chromium;

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld({ petitions: PETITIONS }), Chromium.start()]);
});

afterAll(async () => {
  await chromium.close();
  await world.close();
  rmSync(mirror, { recursive: true });
});

test('Nadia turns the page, searches, sorts, changes the language, and finds what she typed where she typed it', async () => {
  const nadia = await chromium.person();
  const titles = () => nadia.page.locator('h3').allTextContents();
  await nadia.open(world.origin);
  const first = await titles();
  expect(first).toHaveLength(20);
  await nadia.follow('Page suivante');
  expect(new Set([...first, ...(await titles())]).size).toBe(22);
  expect(await nadia.text()).toContain('Page 2 sur 2');

  await nadia.page.getByLabel('Chercher une pétition').fill('ECOLE garder');
  await nadia.page.getByLabel('Dans l’ordre').selectOption({ label: 'Bientôt closes' });
  await nadia.press();
  expect(await titles()).toEqual(['Garder l’école']);
  expect(await nadia.text()).toContain('1 pétition trouvée');

  await nadia.follow('English');
  expect(await nadia.page.getByLabel('Search the petitions').inputValue()).toBe('ECOLE garder');
  expect(await nadia.page.getByLabel('In the order').inputValue()).toBe('closing');
  await nadia.page.getByLabel('Search the petitions').fill('nothing of the kind');
  await nadia.press();
  expect(await nadia.text()).toContain('0 petitions found');
  await nadia.follow('See all petitions');
  expect(await titles()).toHaveLength(20);
  expect(new URL(nadia.page.url()).search).toBe('?lang=en');
  expect(await nadia.cookies()).toEqual([]);
  expect(nadia.watch.complaints).toEqual([]);
});

test('an audit finds the count of each of them', async () => {
  const { code, out } = await command({}, 'audit', world.origin, '--mirror', mirror);
  expect(out).toContain('HOLDS');
  expect(code).toBe(0);
});
