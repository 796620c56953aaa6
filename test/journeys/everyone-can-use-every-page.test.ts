/**
 * axe-core on each page and state of a journey, in both languages, light and dark: no violation of WCAG 2.2 AA. It needs
 * JavaScript in the browser; the pages have none of their own.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { withRegister } from '../../src/log-writer.ts';
import type { PetitionId } from '../../src/petitions/petition.ts';
import { newNym, signed } from '../fakes/acts.ts';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { GARDENS, startWorld, TRAINS, type World } from '../fakes/world.ts';

const WCAG_22_AA = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const CLOSED = 'slug: cantines\ntitle: Des cantines locales\nmin_age: 18\ndepartments: false\ncloses: 2020-01-01';
const THRESHOLDS = '\nthresholds: [{ signatures: 3, departments: 2, label: { fr: Débattue, en: Debated } }]';

// A dozen pages, each looked at twice, by a tool that takes its time.
vi.setConfig({ testTimeout: 60_000 });

let world: World;
let chromium: Chromium;

beforeAll(async () => {
  [world, chromium] = await Promise.all([
    startWorld({ petitions: [GARDENS, TRAINS + THRESHOLDS, CLOSED] }),
    Chromium.start(),
  ]);
  // So that there is something to draw.
  const answer = await fetch(`${world.origin}/api/petitions/trains`);
  const { id } = (await answer.json()) as { id: PetitionId };
  const acts = ['75', '2A', '971', '99'].map((department) => signed(newNym(), department, id));
  const now = () => new Date();
  await withRegister(world.config.storage, now, ({ register }) => register.recordAll(acts));
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

/** In light, which brings axe into the page, then in dark. Frames, which legacy mode does not look into, are not ours. */
async function violations({ page }: Person): Promise<string[]> {
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await new AxeBuilder({ page }).withTags(WCAG_22_AA).setLegacyMode(true).analyze();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = (await page.evaluate(`axe.run({ runOnly: ${JSON.stringify(WCAG_22_AA)} })`)) as typeof light;
  if (light.passes.length === 0 || dark.passes.length < light.passes.length)
    throw new Error('axe looked at too little');
  const { pathname } = new URL(page.url());
  return Object.entries({ light, dark }).flatMap(([scheme, results]) =>
    results.violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${scheme} ${pathname} ${id}: ${target}`)),
  );
}

async function checkPage(person: Person, title: RegExp): Promise<void> {
  expect(await person.heading()).toMatch(title);
  // What is folded is a page's content too.
  await person.page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
  expect(await violations(person)).toEqual([]);
}

describe.each(['fr', 'en'])('in %s', (lang) => {
  const someone = () =>
    chromium.person({
      javaScriptEnabled: true,
      locale: lang,
      reducedMotion: 'reduce',
      viewport: { width: 390, height: 844 },
    });
  const [signer, minor] = lang === 'fr' ? ['test', 'moins_18_ans'] : ['nom_composé', 'dix_sept_ans'];
  const is = (fr: RegExp, en: RegExp) => (lang === 'fr' ? fr : en);

  test('a journey from the confirm page to the receipt, and back', async () => {
    const person = await someone();
    await person.logIn(`${world.origin}/petitions/trains`, signer);
    await checkPage(person, is(/^Confirmer ma signature/, /^Confirm my signature/));
    await person.page.evaluate('document.querySelector("main form").noValidate = true');
    await person.press();
    expect(await person.page.locator('[aria-invalid=true]').count()).toBe(1);
    await checkPage(person, is(/^Confirmer ma signature/, /^Confirm my signature/));
    await person.page.locator('select').selectOption('75');
    await person.press();
    await checkPage(person, is(/^C’est signé/, /^Signed/));

    await person.logIn(`${world.origin}/petitions/trains`, signer);
    await checkPage(person, is(/^Vous avez déjà signé/, /^You have already signed/));
    await person.press();
    await person.press(is(/Retirer ma signature/, /Withdraw my signature/).source);
    await person.passFranceConnect(signer);
    await checkPage(person, is(/^Retirer ma signature/, /^Withdraw my signature/));
    await person.press();
    await checkPage(person, is(/^Signature retirée/, /^Signature withdrawn/));
  });

  test('refusals', async () => {
    const person = await someone();
    await person.logIn(`${world.origin}/petitions/trains`, minor);
    await checkPage(person, is(/l’âge de signer/, /old enough/));
    await person.press(is(/Se déconnecter de FranceConnect/, /Log out at FranceConnect/).source);
    await person.press();
    await person.follow('Revenir sur Paraphe');
    await checkPage(person, is(/^Connexion annulée/, /^Login cancelled/));
    await person.open(`${world.origin}/petitions/trains/receipt/no-such-receipt`);
    await checkPage(person, is(/^Adresse de reçu/, /^Wrong receipt address/));
  });

  test('what anybody reads', async () => {
    const person = await someone();
    for (const path of [
      '/',
      '/?q=nothing-like-it&sort=closing',
      '/petitions/trains',
      '/petitions/trains/figures',
      '/petitions/cantines',
      '/how-it-works',
      '/privacy',
      '/accessibility',
      '/verify',
      '/log',
      '/no-such-page',
    ]) {
      await person.open(world.origin + path);
      if (path === '/petitions/trains') expect(await person.page.locator('.chart').count()).toBe(2);
      await checkPage(person, /./);
    }
  });
});

test('the simulated FranceConnect', async () => {
  const person = await chromium.person({ javaScriptEnabled: true });
  await person.open(`${world.origin}/petitions/trains`);
  await person.press();
  await checkPage(person, /^Choisissez un compte/);
  await person.press();
  await person.logInHere('nobody');
  expect(await person.page.locator('[role=alert]').count()).toBe(1);
  await checkPage(person, /^Connectez-vous/);
  await person.logInHere('test');
  await checkPage(person, /^Vous allez continuer/);
});

test('axe notices what some could not read, in light, in dark, and aloud', async () => {
  const person = await chromium.person({ javaScriptEnabled: true });
  await person.open(world.origin);
  await person.page.evaluate("document.querySelector('h1').style.color = '#aaa'");
  await person.page.evaluate("document.querySelector('.lead').style.color = '#444'");
  await person.page.evaluate("document.documentElement.removeAttribute('lang')");
  expect(await violations(person)).toEqual([
    'light / color-contrast: h1',
    'light / html-has-lang: html',
    'dark / color-contrast: .lead',
    'dark / html-has-lang: html',
  ]);
});
