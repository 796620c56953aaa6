/** A journey is its cookie and thirty minutes: another cookie opens nothing, and a late one neither. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  arriveAtDoor,
  comeBack,
  contentOf,
  expectConfirmPage,
  expectRefusal,
  keepCookie,
  startWatchedWorld,
  storedSignatures,
  type WatchedWorld,
} from './arrival.ts';
import { Watch } from './watch.ts';

const MINUTE = 60_000;

/** How far the clocks of the gateway and of the provider are ahead. */
let ahead = 0;
let world: WatchedWorld;
let watch: Watch;

const clock = () => new Date(Date.now() + ahead);

function pass(minutes: number): void {
  ahead = minutes * MINUTE;
  world.franceConnect.switches.clockOffset = minutes * 60;
}

beforeAll(async () => {
  world = await startWatchedWorld({ clock });
  watch = new Watch(world.franceConnect.port);
});

beforeEach(() => watch.forget());

afterEach(() => {
  pass(0);
});

afterAll(async () => {
  watch[Symbol.dispose]();
  expect(storedSignatures(world)).toBe(0);
  await world.close();
});

describe('a journey that took too long', () => {
  test.each([30, 59, 61, 24 * 60])('%i minutes to the login: nothing is asked of the provider', async (minutes) => {
    const arrival = await arriveAtDoor(world);
    pass(minutes);
    const page = await arrival.browser.get(arrival.callback);
    expectRefusal(world, page, 'journey-expired', 410);
    expect(watch.count('/token')).toBe(0);
    pass(0);
    expect(await contentOf(world, arrival)).toBeUndefined();
  });

  test('29 minutes to the login, and 29 more to confirm, are in time', async () => {
    const { browser, callback } = await arriveAtDoor(world);
    pass(29);
    expectConfirmPage(await browser.get(callback));
    pass(58);
    expectConfirmPage(await browser.reload());
    pass(60);
    await browser.reload();
    expectRefusal(world, browser.page, 'journey-expired', 410);
  });
});

describe('a cookie', () => {
  const FIELDS = ['secret', 'action', 'petition', 'lang', 'started', 'mac'];
  const OTHER: Record<string, string> = { action: 'withdraw', lang: 'en', started: 'zzzzzz' };

  test.each(FIELDS)('whose %s was changed opens nothing', async (field) => {
    const arrival = await arriveAtDoor(world);
    const parts = arrival.journey.cookie.split('.');
    const at = FIELDS.indexOf(field);
    const [first = '', ...rest] = parts[at] ?? '';
    parts[at] = OTHER[field] ?? [first === 'A' ? 'B' : 'A', ...rest].join('');
    keepCookie(world, { ...arrival, journey: { ...arrival.journey, cookie: parts.join('.') } });
    expectRefusal(world, await arrival.browser.get(arrival.callback), 'journey-unknown', 400);
    expect(watch.count('/token')).toBe(0);
    keepCookie(world, arrival);
    expectConfirmPage(await arrival.browser.get(arrival.callback));
  });

  test.each(['', '.....', 'a', '%00', `${'a'.repeat(3000)}`, 'null.sign.x..0.x'])(
    'that is none: %j',
    async (cookie) => {
      const arrival = await arriveAtDoor(world);
      keepCookie(world, { ...arrival, journey: { ...arrival.journey, cookie } });
      expectRefusal(world, await arrival.browser.get(arrival.callback), 'journey-unknown', 400);
    },
  );

  test('of another journey, under this one’s name, opens nothing', async () => {
    const [mine, other] = [await arriveAtDoor(world), await comeBack(world)];
    keepCookie(world, { ...mine, journey: { id: mine.journey.id, cookie: other.journey.cookie } });
    expectRefusal(world, await mine.browser.get(mine.callback), 'journey-unknown', 400);
    expect(watch.count('/token')).toBe(1);
  });

  test('is what the confirm page opens with: the journey of another browser, by its address, does not', async () => {
    const someone = await comeBack(world);
    const stranger = await comeBack(world);
    const address = someone.page.url;
    expect(address).toContain(`journey=${someone.journey.id}`);
    expectRefusal(world, await stranger.browser.visit(address), 'journey-unknown', 400);
    expectRefusal(world, await stranger.browser.post(address), 'journey-unknown', 400);
    expectRefusal(world, await world.browser().get(address), 'journey-unknown', 400);
    expectConfirmPage(await someone.browser.get(address));
  });
});
