/**
 * At `/login/callback`: the same answer twice, an old one, somebody else's, one after all was given up. Each code is
 * exchanged once, and only for the browser that began the journey.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Arrival,
  arriveAtDoor,
  changed,
  comeBack,
  expectConfirmPage,
  expectNothingLeft,
  expectRefusal,
  expectRefused,
  journeyCookies,
  keepCookie,
  OIDC,
  startWatchedWorld,
  storedSignatures,
  type WatchedWorld,
  waitingBrowser,
} from './arrival.ts';
import { Watch } from './watch.ts';

let world: WatchedWorld;
let watch: Watch;
/** How far the gateway's clock is ahead. */
let ahead = 0;
const clock = () => new Date(Date.now() + ahead);

beforeAll(async () => {
  world = await startWatchedWorld({ clock });
  watch = new Watch(world.franceConnect.port);
});

beforeEach(() => watch.forget());

afterEach(() => {
  world.franceConnect.switches.lie = undefined;
  ahead = 0;
});

afterAll(async () => {
  watch[Symbol.dispose]();
  expect(storedSignatures(world)).toBe(0);
  await world.close();
});

describe('a callback that comes twice', () => {
  test('at once, ten times: one code, one token call, one outcome', async () => {
    const { browser, callback } = await arriveAtDoor(world);
    const pages = await Promise.all(Array.from({ length: 10 }, () => browser.tab().get(callback)));
    for (const page of pages) expectConfirmPage(page);
    expect(new Set(pages.map(({ url }) => url)).size).toBe(1);
    expect([watch.count('/token'), watch.count('/userinfo')]).toEqual([1, 1]);
  });

  test('at once, and is refused: everybody hears the same', async () => {
    world.franceConnect.switches.lie = 'id-token-invalid-nonce';
    const arrival = await arriveAtDoor(world);
    const pages = await Promise.all(Array.from({ length: 5 }, () => arrival.browser.tab().get(arrival.callback)));
    for (const page of pages) await expectRefused(world, arrival, page, 'login-unverified', 502);
    expect(watch.count('/token')).toBe(1);
  });

  test('later, by the back button or after a restart: the same confirm page', async () => {
    const { browser, callback } = await arriveAtDoor(world);
    const first = await browser.get(callback);
    expect((await browser.get(callback)).url).toBe(first.url);
    await world.restart();
    expect((await browser.get(callback)).url).toBe(first.url);
    expectConfirmPage(browser.page);
    expect(watch.count('/token')).toBe(1);
  });

  test('after the journey’s end: it is over, and the code is not asked about again', async () => {
    const arrival = await arriveAtDoor(world);
    const { browser, callback } = arrival;
    await browser.get(callback);
    await browser.submit({}, { form: '/logout' }); // "this is not me"
    expect(journeyCookies(browser)).toEqual([]);
    await expectRefused(world, arrival, await browser.get(callback), 'journey-unknown', 400);
    keepCookie(world, arrival);
    await world.restart();
    ahead = 100_000; // nobody can still be exchanging it
    await expectRefused(world, arrival, await browser.get(callback), 'journey-interrupted', 409);
    expect(watch.count('/token')).toBe(1);
  });
});

describe('a callback of somebody else', () => {
  test('in a browser that began nothing: no token call', async () => {
    const arrival = await arriveAtDoor(world);
    await expectRefused(world, arrival, await world.browser().get(arrival.callback), 'journey-unknown', 400);
    expect(watch.count('/token')).toBe(0);
    expectConfirmPage(await arrival.browser.get(arrival.callback));
  });

  test('in a browser that began a journey of its own (login CSRF): nobody confirms as the attacker', async () => {
    const [attacker, victim] = [await arriveAtDoor(world, waitingBrowser(), 'citoyen-2'), await arriveAtDoor(world)];
    await expectRefused(world, victim, await victim.browser.get(attacker.callback), 'journey-unknown', 400);
    expect(watch.count('/token')).toBe(0);
    expectConfirmPage(await victim.browser.get(victim.callback));
  });

  test('whose code is put under the victim’s state (code injection): the nonce tells', async () => {
    const [attacker, victim] = [await arriveAtDoor(world, waitingBrowser(), 'citoyen-2'), await arriveAtDoor(world)];
    const code = attacker.callback.searchParams.get('code') ?? '';
    await expectRefused(world, victim, await victim.browser.get(changed(victim, { code })), 'login-unverified', 502);
    expect(watch.count('/token')).toBe(1);
  });

  test('likewise under profile oidc, where PKCE tells before', async () => {
    await using other = await startWatchedWorld(OIDC);
    const [attacker, victim] = [await arriveAtDoor(other, waitingBrowser(), 'citoyen-2'), await arriveAtDoor(other)];
    const code = attacker.callback.searchParams.get('code') ?? '';
    const page = await victim.browser.get(changed(victim, { code }));
    expectRefusal(other, page, 'login-expired', 410);
    await expectNothingLeft(other, victim, page);
  });

  test('whose code has served before', async () => {
    const used = await comeBack(world);
    const next = await arriveAtDoor(world);
    const code = used.callback.searchParams.get('code') ?? '';
    await expectRefused(world, next, await next.browser.get(changed(next, { code })), 'login-expired', 410);
  });
});

describe('someone who gives up at FranceConnect', () => {
  async function cancel(): Promise<Arrival> {
    const browser = waitingBrowser();
    await browser.get(`${world.origin}/petitions/jardins`);
    await browser.submit({}, { form: '/sign' });
    const [cookie] = journeyCookies(browser);
    await browser.follow('/cancel');
    const journey = { id: cookie!.name.slice('paraphe_'.length), cookie: cookie!.value };
    return { browser, callback: new URL(browser.page.url), journey };
  }

  test('is told so, keeps no cookie, and can start again', async () => {
    const arrival = await cancel();
    await expectRefused(world, arrival, await arrival.browser.get(arrival.callback), 'login-cancelled', 403);
    expect(journeyCookies(arrival.browser)).toEqual([]);
    expect(watch.count('/token')).toBe(0);
    await arrival.browser.follow('Retour à la pétition');
    const again = await arriveAtDoor(world, arrival.browser);
    expectConfirmPage(await again.browser.get(again.callback));
  });

  test('does not come in after all by the same journey', async () => {
    const arrival = await cancel();
    await arrival.browser.get(arrival.callback);
    const late = changed(arrival, { error: undefined, error_description: undefined, code: 'a-code' });
    await expectRefused(world, arrival, await arrival.browser.get(late), 'journey-unknown', 400);
    keepCookie(world, arrival);
    await world.restart();
    await expectRefused(world, arrival, await arrival.browser.get(late), 'login-cancelled', 403);
    expect(watch.count('/token')).toBe(0);
  });
});
