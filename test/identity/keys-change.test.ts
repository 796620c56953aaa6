/**
 * The identity provider's signing keys change under way. FranceConnect's `kid` is the label of a slot in its hardware
 * module, so a rotation may show only as a signature that fails. A login then costs one refetch, never the person.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { TokenAlteration } from '../../src/demo/franceconnect/alterations.ts';
import {
  arriveAtDoor,
  comeBack,
  expectConfirmPage,
  expectHealthyLogin,
  expectNothingLeft,
  expectRefusal,
  FRANCECONNECT,
  OIDC,
  startWatchedWorld,
  type WatchedWorld,
  waitingBrowser,
} from './arrival.ts';
import { startForger } from './forger.ts';
import { Watch } from './watch.ts';

/** The time between two fetches of keys that are allowed to be asked for by failed logins. */
const COOLDOWN_MS = 10_000;

/** The cool-down goes by performance.now. It stands still here, at a number that sums do not round, and is moved ahead. */
let instant = Math.ceil(performance.now());

beforeAll(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => instant);
});

afterEach(() => {
  vi.useRealTimers();
});

const coolDown = () => {
  instant += COOLDOWN_MS;
};

async function jwksOf(world: WatchedWorld): Promise<string> {
  return (await fetch(`${world.franceConnect.issuer}/jwks`)).text();
}

/** The JWK Sets that the gateway has archived, in no order. */
function archived(world: WatchedWorld): { issuer: string; jwks: string }[] {
  const database = new Database(join(world.dataDir, 'paraphe.sqlite'), { readonly: true });
  try {
    const rows = database.prepare('SELECT issuer, jwks FROM identity_keys').all();
    return (rows as { issuer: string; jwks: Buffer }[]).map(({ issuer, jwks }) => ({ issuer, jwks: jwks.toString() }));
  } finally {
    database.close();
  }
}

describe.each([
  ['FranceConnect', FRANCECONNECT, [{}, { keepOld: true }, { sameKid: true }]],
  ['any OpenID Provider', OIDC, [{}]],
] as const)('at %s, a rotation', (_name, profile, rotations) => {
  let world: WatchedWorld;
  beforeAll(async () => {
    world = await startWatchedWorld(profile);
  });
  afterAll(() => world.close());

  test.each(rotations)('(%o) before the login costs one refetch', async (rotation) => {
    await world.franceConnect.rotateKeys(rotation);
    coolDown();
    using watch = new Watch(world.franceConnect.port);
    await expectHealthyLogin(world);
    await expectHealthyLogin(world);
    expect([watch.count('/jwks'), watch.count('/token')]).toEqual([1, 2]);
  });

  test.each(rotations)('(%o) while the person is away costs one refetch, and no second code', async (rotation) => {
    const { browser, callback } = await arriveAtDoor(world);
    await world.franceConnect.rotateKeys(rotation);
    coolDown();
    using watch = new Watch(world.franceConnect.port);
    expectConfirmPage(await browser.get(callback));
    expect([watch.count('/jwks'), watch.count('/token'), watch.count('/userinfo')]).toEqual([1, 1, 1]);
  });
});

/** Signed by a key of its own, under that key's `kid`. */
const BY_DECOY: TokenAlteration = {
  change: ({ header, payload }) => ({ header: { ...header, kid: 'decoy:ES256' }, payload }),
  signer: 'unpublished key',
};

test('a rotation between id_token and userinfo, too', async () => {
  await using world = await startWatchedWorld();
  const { alterations } = world.franceConnect.switches;
  alterations.userinfo = BY_DECOY;
  expectRefusal(world, (await comeBack(world)).page, 'login-unverified', 502);
  alterations.jwks = (keys, { decoy }) => [...keys, decoy];
  coolDown();
  await expectHealthyLogin(world);
});

test('many logins meet a rotation at once, and all succeed with one refetch', async () => {
  await using world = await startWatchedWorld();
  const arrivals = await Promise.all(Array.from({ length: 6 }, () => arriveAtDoor(world)));
  await world.franceConnect.rotateKeys({ sameKid: true });
  coolDown();
  using watch = new Watch(world.franceConnect.port);
  // The refetch takes its time, so that the other logins fail while it is under way.
  world.franceConnect.switches.discovery.latency = 200;
  const pages = await Promise.all(arrivals.map(({ browser, callback }) => browser.get(callback)));
  for (const page of pages) expectConfirmPage(page);
  expect([watch.count('/jwks'), watch.count('/token')]).toEqual([1, 6]);
});

test('a key that was withdrawn is believed no more once that is known', async () => {
  await using world = await startWatchedWorld();
  const { alterations } = world.franceConnect.switches;
  alterations.jwks = (keys, { decoy }) => [...keys, decoy];
  await world.restart();
  alterations.idToken = BY_DECOY;
  await expectHealthyLogin(world);
  delete alterations.jwks;
  await world.restart();
  const { page, ...arrival } = await comeBack(world);
  expectRefusal(world, page, 'login-unverified', 502);
  await expectNothingLeft(world, arrival, page);
});

test('two keys under one kid: nobody can say which, so the login is refused, until the old one goes', async () => {
  await using world = await startWatchedWorld();
  await world.franceConnect.rotateKeys({ sameKid: true, keepOld: true });
  coolDown();
  const { page, ...arrival } = await comeBack(world);
  expectRefusal(world, page, 'login-unverified', 502);
  await expectNothingLeft(world, arrival, page);
  await world.franceConnect.rotateKeys({ sameKid: true });
  coolDown();
  await expectHealthyLogin(world);
});

test('while the cool-down lasts a failed login asks for no keys, and is refused', async () => {
  await using world = await startWatchedWorld();
  using watch = new Watch(world.franceConnect.port);
  await world.franceConnect.rotateKeys({ sameKid: true });
  for (let i = 0; i < 3; i++) expectRefusal(world, (await comeBack(world)).page, 'login-unverified', 502);
  expect(watch.count('/jwks')).toBe(0);
  coolDown();
  await expectHealthyLogin(world);
  expect(watch.count('/jwks')).toBe(1);
});

test('a forged kid, a thousand times: none is believed, at most one fetch for each cool-down', async () => {
  await using forger = await startForger();
  const fetched = () => forger.count('/jwks');
  await forger.issuer.current();
  expect(await forger.logIn(500)).toEqual({ 'login-unverified': 500 });
  expect(fetched()).toBe(1);
  coolDown();
  expect(await forger.logIn(500)).toEqual({ 'login-unverified': 500 });
  expect(fetched()).toBe(2);
  // openid-client would fetch keys that are a minute old by itself: they come from the snapshot.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 400_000 });
  expect(await forger.logIn(50)).toEqual({ 'login-unverified': 50 });
  expect(fetched()).toBe(2);
  expect(await forger.logInHonestly()).toMatchObject({ person: { sub: 'someone' } });
});

test('control: without a cool-down each wave of forgeries has keys fetched', async () => {
  await using forger = await startForger(0);
  await forger.issuer.current();
  for (let wave = 0; wave < 5; wave++) await forger.logIn(2);
  expect(forger.count('/jwks')).toBeGreaterThan(5);
});

describe('the archive', () => {
  test('holds the exact bytes of every key set that was seen, once each', async () => {
    await using world = await startWatchedWorld();
    const seen = [await jwksOf(world)];
    for (const rotation of [{}, { sameKid: true }, { keepOld: true }]) {
      await world.franceConnect.rotateKeys(rotation);
      seen.push(await jwksOf(world));
      coolDown();
      await expectHealthyLogin(world);
    }
    await world.restart();
    await expectHealthyLogin(world);
    const rows = archived(world);
    expect(rows.map(({ jwks }) => jwks).sort()).toEqual(seen.sort());
    expect(new Set(rows.map(({ issuer }) => issuer))).toEqual(new Set([world.franceConnect.issuer]));
  });

  test('comes before the login: keys that could not be kept check no token', async () => {
    await using forger = await startForger(0);
    forger.archive.fails = true;
    await expect(forger.logInHonestly()).rejects.toMatchObject({ code: 'storage-unavailable' });
    forger.archive.fails = false;
    await forger.logInHonestly();
    expect(forger.archive.kept).toEqual([forger.jwks]);
  });
});

describe('one fetch for everyone', () => {
  const down = { latency: 0, status: 503, fault: undefined };

  test('many people who come at once after an outage ask for discovery and keys once', async () => {
    await using world = await startWatchedWorld({ franceConnect: { switches: { discovery: { ...down } } } });
    const people = Array.from({ length: 20 }, () => waitingBrowser());
    await Promise.all(people.map((browser) => browser.get(`${world.origin}/petitions/jardins`)));
    world.franceConnect.switches.discovery.status = undefined;
    world.franceConnect.switches.discovery.latency = 200;
    using watch = new Watch(world.franceConnect.port);
    const pages = await Promise.all(people.map((browser) => browser.submit({}, { form: '/sign' })));
    for (const page of pages) expect(page.url).toContain('/api/v2/interaction/');
    expect([watch.count('/openid-configuration'), watch.count('/jwks')]).toEqual([1, 1]);
  });

  test('after ten minutes they are renewed once, while logins go on with what is known', async () => {
    let now = Date.now();
    await using world = await startWatchedWorld({ clock: () => new Date(now) });
    using watch = new Watch(world.franceConnect.port);
    await expectHealthyLogin(world);
    expect(watch.count('/openid-configuration')).toBe(0);
    now += 601_000;
    world.franceConnect.switches.clockOffset = 601; // both clocks go on
    coolDown();
    world.franceConnect.switches.discovery.fault = 'hang';
    await Promise.all(Array.from({ length: 5 }, () => expectHealthyLogin(world)));
    expect(watch.count('/openid-configuration')).toBe(1);
    world.franceConnect.switches.discovery.fault = undefined;
    watch.to('/openid-configuration')[0]?.cut();
    coolDown();
    await expectHealthyLogin(world);
    await watch.until('/jwks', 1);
  });
});
