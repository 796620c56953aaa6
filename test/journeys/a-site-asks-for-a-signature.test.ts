/** From the example's site to the gateway, FranceConnect and back, in a real Chromium, JavaScript off; the site is another site. */
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen } from '../../src/listen.ts';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { openSite, type PetitionSite } from '../fakes/petition-site.ts';
import { startWorld, tallyOf, type World } from '../fakes/world.ts';

type Settings = { origin: string; issuer: string; clientId: string; clientSecret: string; petition: string };
const EXAMPLE = join(import.meta.dirname, '../../examples/petition-site/site.js');

let world: World;
let site: PetitionSite;
let home: string;
let chromium: Chromium;
let stop: () => void;

beforeAll(async () => {
  chromium = await Chromium.start();
  world = await startWorld();
  let app: RequestListener | undefined;
  const server = await listen((req, res) => app?.(req, res), '127.0.0.1', 0, 'PORT');
  stop = () => server.close();
  home = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  site = await openSite(world, { name: 'Ma ville participe', redirectUri: `${home}/callback` });
  const { createSite } = (await import(EXAMPLE)) as { createSite(settings: Settings): Promise<RequestListener> };
  app = await createSite({
    origin: home,
    issuer: `${world.origin}/oidc`,
    clientId: site.id,
    clientSecret: site.secret,
    petition: 'jardins',
  });
});
afterAll(async () => {
  stop();
  await chromium.close();
  await world.close();
});

/** Someone with a narrow telephone, on whose pages axe-core can be run: it needs JavaScript, the pages have none. */
const withTelephone = (locale: string) =>
  chromium.person({ javaScriptEnabled: true, locale, reducedMotion: 'reduce', viewport: { width: 320, height: 640 } });

async function expectAccessible({ page }: Person): Promise<void> {
  const { violations, passes } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  expect(passes.length).toBeGreaterThan(5);
  expect(violations).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
}

/** From the site's button to the gateway's own page after the login. */
async function send(person: Person, login: string, button: string): Promise<void> {
  await person.open(home);
  await person.press(button);
  await person.passFranceConnect(login);
}

test('Léa signs for her city’s site, which verifies her receipt offline and counts her once', async () => {
  const lea = await chromium.person();
  await send(lea, 'test', 'Signer avec Paraphe');
  expect(lea.page.url()).toContain('/petitions/jardins/confirm');
  expect(await lea.text()).toContain('Ma ville participe saura');
  await lea.press();
  expect(lea.page.url()).toBe(`${home}/`);
  expect(await lea.text()).toContain('Votre signature du');
  expect(await lea.page.locator('strong', { hasText: 'ceci' }).count()).toBe(1); // its text is Markdown, and shown so
  expect(await lea.page.locator('#here').textContent()).toBe('1');
  expect(await lea.cookies()).toEqual(['site']); // the site's own: the gateway and FranceConnect leave none
  await expect.poll(() => tallyOf(world, 'jardins')).toMatchObject({ total: 1 });

  await send(lea, 'test', 'Signer avec Paraphe');
  await lea.press('Revenir sur Ma ville participe avec mon reçu');
  expect(await lea.text()).toContain('Vous aviez déjà signé');
  expect(await lea.page.locator('#here').textContent()).toBe('1');
  expect(await lea.page.locator('#log').textContent()).toBe('1');
  expect(lea.watch.complaints).toEqual([]);
  await lea.close();
});

test('Noa, too young, reads why, and returns to the site by the only button', async () => {
  const noa = await withTelephone('fr-FR');
  await send(noa, 'moins_16_ans', 'Signer avec Paraphe');
  expect(await noa.heading()).toBe('Vous n’avez pas encore l’âge de signer');
  await expectAccessible(noa);
  await noa.press();
  expect(noa.page.url()).toBe(`${home}/`);
  expect(await noa.text()).toContain('Paraphe vous a dit pourquoi');
  expect(await noa.cookies()).toEqual(['site']);
  await noa.close();
});

test('Emma logs in, in English, and the site learns a pseudonym; then she signs', async () => {
  const emma = await withTelephone('en-GB');
  await send(emma, 'citoyen-3', 'Se connecter avec Paraphe');
  expect(await emma.heading()).toBe('Log in to Ma ville participe');
  await expectAccessible(emma);
  await emma.press();
  expect(await emma.text()).toContain('sous le pseudonyme');
  await send(emma, 'citoyen-3', 'Signer avec Paraphe');
  expect(await emma.text()).toContain('What Ma ville participe will know');
  await expectAccessible(emma);
  await emma.press();
  expect(await emma.text()).toContain('Votre signature du');
  expect(emma.watch.complaints).toEqual([]);
  await emma.close();
});
