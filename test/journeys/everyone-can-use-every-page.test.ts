/**
 * Each page and state, in both languages: usable for whoever reads it, hears it or tabs through it, in light and in dark
 * (`fakes/usable.ts` says what that is). A new page is a line of PAGES.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withRegister } from '../../src/log-writer.ts';
import type { PetitionId } from '../../src/petitions/petition.ts';
import { newNym, signed } from '../fakes/acts.ts';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { complaintsAbout, complaintsOfListener } from '../fakes/usable.ts';
import { GARDENS, startWorld, TRAINS, type World } from '../fakes/world.ts';

/** What anybody reads, by address; those of a journey follow below. */
const PAGES: readonly [path: string, status: number][] = [
  ['/', 200],
  ['/?q=nothing-like-it&sort=closing', 200],
  ['/petitions/trains', 200],
  ['/petitions/trains/figures', 200],
  ['/petitions/cantines', 200],
  ['/how-it-works', 200],
  ['/transparency', 200],
  ['/privacy', 200],
  ['/accessibility', 200],
  ['/verify', 200],
  ['/log', 200],
  ['/api', 200],
  ['/no-such-page', 404],
  ['/petitions/unknown', 404],
  ['/petitions/trains/receipt/no-such-receipt', 404],
];
const CLOSED = 'slug: cantines\ntitle: Des cantines locales\nmin_age: 18\ndepartments: false\ncloses: 2020-01-01';
const THRESHOLDS = '\nthresholds: [{ signatures: 3, departments: 2, label: { fr: Débattue, en: Debated } }]';

// A dozen pages, each looked at twice, by a tool that takes its time.

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

async function checkPage(person: Person, title: RegExp, known: readonly string[] = []): Promise<void> {
  expect(await person.heading()).toMatch(title);
  expect(await complaintsAbout(person.page), person.page.url()).toEqual(known);
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
  });

  test('what anybody reads', async () => {
    const person = await someone();
    for (const [path, status] of PAGES) {
      expect(await person.open(world.origin + path)).toBe(status);
      if (path === '/petitions/trains') expect(await person.page.locator('.chart').count()).toBe(2);
      await checkPage(person, /./);
    }
  });
});

/** Its pages are bare: a form, and no more. */
const BARE = ['heard: landmarks are main'];

test('the simulated FranceConnect', async () => {
  const person = await chromium.person({ javaScriptEnabled: true });
  await person.open(`${world.origin}/petitions/trains`);
  await person.press();
  await checkPage(person, /^Choisissez un compte/, BARE);
  await person.press();
  await person.logInHere('nobody');
  expect(await person.page.locator('[role=alert]').count()).toBe(1);
  await checkPage(person, /^Connectez-vous/, BARE);
  await person.logInHere('test');
  await checkPage(person, /^Vous allez continuer/, BARE);
});

test('every address that is a page is among them', async () => {
  const person = await chromium.person();
  await person.open(world.origin);
  const linked = await person.page
    .locator('a[href^="/"]')
    .evaluateAll((links) => links.map((a) => a.getAttribute('href')));
  const known = PAGES.map(([path]) => path);
  const pages = linked.filter((href) => !/^\/(api|petitions)\/|\.csv$|\?lang=/.test(href ?? ''));
  expect(pages.filter((href) => !known.includes(href ?? ''))).toEqual([]);
});

test('the complaints are real: what some could not see, hear, reach or read is noticed', async () => {
  const person = await chromium.person({ javaScriptEnabled: true, viewport: { width: 390, height: 844 } });
  await person.open(`${world.origin}/petitions/trains`);
  for (const damage of [
    "document.body.prepend(Object.assign(document.createElement('p'), { textContent: 'An offer!' }))",
    "document.querySelector('h1').style.color = '#aaa'",
    "document.querySelector('.rules').style.color = '#444'",
    "document.documentElement.removeAttribute('lang')",
    "document.querySelector('.languages').style.cssText = 'display: block; line-height: 1; font-size: 8px'",
    "for (const a of document.querySelectorAll('.languages a')) a.style.padding = 0",
    "document.querySelector('.back a').style.outline = 'none'",
    "document.querySelector('.statement').style.width = '500px'",
    "document.querySelector('.fr-connect').style.border = 'none'",
    "document.querySelector('main').style.transition = 'color 1s'",
    "document.querySelector('#sign-heading').outerHTML = '<h5 id=sign-heading>x</h5>'",
  ]) {
    await person.page.evaluate(damage);
  }
  const complaints = await complaintsAbout(person.page);
  for (const kind of [
    /^moved under the reader’s eyes: /,
    /^light color-contrast: h1/,
    /^light html-has-lang/,
    /^light target-size/,
    /^dark color-contrast: /,
    /^heard: heading 5 skips a level/,
    /^focus not marked: <a href="\/"/,
    /^wider than 320 pixels: /,
    /^no button any more in forced colours: S’identifier/,
    /^moves for someone who wants it still: MAIN/,
  ]) {
    expect(complaints).toContainEqual(expect.stringMatching(kind));
  }
});

test.each([
  ['- banner\n- main:\n  - heading "a" [level=1]\n- contentinfo', []],
  ['- main:\n  - heading "a" [level=1]\n- banner\n- contentinfo', ['landmarks are main,banner,contentinfo']],
  ['- banner\n- main:\n  - heading "a" [level=2]\n- contentinfo', ['headings begin 2', 'heading 2 skips a level']],
  ['- banner\n- main:\n  - heading "a" [level=1]\n  - combobox\n- contentinfo', ['combobox without a name']],
])('a listener who hears %j', (tree, complaints) => {
  expect(complaintsOfListener(tree)).toEqual(complaints);
});
