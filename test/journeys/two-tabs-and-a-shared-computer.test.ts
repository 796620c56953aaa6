/** One browser for two journeys, or for two people, in a real Chromium, JavaScript off. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { recorded } from '../fakes/recorded.ts';
import { startWorld, type World } from '../fakes/world.ts';

let world: World;
let chromium: Chromium;
let trains: string;
let gardens: string;

const ALL_PAGES = [
  'Choisissez un compte pour vous connecter',
  'Connectez-vous avec une identité de démonstration',
  'Vous allez continuer sur Paraphe',
];
const INFORMATION_ONLY = ALL_PAGES.slice(2);

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld(), Chromium.start()]);
  trains = `${world.origin}/petitions/trains`;
  gardens = `${world.origin}/petitions/jardins`;
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

const ourCookies = async (person: Person) => (await person.cookies()).filter((name) => name.startsWith('paraphe_'));
const total = async (slug: string) => (await recorded(world, slug)).total;

describe('two tabs at once', () => {
  test('Bastien signs two petitions, step by step in turn: two cookies, two signatures, two receipts', async () => {
    const [inTrains, inGardens] = [await total('trains'), await total('jardins')];
    const one = await chromium.person();
    const two = await one.tab();
    await one.open(trains);
    await two.open(gardens);
    await one.press();
    await two.press();
    expect(await ourCookies(one)).toHaveLength(2);
    await one.passFranceConnect('né_29_février');
    await two.passFranceConnect('né_29_février');
    expect(one.page.url()).toContain('/petitions/trains/confirm?');
    expect(two.page.url()).toContain('/petitions/jardins/confirm?');

    await one.page.locator('select').selectOption('22');
    await one.press();
    expect(await one.heading()).toBe('C’est signé !');
    expect(await ourCookies(one)).toHaveLength(1);
    await two.press();
    expect(await two.heading()).toBe('C’est signé !');
    expect(await one.cookies()).toEqual([]);

    const [first, second] = [(await one.receipt()).claims, (await two.receipt()).claims];
    expect(first.petition).not.toBe(second.petition);
    expect(first.sub).not.toBe(second.sub);
    expect([await total('trains'), await total('jardins')]).toEqual([inTrains + 1, inGardens + 1]);
  });

  test('Teiva signs one petition in both: one signature, the same receipt twice', async () => {
    const before = await total('jardins');
    const one = await chromium.person();
    const two = await one.tab();
    await one.logIn(gardens, 'naissance_polynesie_française');
    expect(await two.logIn(gardens, 'naissance_polynesie_française')).toEqual(INFORMATION_ONLY);
    expect(await ourCookies(one)).toHaveLength(2);
    await one.press();
    await two.press();
    for (const tab of [one, two]) expect(await tab.heading()).toBe('C’est signé !');
    expect((await one.receipt()).claims).toEqual((await two.receipt()).claims);
    expect(await one.cookies()).toEqual([]);
    expect(await total('jardins')).toBe(before + 1);
  });

  test('Ghjulia signs in one tab while the other still stands at FranceConnect: that one asks who she is, and finds her receipt', async () => {
    const one = await chromium.person();
    const two = await one.tab();
    await two.open(gardens);
    await two.press();
    await one.sign(gardens, 'test_CORSE_2A');
    expect(await two.passFranceConnect('test_CORSE_2A')).toEqual(ALL_PAGES);
    expect(await two.heading()).toBe('Vous avez déjà signé');
    await two.press();
    expect((await two.receipt()).claims).toEqual((await one.receipt()).claims);
    expect(await one.cookies()).toEqual([]);
  });

  test('Dumenicu presses in a copy of a confirm page that is over: a page tells him how to find his receipt', async () => {
    const before = await total('jardins');
    const one = await chromium.person();
    await one.logIn(gardens, 'test_CORSE_2B');
    const copy = await one.tab();
    await copy.open(one.page.url());
    await one.press();
    await copy.press();
    expect(await copy.text()).toContain('Si vous aviez déjà signé, vous retrouverez votre reçu');
    expect(await total('jardins')).toBe(before + 1);
  });
});

describe('a shared computer', () => {
  test('Amina signs, then Tariq: FranceConnect asks him who he is', async () => {
    const before = await total('trains');
    const amina = await chromium.person();
    await amina.sign(trains, 'étranger_présumé_né_jour_et_mois', '93');
    const hers = (await amina.receipt()).claims;

    const tariq = await amina.tab();
    expect(await tariq.logIn(trains, 'étranger_présumé_né_jour')).toEqual(ALL_PAGES);
    expect(await tariq.heading()).toBe('Confirmer ma signature');
    expect(await tariq.text()).toContain('novembre 1992');
    await tariq.page.locator('select').selectOption('94');
    await tariq.press();
    expect((await tariq.receipt()).claims.sub).not.toBe(hers.sub);
    expect(await total('trains')).toBe(before + 2);
  });

  test('Maëlys leaves in the middle; Jean Ignace sees that the birth date is not his, and says so', async () => {
    const before = await total('jardins');
    const maelys = await chromium.person();
    await maelys.logIn(gardens, 'caractères_spéciaux');
    await maelys.page.close();

    const jean = await maelys.tab();
    expect(await jean.logIn(gardens, 'prénom_composé_avec_espace')).toEqual(INFORMATION_ONLY);
    expect(await jean.text()).toContain('2 octobre 1993');
    await jean.page.getByRole('link', { name: 'Ce n’est pas moi' }).click();
    await jean.press('Ce n’est pas moi');
    expect(jean.page.url()).toBe(gardens);
    // His journey is over, and so is the one that she left: nobody opens it again from this browser's history.
    expect(await jean.cookies()).toEqual([]);
    expect(await total('jardins')).toBe(before);

    await jean.press();
    expect(await jean.passFranceConnect('prénom_composé_avec_espace')).toEqual(ALL_PAGES);
    expect(await jean.text()).toContain('22 janvier 1971');
    await jean.press();
    expect(await jean.heading()).toBe('C’est signé !');
    expect(await total('jardins')).toBe(before + 1);
  });

  test('Coelia says so too, although it is her: her session at FranceConnect is over', async () => {
    const coelia = await chromium.person();
    await coelia.logIn(gardens, 'carac_speciaux');
    await coelia.press('Ce n’est pas moi');
    expect(await coelia.cookies()).toEqual([]);
  });
});
