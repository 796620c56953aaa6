/** Journeys that end without a signature, in a real Chromium, JavaScript off: each on a page that says what to do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium } from '../fakes/chromium.ts';
import { recorded } from '../fakes/recorded.ts';
import { startWorld, type World } from '../fakes/world.ts';

let world: World;
let chromium: Chromium;
let trains: string;

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld(), Chromium.start()]);
  trains = `${world.origin}/petitions/trains`;
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

describe('Apolline turns back at FranceConnect', () => {
  test.each([
    ['where one chooses an account', 0],
    ['where one logs in', 1],
    ['where one reads what is transmitted', 2],
  ])('%s: nothing is recorded, no cookie of ours stays, and she can go on reading', async (_where, pages) => {
    const apolline = await chromium.person();
    await apolline.open(trains);
    await apolline.press();
    if (pages > 0) await apolline.press();
    if (pages > 1) await apolline.logInHere('dix_huit_ans');
    await apolline.follow('Revenir sur Paraphe');

    expect(await apolline.heading()).toBe('Connexion annulée');
    expect(await apolline.text()).toContain('Rien n’a été enregistré');
    expect(await apolline.text()).toContain('Code login-cancelled, statut 403');
    expect(await apolline.cookies()).not.toContainEqual(expect.stringContaining('paraphe_'));
    await apolline.follow('Retour à la pétition');
    expect(apolline.page.url()).toBe(trains);
    expect(await recorded(world, 'trains')).toMatchObject({ total: 0 });
  });

  test('and signs all the same, in the same browser', async () => {
    const apolline = await chromium.person();
    await apolline.open(trains);
    await apolline.press();
    await apolline.follow('Revenir sur Paraphe');
    await apolline.follow('Retour à la pétition');
    await apolline.press();
    await apolline.passFranceConnect('dix_huit_ans');
    await apolline.page.locator('select').selectOption('66');
    await apolline.press();
    expect(await apolline.heading()).toBe('C’est signé !');
  });
});

describe('Noa, who is 17', () => {
  test('learns which age a petition for adults asks for, and can log out at FranceConnect', async () => {
    const { total } = await recorded(world, 'trains');
    const noa = await chromium.person();
    await noa.logIn(trains, 'moins_18_ans');
    expect(await noa.heading()).toBe('Vous n’avez pas encore l’âge de signer');
    expect(await noa.text()).toContain('Âge demandé par cette pétition : 18 ans');
    expect(await noa.text()).toContain('Code too-young, statut 403');
    expect(noa.watch.complaints).toEqual([expect.stringContaining('403 (Forbidden)')]);

    await noa.press('Se déconnecter de FranceConnect');
    expect(noa.page.url()).toBe(trains);
    expect(await noa.cookies()).toEqual([]);
    await noa.press();
    expect(await noa.heading()).toBe('Choisissez un compte pour vous connecter');
    expect(await recorded(world, 'trains')).toMatchObject({ total });
  });

  test('stays logged in at FranceConnect without that button (a live session asks for no password)', async () => {
    const noa = await chromium.person();
    await noa.logIn(trains, 'moins_18_ans');
    await noa.follow('Retour à la pétition');
    await noa.press();
    expect(await noa.passFranceConnect('moins_18_ans')).toEqual(['Vous allez continuer sur Paraphe']);
    expect(await noa.heading()).toBe('Vous n’avez pas encore l’âge de signer');
  });

  test('sees the same page when reloading, and signs what is open from 16', async () => {
    const noa = await chromium.person();
    await noa.logIn(trains, 'moins_18_ans');
    await noa.page.reload();
    expect(await noa.heading()).toBe('Vous n’avez pas encore l’âge de signer');
    await noa.sign(`${world.origin}/petitions/jardins`, 'moins_18_ans');
    expect(await noa.heading()).toBe('C’est signé !');
    expect((await noa.receipt()).claims.iss).toBe(world.origin);
  });
});

test('Gaspard has nothing to withdraw: a page says so, and he can log out', async () => {
  const gaspard = await chromium.person();
  await gaspard.open(trains);
  await gaspard.press('Retirer ma signature');
  await gaspard.passFranceConnect('citoyen-7');
  expect(await gaspard.heading()).toBe('Pas de signature à retirer');
  await gaspard.press('Se déconnecter de FranceConnect');
  expect(gaspard.page.url()).toBe(trains);
  expect(await gaspard.cookies()).toEqual([]);
});
