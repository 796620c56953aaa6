import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium } from '../fakes/chromium.ts';
import { startWorld, type World } from '../fakes/world.ts';

const BRAND = `
name: Villeneuve <décide>
logo: logo.svg
icon: icon.png
colours:
  light: { ink: "#0b5d3b", ink-strong: "#073f28" }
operator: { name: Ville de Villeneuve, contact: "mailto:petitions@villeneuve.example" }
source: https://villeneuve.example/source
footer:
  fr: "Une démarche de la [ville](https://villeneuve.example). <script>alert(1)</script>"
notices:
  fr: "**Directrice de la publication** : la maire."
  en: "**Publisher**: the mayor."
controller:
  fr: La Ville, sur la base de l’article 9.
`;
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><rect width="90" height="30" fill="#0b5d3b"/></svg>';

let folder: string;
let world: World;
let chromium: Chromium;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'paraphe-brand-'));
  writeFileSync(join(folder, 'brand.yaml'), BRAND);
  writeFileSync(join(folder, 'logo.svg'), LOGO);
  writeFileSync(join(folder, 'icon.png'), Buffer.from('89504e470d0a1a0a', 'hex'));
  [world, chromium] = await Promise.all([startWorld({ env: { BRAND: folder } }), Chromium.start()]);
});

afterAll(async () => {
  await chromium.close();
  await world.close();
  rmSync(folder, { recursive: true });
});

const get = async (path: string) => (await fetch(world.origin + path)).text();

describe('a gateway with a brand', () => {
  test('bears its name wherever it names itself, as text', async () => {
    const html = await get('/how-it-works');
    expect(html).toContain('– Villeneuve &lt;décide&gt;</title>');
    expect(html).toContain('ne protège pas');
    expect(html).not.toMatch(/Paraphe|<décide>/);
  });

  test('shows its logo instead of the flourish, and takes no room before it is there', async () => {
    const someone = await chromium.person();
    await someone.open(world.origin);
    const logo = someone.page.getByRole('link', { name: 'Villeneuve <décide>' }).locator('img');
    expect(await logo.boundingBox()).toMatchObject({ width: 144, height: 48 });
    expect(someone.watch.complaints).toEqual([]);
  });

  test('wears its colours', async () => {
    const someone = await chromium.person({ javaScriptEnabled: true, colorScheme: 'light' });
    await someone.open(world.origin);
    const ink = await someone.page.evaluate('getComputedStyle(document.querySelector(".count strong")).color');
    expect(ink).toBe('rgb(11, 93, 59)');
  });

  test('says who runs it, with its notices in the reader’s language', async () => {
    const french = await get('/transparency');
    expect(french).toContain('Ville de Villeneuve tient ce site');
    expect(french).toContain('href="mailto:petitions@villeneuve.example"');
    expect(french).toContain('<strong>Directrice de la publication</strong>');
    expect(await get('/transparency?lang=en')).toContain('<strong>Publisher</strong>');
    expect(await get('/accessibility')).toContain('mailto:petitions@villeneuve.example');
  });

  test('shows a text that it has in one language alone to all, and says which', async () => {
    expect(await get('/privacy?lang=en')).toMatch(/<div lang="fr">\s*<p>La Ville, sur la base/);
  });

  test('has its footer on every page, links and all, and nothing that runs', async () => {
    for (const path of ['/', '/petitions/trains', '/no-such-page']) {
      const footer = (await get(path)).split('<footer')[1] ?? '';
      expect(footer).toContain('href="https://villeneuve.example"');
      expect(footer).toContain('href="https://villeneuve.example/source"');
      expect(footer).toContain('&lt;script&gt;');
    }
  });
});

test('without a brand, nobody answers for the site, and it says so', async () => {
  const plain = await startWorld();
  const html = await (await fetch(`${plain.origin}/transparency`)).text();
  expect(html).toContain('n’a pas écrit son nom ici');
  await plain.close();
});
