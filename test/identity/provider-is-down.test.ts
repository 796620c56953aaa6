/**
 * The identity provider is down, slow or broken, at each of its four endpoints: the person gets a page that says so,
 * nothing is recorded, nothing is left hanging, reading goes on, and the next login works without a restart.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENDPOINTS, type Endpoint, type Fault } from '../../src/demo/franceconnect/switches.ts';
import type { Page } from '../fakes/browser.ts';
import { sign } from '../fakes/world.ts';
import {
  type Arrival,
  arriveAtDoor,
  contentOf,
  expectConfirmPage,
  expectHealthyLogin,
  expectNothingLeft,
  expectRefusal,
  OIDC,
  startWatchedWorld,
  storedSignatures,
  type WatchedWorld,
} from './arrival.ts';
import { type Break, Watch } from './watch.ts';

/** What is tried at each endpoint: a status (with a page of HTML, as from a proxy), a fault, a line that breaks. */
const STATUSES = [200, 205, 404, 429, 503];
const FAULTS: Fault[] = ['truncated', 'wrong-content-type', 'ten-megabytes', 'redirect-loop', 'hang'];
const BREAKS: Break[] = ['silence', 'half an answer'];
const BAD_DAYS = [...STATUSES, ...FAULTS, ...BREAKS];
type BadDay = (typeof BAD_DAYS)[number];

const PATHS: Record<Endpoint, string> = {
  discovery: '/openid-configuration',
  jwks: '/jwks',
  token: '/token',
  userinfo: '/userinfo',
};

let world: WatchedWorld;
let watch: Watch;

beforeAll(async () => {
  // Long enough for a busy machine, short enough to wait for.
  world = await startWatchedWorld({ env: { IDENTITY_TIMEOUT_MS: '2000' } });
  watch = new Watch(world.franceConnect.port);
});

afterAll(async () => {
  watch[Symbol.dispose]();
  await world.close();
});

function setDay(endpoint: Endpoint, day: BadDay | undefined): void {
  const switches = world.franceConnect.switches[endpoint];
  switches.status = STATUSES.find((status) => status === day);
  switches.fault = FAULTS.find((fault) => fault === day);
  watch.break(
    PATHS[endpoint],
    BREAKS.find((how) => how === day),
  );
}

/** An honest document under a wrong label is still honest: what is signed, or came over TLS, decides. */
const isHarmless = (endpoint: Endpoint, day: BadDay) => day === 'wrong-content-type' && endpoint !== 'userinfo';
/** It answered, and with something that is no userinfo of ours. */
const isNoUserinfo = (endpoint: Endpoint, day: BadDay) =>
  endpoint === 'userinfo' && (day === 200 || day === 'truncated' || day === 'wrong-content-type');

function expectPage(page: Page, endpoint: Endpoint, day: BadDay): void {
  const isVerdict = isNoUserinfo(endpoint, day);
  expectRefusal(world, page, isVerdict ? 'login-unverified' : 'identity-provider-unavailable', isVerdict ? 502 : 503);
  expect(page.headers.get('retry-after')).toBe(isVerdict ? null : '30');
  // A connection that was kept alive may have gone stale: then, and only then, it is asked a second time.
  const [first, ...more] = watch.to(PATHS[endpoint]);
  expect(more.length).toBeLessThanOrEqual(day === 'silence' && first?.isReused ? 1 : 0);
}

async function expectBrowsing(): Promise<void> {
  for (const path of ['/', '/petitions/jardins', '/api/petitions', '/healthz', '/readyz']) {
    expect([path, (await fetch(world.origin + path)).status]).toEqual([path, 200]);
  }
}

describe.each(['token', 'userinfo'] as const)('while the person comes back, %s', (endpoint) => {
  test.each(BAD_DAYS)('%s', async (day) => {
    const arrival = await arriveAtDoor(world);
    watch.forget();
    setDay(endpoint, day);
    const page = await arrival.browser.get(arrival.callback);
    if (isHarmless(endpoint, day)) expectConfirmPage(page);
    else {
      expectPage(page, endpoint, day);
      await expectBrowsing();
      await expectNothingLeft(world, arrival, page);
    }
    setDay(endpoint, undefined);
    await watch.allOver();
    await expectHealthyLogin(world);
  });
});

describe.each(['discovery', 'jwks'] as const)('when the gateway starts, %s', (endpoint) => {
  test.each(BAD_DAYS)('%s', async (day) => {
    setDay(endpoint, day);
    await world.restart();
    await expectBrowsing();
    const browser = world.browser();
    await browser.get(`${world.origin}/petitions/jardins`);
    watch.forget();
    await browser.submit({}, { form: '/sign' });
    if (isHarmless(endpoint, day)) expect(browser.page.url).toContain('/interaction/');
    else {
      expectPage(browser.page, endpoint, day);
      expect(browser.jar.all).toEqual([]);
    }
    setDay(endpoint, undefined);
    await watch.allOver();
    await expectHealthyLogin(world);
  });
});

test.each(ENDPOINTS)('%s is slow, and that is all', async (endpoint) => {
  world.franceConnect.switches[endpoint].latency = 100;
  await world.restart();
  await expectHealthyLogin(world);
  world.franceConnect.switches[endpoint].latency = 0;
});

describe('userinfo as plain JSON', () => {
  let other: WatchedWorld;
  beforeAll(async () => {
    other = await startWatchedWorld(OIDC);
  });
  afterAll(() => other.close());

  test.each([200, 503, 'truncated', 'ten-megabytes'] as const)('%s', async (day) => {
    const { userinfo } = other.franceConnect.switches;
    if (typeof day === 'number') userinfo.status = day;
    else userinfo.fault = day;
    const arrival = await arriveAtDoor(other);
    const page = await arrival.browser.get(arrival.callback);
    expectRefusal(other, page, 'identity-provider-unavailable', 503);
    await expectNothingLeft(other, arrival, page);
    Object.assign(userinfo, { status: undefined, fault: undefined });
    await expectHealthyLogin(other);
  });
});

describe('our own client secret is wrong', () => {
  const env = { IDENTITY_CLIENT_SECRET: 'another-secret-than-the-registered-one' };

  test.each([
    ['client_secret_post', { env }],
    ['client_secret_basic', { ...OIDC, env: { ...OIDC.env, ...env } }],
  ])('%s: nothing that the person can mend, and the diagnostics say what', async (_how, options) => {
    await using mistaken = await startWatchedWorld(options);
    const { browser, callback } = await arriveAtDoor(mistaken);
    expectRefusal(mistaken, await browser.get(callback), 'identity-provider-unavailable', 503);
    expect(mistaken.lines.join('')).toContain('"reason":"invalid_client"');
    expect(mistaken.lines.join('')).not.toContain(env.IDENTITY_CLIENT_SECRET);
  });
});

test('an access token that userinfo takes no more: too late, not broken', async () => {
  const { alterations } = world.franceConnect.switches;
  const { tokenResponse } = alterations;
  alterations.tokenResponse = (response) => ({ ...response, access_token: 'x'.repeat(43) });
  const arrival = await arriveAtDoor(world);
  const page = await arrival.browser.get(arrival.callback);
  expectRefusal(world, page, 'login-expired', 410);
  await expectNothingLeft(world, arrival, page);
  Object.assign(alterations, { tokenResponse });
});

describe('a provider that does not answer at all', () => {
  let patient: WatchedWorld;
  beforeAll(async () => {
    patient = await startWatchedWorld();
  });
  afterAll(() => patient.close());

  test('holds up those who come back, and nobody else', async () => {
    using line = new Watch(patient.franceConnect.port);
    const arrivals: Arrival[] = [];
    for (let i = 0; i < 8; i++) arrivals.push(await arriveAtDoor(patient));
    const signer = patient.browser();
    await sign(signer, patient, 'jardins', 'citoyen-3');
    line.forget();
    patient.franceConnect.switches.token.fault = 'hang';
    let answered = 0;
    const pages = arrivals.map(async ({ browser, callback }) => {
      const page = await browser.get(callback);
      answered++;
      return page;
    });
    const calls = await line.until('/token', arrivals.length);
    for (const path of ['/', '/petitions/jardins', '/api/petitions/jardins/tally', '/healthz', '/readyz']) {
      expect((await fetch(patient.origin + path)).status).toBe(200);
    }
    expect((await signer.reload()).url).toContain('/receipt/');
    expect(answered).toBe(0);
    Object.assign(patient.franceConnect.switches.token, { fault: undefined, status: 503 });
    for (const { cut } of calls) cut();
    for (const page of await Promise.all(pages)) expectRefusal(patient, page, 'identity-provider-unavailable', 503);
    for (const arrival of arrivals) expect(await contentOf(patient, arrival)).toMatchObject({ kind: 'refused' });
    patient.franceConnect.switches.token.status = undefined;
    await expectHealthyLogin(patient);
    expect(storedSignatures(patient)).toBe(1);
  });

  test('does not hold up a stop for longer than its time-out', async () => {
    const hasty = await startWatchedWorld({ env: { IDENTITY_TIMEOUT_MS: '2000' } });
    using line = new Watch(hasty.franceConnect.port);
    hasty.franceConnect.switches.token.fault = 'hang';
    const { browser, callback } = await arriveAtDoor(hasty);
    const page = browser.get(callback);
    await line.until('/token', 1);
    await hasty.close();
    expectRefusal(hasty, await page, 'identity-provider-unavailable', 503);
  });
});

describe('a kept-alive connection that the provider closes just as it is used again', () => {
  test('is no outage: the login goes on over another one', async () => {
    await using other = await startWatchedWorld();
    using line = new Watch(other.franceConnect.port);
    await expectHealthyLogin(other);
    line.break('/token', 'hangs up on reuse');
    line.break('/userinfo', 'hangs up on reuse');
    line.forget();
    await expectHealthyLogin(other);
    expect(line.count('/token')).toBe(2);
    expect(line.to('/token').map(({ headers }) => headers.connection)).toEqual(['keep-alive', 'close']);
  });

  test('but a provider that hangs up on everyone is asked twice and no more', async () => {
    await using other = await startWatchedWorld();
    using line = new Watch(other.franceConnect.port);
    await expectHealthyLogin(other);
    const { browser, callback } = await arriveAtDoor(other);
    line.break('/token', 'silence');
    line.forget();
    expectRefusal(other, await browser.get(callback), 'identity-provider-unavailable', 503);
    expect(line.count('/token')).toBeLessThanOrEqual(2);
  });
});
