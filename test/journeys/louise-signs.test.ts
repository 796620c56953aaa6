/** Signing in a real Chromium, JavaScript off: the journey itself, and what people do in the middle of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium } from '../fakes/chromium.ts';
import { awayFromMidnight } from '../fakes/midnight.ts';
import { recorded } from '../fakes/recorded.ts';
import { startWorld, tallyOf, type World } from '../fakes/world.ts';

let world: World;
let chromium: Chromium;
let trains: string;
let gardens: string;

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld(), Chromium.start()]);
  trains = `${world.origin}/petitions/trains`;
  gardens = `${world.origin}/petitions/jardins`;
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

const total = async (slug: string) => (await recorded(world, slug)).total;

describe('signing', () => {
  test('Louise reads without a cookie, signs, and leaves with her receipt and no cookie', async () => {
    const louise = await chromium.person();
    await louise.open(world.origin);
    await louise.follow('Des trains de nuit');
    expect(await louise.cookies()).toEqual([]);
    expect(await louise.watch.cookies()).toEqual([]);

    await louise.press();
    await louise.passFranceConnect('test');
    expect(await louise.heading()).toBe('Confirmer ma signature');
    expect(await louise.text()).toContain('24 août 1962');
    const ours = (await louise.context.cookies()).filter(({ name }) => name.startsWith('paraphe_'));
    expect(ours).toEqual([expect.objectContaining({ httpOnly: true, sameSite: 'Lax', path: '/' })]);

    await louise.page.locator('select[name=department]').selectOption('75');
    await louise.press();
    expect(await louise.heading()).toBe('C’est signé !');
    expect(await louise.cookies()).toEqual([]);
    expect((await louise.receipt()).claims).toMatchObject({ iss: world.origin, department: '75' });
    await expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: 1, by_department: { 75: 1 } });
    expect(louise.watch.complaints).toEqual([]);
  });

  test('Marie-Odile forgets her département: the browser stops her, and she goes on', async () => {
    const odile = await chromium.person();
    await odile.logIn(trains, 'prénom_composé');
    await odile.mainButton.click();
    await expect(odile.page.locator('select:invalid').count()).resolves.toBe(1);
    expect(await odile.heading()).toBe('Confirmer ma signature');
    await odile.page.locator('select[name=department]').selectOption('2B');
    await odile.press();
    expect(await odile.heading()).toBe('C’est signé !');
  });
});

describe('signing again', () => {
  test('Michel comes back a week later in another browser: the same one signature, the same receipt', async () => {
    let weeks = 0;
    const his = await startWorld({ clock: () => new Date(Date.now() + weeks * 7 * 86_400_000) });
    try {
      const petition = `${his.origin}/petitions/trains`;
      const michel = await chromium.person();
      await michel.sign(petition, 'homonyme_1', '57');
      const { claims } = await michel.receipt();
      await michel.close();

      weeks = 1;
      his.franceConnect.switches.clockOffset = 7 * 86_400; // a provider's clock goes with ours
      const later = await chromium.person();
      await later.logIn(petition, 'homonyme_1');
      expect(await later.heading()).toBe('Vous avez déjà signé');
      expect(await later.page.locator('select').count()).toBe(0);
      await later.press();
      expect(await later.heading()).toBe('C’est signé !');
      expect((await later.receipt()).claims).toEqual(claims);
      expect(await later.cookies()).toEqual([]);
      await expect.poll(() => tallyOf(his, 'trains')).toMatchObject({ total: 1, by_day: { [String(claims.day)]: 1 } });
    } finally {
      await his.close();
    }
  });

  test('Yasmina withdraws and signs again', async () => {
    await awayFromMidnight();
    const before = await total('trains');
    const yasmina = await chromium.person();
    await yasmina.sign(trains, 'naissance_Algérie', '13');
    const { claims } = await yasmina.receipt();

    await yasmina.press('Retirer ma signature');
    expect(await yasmina.passFranceConnect('naissance_Algérie')).toHaveLength(3);
    expect(await yasmina.heading()).toBe('Retirer ma signature');
    await yasmina.press();
    expect(await yasmina.heading()).toBe('Signature retirée');
    expect(await yasmina.page.locator('a[href*="receipt.jwt"]').count()).toBe(0);
    expect(await yasmina.cookies()).toEqual([]);
    expect(await recorded(world, 'trains')).toMatchObject({ total: before, withdrawn: 1 });

    await yasmina.sign(trains, 'naissance_Algérie', '13');
    const { origin, index } = claims.log as { origin: string; index: number };
    expect((await yasmina.receipt()).claims).toEqual({ ...claims, log: { origin, index: index + 2 } });
    expect(await recorded(world, 'trains')).toMatchObject({ total: before + 1, withdrawn: 0 });
  });
});

describe('impatience', () => {
  const noneOfOurs = expect.not.arrayContaining([expect.stringContaining('paraphe_')]);

  test('Hadrien double-clicks: one signature, and his receipt', async () => {
    const before = await total('jardins');
    const hadrien = await chromium.person();
    await hadrien.logIn(gardens, 'nom_composé');
    await hadrien.arrive(() => hadrien.mainButton.dblclick());
    expect(await hadrien.heading()).toBe('C’est signé !');
    expect(await hadrien.cookies()).toEqual([]);
    expect(await total('jardins')).toBe(before + 1);
  });

  test('Solène’s train enters a tunnel before the answer comes; she presses again: one signature, and her receipt', async () => {
    const before = await total('jardins');
    const solene = await chromium.person();
    await solene.logIn(gardens, 'avec_nom_dusage');
    const press = await solene.aim();
    await solene.loseAnswer('*/session/end?*', press);
    expect(await total('jardins')).toBe(before + 1);
    await solene.arrive(press);
    expect(await solene.heading()).toBe('C’est signé !');
    expect(await solene.cookies()).toEqual(noneOfOurs);
    expect(await total('jardins')).toBe(before + 1);
  });

  test('Octave waits, FranceConnect having logged him out but not sent him back, and presses again: his receipt', async () => {
    let waited = 0;
    const his = await startWorld({ clock: () => new Date(Date.now() + waited) });
    try {
      const octave = await chromium.person();
      await octave.logIn(`${his.origin}/petitions/jardins`, 'plusieurs_prénoms_3');
      const press = await octave.aim();
      await octave.loseAnswer('*/logout/callback?*', press);
      waited = 5000; // a double click is quicker than that
      await octave.arrive(press);
      expect(await octave.heading()).toBe('C’est signé !');
      expect(await octave.cookies()).toEqual([]);
      expect(await recorded(his, 'jardins')).toMatchObject({ total: 1 });
    } finally {
      await his.close();
    }
  });

  test('Tariq’s logout ends on an error; he goes back and finds his receipt', async () => {
    const tariq = await chromium.person();
    await tariq.logIn(gardens, 'étranger_présumé_né_jour');
    expect(await tariq.text()).toContain('novembre 1992');
    // FranceConnect has forgotten his session, and its logout then leads nowhere.
    await tariq.context.clearCookies({ name: 'fc_session' });
    await tariq.press();
    expect(tariq.page.url()).toContain('/session/end');
    await tariq.page.goBack();
    expect(await tariq.heading()).toBe('C’est signé !');
    expect(await tariq.cookies()).toEqual([]);
  });

  test('Rosalie goes back when all is over: a page tells her how to find her receipt again, and she does', async () => {
    const before = await total('jardins');
    const rosalie = await chromium.person();
    await rosalie.sign(gardens, 'plusieurs_prénoms_2');
    const { claims } = await rosalie.receipt();
    await rosalie.page.goBack();
    expect(await rosalie.text()).toContain('Si vous aviez déjà signé, vous retrouverez votre reçu');
    await rosalie.follow('Retour à la pétition');
    await rosalie.press();
    await rosalie.passFranceConnect('plusieurs_prénoms_2');
    await rosalie.press('Retrouver mon reçu');
    expect((await rosalie.receipt()).claims).toEqual(claims);
    expect(await total('jardins')).toBe(before + 1);
  });
});

describe('the receipt’s page', () => {
  test('Camille reloads it, loses every cookie, sends it to her phone: the same receipt', async () => {
    const camille = await chromium.person();
    await camille.sign(gardens, 'genre_indéfini');
    const { jwt, claims } = await camille.receipt();
    await camille.page.reload();
    expect((await camille.receipt()).claims).toEqual(claims);

    await camille.context.clearCookies();
    await camille.page.reload();
    expect((await camille.receipt()).claims).toEqual(claims);

    const phone = await chromium.person();
    expect(await phone.open(camille.page.url())).toBe(200);
    const onPhone = await phone.receipt();
    expect(onPhone.claims).toEqual(claims);
    expect(onPhone.jwt.split('.').slice(0, 2)).toEqual(jwt.split('.').slice(0, 2));
    expect(await phone.watch.cookies()).toEqual([]);
  });
});
