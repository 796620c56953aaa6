/** The same journey under other conditions, in a real Chromium, JavaScript off: in English on a phone, across two sites. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { recorded } from '../fakes/recorded.ts';
import { startWorld, type World } from '../fakes/world.ts';

let chromium: Chromium;

beforeAll(async () => {
  chromium = await Chromium.start();
});

afterAll(() => chromium.close());

describe('Emma, on a phone, who reads English', () => {
  // The phone itself is French: only `?lang=en` speaks for her, and each page and form must carry it on.
  const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, locale: 'fr-FR' };
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.close());

  /** English, as wide as the screen, and no thumb needed to read sideways. */
  async function checkPage(emma: Person): Promise<void> {
    expect(await emma.page.locator('html').getAttribute('lang')).toBe('en');
    expect(await emma.page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await emma.page.locator('main').getAttribute('lang')).toBe(null);
  }

  test('goes from the list to her receipt without a French page of ours, and without scrolling sideways', async () => {
    const emma = await chromium.person(PHONE);
    await emma.open(`${world.origin}/?lang=en`);
    await checkPage(emma);
    await emma.follow('Des trains de nuit');
    await checkPage(emma);
    await emma.follow('How it works');
    await checkPage(emma);
    await emma.page.goBack();

    await emma.press();
    const asked = emma.watch.requests.find((request) => request.includes('/api/v2/authorize?'));
    expect(new URL(asked?.split(' ')[1] ?? '').searchParams.get('ui_locales')).toBe('en');
    await emma.passFranceConnect('genre_indéfini');
    await checkPage(emma);
    expect(await emma.heading()).toBe('Confirm my signature');
    expect(await emma.text()).toContain('19 September 1995');
    await emma.page.locator('select').selectOption('31');
    await emma.press();

    await checkPage(emma);
    expect(await emma.heading()).toBe('Signed!');
    expect((await emma.receipt()).claims).toMatchObject({ department: '31' });
    await emma.follow('Check this receipt yourself');
    await checkPage(emma);
    await emma.page.goBack();

    await emma.press('Withdraw my signature');
    await emma.passFranceConnect('genre_indéfini');
    await checkPage(emma);
    await emma.press();
    await checkPage(emma);
    expect(await emma.heading()).toBe('Signature withdrawn');
    expect(emma.watch.complaints).toEqual([]);
  });

  test('is told in English that she turned back, and that she forgot her département', async () => {
    const emma = await chromium.person(PHONE);
    await emma.open(`${world.origin}/petitions/trains?lang=en`);
    await emma.press();
    await emma.follow('Revenir sur Paraphe');
    await checkPage(emma);
    expect(await emma.heading()).toBe('Login cancelled');
    await emma.follow('Back to the petition');
    await checkPage(emma);

    await emma.press();
    await emma.passFranceConnect('genre_indéfini');
    await emma.page
      .locator('form')
      .first()
      .evaluate((form) => form.setAttribute('novalidate', ''));
    await emma.press();
    await checkPage(emma);
    expect(await emma.text()).toContain('You did not choose a département.');
    await emma.press('This is not me');
    await checkPage(emma);
    expect(emma.page.url()).toBe(`${world.origin}/petitions/trains?lang=en`);
  });

  test('may ask for English as late as on the confirm page, and keeps it to the receipt', async () => {
    const emma = await chromium.person(PHONE);
    await emma.logIn(`${world.origin}/petitions/jardins`, 'test');
    expect(await emma.heading()).toBe('Confirmer ma signature');
    await emma.follow('English');
    await checkPage(emma);
    expect(await emma.heading()).toBe('Confirm my signature');
    await emma.press();
    await checkPage(emma);
    expect(await emma.heading()).toBe('Signed!');
  });

  test('is understood without `?lang=` too, when it is her browser that is English', async () => {
    const emma = await chromium.person({ ...PHONE, locale: 'en-GB' });
    await emma.sign(`${world.origin}/petitions/jardins`, 'homonyme_2');
    await checkPage(emma);
    expect(await emma.heading()).toBe('Signed!');
    expect(emma.page.url()).not.toContain('lang=');
  });
});

describe('FranceConnect on another site than the gateway (two ports of one host are one site)', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ franceConnect: { publicHost: '127.0.0.1' } });
  });
  afterAll(() => world.close());

  test('Edmond signs, withdraws, and no cookie stays on either side', async () => {
    expect(new URL(world.franceConnect.origin).hostname).not.toBe(new URL(world.origin).hostname);
    const edmond = await chromium.person();
    await edmond.sign(`${world.origin}/petitions/trains`, 'dix_huit_ans', '66');
    expect(await edmond.heading()).toBe('C’est signé !');
    expect(await edmond.cookies()).toEqual([]);
    await edmond.press('Retirer ma signature');
    await edmond.passFranceConnect('dix_huit_ans');
    await edmond.press();
    expect(await edmond.heading()).toBe('Signature retirée');
    expect(await edmond.cookies()).toEqual([]);
    expect(await recorded(world, 'trains')).toMatchObject({ total: 0, withdrawn: 1 });
    expect(edmond.watch.complaints).toEqual([]);
  });

  test('a cookie that stayed at home on the way back would end the journey: SameSite=Strict shows it here alone', async () => {
    const oneSite = await startWorld();
    try {
      const ended: string[] = [];
      for (const { origin } of [world, oneSite]) {
        const someone = await chromium.person();
        await someone.open(`${origin}/petitions/jardins`);
        await someone.press();
        const cookies = await someone.context.cookies();
        const strict = cookies.map((cookie) => ({ ...cookie, sameSite: 'Strict' as const }));
        await someone.context.addCookies(strict.filter(({ name }) => name.startsWith('paraphe_')));
        await someone.passFranceConnect('test');
        ended.push(await someone.heading());
      }
      expect(ended).toEqual(['Parcours introuvable', 'Confirmer ma signature']);
    } finally {
      await oneSite.close();
    }
  });
});
