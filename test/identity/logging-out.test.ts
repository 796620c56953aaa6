/**
 * Logging out at the identity provider must never cost anyone their receipt: not when the session there is gone (its
 * logout then ends on an error page of its own, ami-notifications-api#132), not when it is down, not when it never returns.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { receiptOf } from '../fakes/world.ts';
import {
  type Arrival,
  arriveAtDoor,
  contentOf,
  expectConfirmPage,
  journeyCookies,
  OIDC,
  startWatchedWorld,
  storedSignatures,
  type WatchedWorld,
  waitingBrowser,
} from './arrival.ts';

const MINUTE = 60_000;
let ahead = 0;
let world: WatchedWorld;
let people = 0;

const clock = () => new Date(Date.now() + ahead);

beforeAll(async () => {
  world = await startWatchedWorld({ clock });
});
afterEach(() => {
  ahead = 0;
});
afterAll(() => world.close());

/** Somebody new, on the confirm page. */
async function identified(): Promise<Arrival> {
  const arrival = await arriveAtDoor(world, waitingBrowser(), `citoyen-${++people}`);
  await arrival.browser.get(arrival.callback);
  expect(arrival.browser.page.url).toContain('/confirm');
  return arrival;
}

const logoutsAt = ({ browser }: Arrival) => browser.exchangesWith('/session/end');

async function expectReceipt(arrival: Arrival): Promise<void> {
  const { browser } = arrival;
  expect(new URL(browser.page.url).pathname).toMatch(/^\/petitions\/jardins\/receipt\//);
  expect((await receiptOf(browser)).claims.petition).toBeDefined();
  expect(storedSignatures(world)).toBe(people);
  expect(journeyCookies(browser)).toEqual([]);
  const left = await contentOf(world, arrival, clock);
  // For a minute, the way to the receipt may be left for a press that was under way; of the person, nothing.
  if (left !== undefined) expect(Object.keys(left)).toEqual(['kind', 'location']);
}

test('in time: through the provider’s logout to the receipt, and the next person is asked who they are', async () => {
  const arrival = await identified();
  ahead = 24 * MINUTE;
  await arrival.browser.submit({}, { form: '/confirm' });
  const [logout] = logoutsAt(arrival);
  const { id_token_hint: hint, state, ...rest } = Object.fromEntries(new URL(logout?.url ?? '').searchParams);
  expect(rest).toEqual({
    client_id: world.config.identity.clientId,
    post_logout_redirect_uri: `${world.origin}/logout/callback`,
  });
  expect(world.tokens).toContain(hint);
  expect(state).toMatch(/^[0-9a-f]{64}$/);
  await expectReceipt(arrival);
  expect(arrival.browser.jar.find('fc_session')).toBeUndefined();
});

test('after 25 minutes nobody is sent to a logout that would strand them', async () => {
  const arrival = await identified();
  ahead = 26 * MINUTE;
  await arrival.browser.submit({}, { form: '/confirm' });
  expect(logoutsAt(arrival)).toEqual([]);
  await expectReceipt(arrival);
});

describe('the session at the provider is gone before', () => {
  test('its logout ends on an error page; going back to the confirm page finds the receipt', async () => {
    const arrival = await identified();
    const { browser } = arrival;
    const confirm = browser.page.url;
    browser.jar.set('fc_session=; Max-Age=0; Path=/', new URL(world.origin));
    await browser.submit({}, { form: '/confirm' });
    expect([browser.page.status, new URL(browser.page.url).pathname]).toEqual([400, '/api/v2/session/end']);
    expect(await contentOf(world, arrival)).toEqual({ kind: 'done', location: expect.stringContaining('/receipt/') });
    await browser.get(confirm);
    await expectReceipt(arrival);
  });

  test('and pressing the button of the confirm page once more, too', async () => {
    const arrival = await identified();
    const { browser } = arrival;
    const confirm = browser.tab();
    await confirm.get(browser.page.url);
    browser.jar.set('fc_session=; Max-Age=0; Path=/', new URL(world.origin));
    await browser.submit({}, { form: '/confirm' });
    expect(browser.page.status).toBe(400);
    await world.restart();
    await confirm.submit({}, { form: '/confirm' });
    await expectReceipt({ ...arrival, browser: confirm });
  });

  test('"this is not me" leaves nothing behind, wherever the logout ends', async () => {
    const arrival = await identified();
    people--; // nobody signs
    const { browser } = arrival;
    const confirm = browser.page.url;
    browser.jar.set('fc_session=; Max-Age=0; Path=/', new URL(world.origin));
    await browser.submit({}, { form: '/logout' });
    expect(browser.page.status).toBe(400);
    expect(await contentOf(world, arrival)).toEqual({ kind: 'done', location: '/petitions/jardins' });
    await browser.get(confirm);
    expect(new URL(browser.page.url).pathname).toBe('/petitions/jardins');
    expect(journeyCookies(browser)).toEqual([]);
  });
});

describe('the provider is down', () => {
  afterEach(() => {
    world.franceConnect.switches.discovery.status = undefined;
  });

  test('and unknown to a gateway that has just started: the receipt comes without a logout', async () => {
    const arrival = await identified();
    world.franceConnect.switches.discovery.status = 503;
    await world.restart();
    await arrival.browser.submit({}, { form: '/confirm' });
    expect(logoutsAt(arrival)).toEqual([]);
    await expectReceipt(arrival);
  });

  test('or knows no logout: likewise', async () => {
    await using other = await startWatchedWorld(OIDC);
    other.franceConnect.switches.alterations.discovery = ({ end_session_endpoint: _logout, ...rest }) => rest;
    await other.restart();
    const { browser, callback } = await arriveAtDoor(other);
    expectConfirmPage(await browser.get(callback));
    await browser.submit({}, { form: '/confirm' });
    expect(browser.page.url).toContain('/receipt/');
  });
});

describe('the way back from a logout', () => {
  const back = (state: string) => `${world.origin}/logout/callback?state=${state}`;

  test('ends one journey only, and never another browser’s', async () => {
    const [someone, other] = [await identified(), await identified()];
    people--; // the other one does not sign
    const stopped = world.browser({
      jar: someone.browser.jar,
      stopAt: ({ pathname }) => pathname === '/logout/callback',
    });
    await stopped.get(someone.browser.page.url);
    await stopped.submit({}, { form: '/confirm' });
    const state = new URL(stopped.page.url).searchParams.get('state') ?? '';
    expect(new URL((await other.browser.tab().get(back(state))).url).pathname).toBe('/');
    expect(new URL((await other.browser.tab().get(back('f'.repeat(64)))).url).pathname).toBe('/');
    expect(new URL((await other.browser.tab().get(`${back(state)}&state=${state}`)).url).pathname).toBe('/');
    expect(journeyCookies(other.browser)).toHaveLength(1);
    expect(await contentOf(world, other)).toMatchObject({ kind: 'identified' });
    const twice = stopped.tab();
    await twice.get(back(state));
    await expectReceipt({ ...someone, browser: twice });
    expect(new URL((await twice.get(back(state))).url).pathname).toBe('/');
  });

  test('before the act does not end a journey that waits to be confirmed', async () => {
    const arrival = await identified();
    people--;
    const { browser } = arrival;
    await browser.tab().get(back('0'.repeat(64)));
    await browser.reload();
    expect(browser.page.url).toContain('/confirm');
    expect(await contentOf(world, arrival)).toMatchObject({ kind: 'identified' });
  });
});
