/**
 * What arrives at `/login/callback`, beside one honest answer: the same one twice, an old one, somebody else's, an error,
 * nonsense. Each code is exchanged once, and only for the browser that began the journey.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type App, startApp } from '../../src/app.ts';
import { createDiagnostics } from '../../src/diagnostics.ts';
import type { RefusalCode } from '../../src/errors.ts';
import type { Page } from '../fakes/browser.ts';
import { passFranceConnect } from '../fakes/world.ts';
import {
  type Arrival,
  arriveAtDoor,
  comeBack,
  contentOf,
  expectConfirmPage,
  expectHealthyLogin,
  expectNothingLeft,
  expectRefusal,
  FRANCECONNECT,
  journeyCookies,
  OIDC,
  startWatchedWorld,
  storedSignatures,
  type WatchedWorld,
  waitingBrowser,
} from './arrival.ts';
import { Watch } from './watch.ts';

const MINUTE = 60_000;

/** How far the gateway's clock is ahead. */
let ahead = 0;
let world: WatchedWorld;
let watch: Watch;

const clock = () => new Date(Date.now() + ahead);

beforeAll(async () => {
  world = await startWatchedWorld({ clock });
  watch = new Watch(world.franceConnect.port);
});

beforeEach(() => watch.forget());

afterEach(() => {
  ahead = 0;
  world.franceConnect.switches.lie = undefined;
  vi.restoreAllMocks();
});

afterAll(async () => {
  watch[Symbol.dispose]();
  expect(storedSignatures(world)).toBe(0);
  await world.close();
});

/** A callback with other parameters; `undefined` takes one out. */
function changed({ callback }: Arrival, parameters: Record<string, string | undefined>): URL {
  const url = new URL(callback);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url;
}

/** A browser that still has its journey's cookie, whatever it was told. */
function keepCookie({ browser, journey }: Arrival): void {
  browser.jar.set(`paraphe_${journey.id}=${journey.cookie}; Path=/`, new URL(world.origin));
}

async function expectRefused(arrival: Arrival, page: Page, code: RefusalCode, status: number): Promise<void> {
  expectRefusal(world, page, code, status);
  await expectNothingLeft(world, arrival, page);
}

describe('a callback that comes twice', () => {
  test('at once, ten times: one code, one token call, one outcome', async () => {
    const { browser, callback } = await arriveAtDoor(world);
    const pages = await Promise.all(Array.from({ length: 10 }, () => browser.tab().get(callback)));
    for (const page of pages) expectConfirmPage(page);
    expect(new Set(pages.map(({ url }) => url)).size).toBe(1);
    expect([watch.count('/token'), watch.count('/userinfo')]).toEqual([1, 1]);
  });

  test('at once, at two gateways on one database', async () => {
    const other: App = await startApp(
      { ...world.config, web: { ...world.config.web, port: 0 } },
      { clock, diagnostics: createDiagnostics('silent') },
    );
    watch.forget();
    const { browser, callback } = await arriveAtDoor(world);
    const elsewhere = new URL(callback);
    elsewhere.port = String(other.port);
    world.franceConnect.switches.token.latency = 150;
    const pages = await Promise.all([callback, elsewhere, callback, elsewhere].map((url) => browser.tab().get(url)));
    world.franceConnect.switches.token.latency = 0;
    for (const page of pages) expectConfirmPage(page);
    expect(watch.count('/token')).toBe(1);
    await other.close();
  });

  test('at once, and is refused: everybody hears the same', async () => {
    world.franceConnect.switches.lie = 'id-token-invalid-nonce';
    const arrival = await arriveAtDoor(world);
    const pages = await Promise.all(Array.from({ length: 5 }, () => arrival.browser.tab().get(arrival.callback)));
    for (const page of pages) await expectRefused(arrival, page, 'login-unverified', 502);
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
    await expectRefused(arrival, await browser.get(callback), 'journey-unknown', 400);
    keepCookie(arrival);
    await world.restart();
    const now = performance.now.bind(performance);
    let looks = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 6000 * looks++); // patience runs out at once
    await expectRefused(arrival, await browser.get(callback), 'journey-interrupted', 409);
    expect(watch.count('/token')).toBe(1);
  });
});

describe('a callback of somebody else', () => {
  test('in a browser that began nothing: no token call', async () => {
    const arrival = await arriveAtDoor(world);
    await expectRefused(arrival, await world.browser().get(arrival.callback), 'journey-unknown', 400);
    expect(watch.count('/token')).toBe(0);
    expectConfirmPage(await arrival.browser.get(arrival.callback));
  });

  test('in a browser that began a journey of its own (login CSRF): nobody confirms as the attacker', async () => {
    const [attacker, victim] = [await arriveAtDoor(world, waitingBrowser(), 'citoyen-2'), await arriveAtDoor(world)];
    await expectRefused(victim, await victim.browser.get(attacker.callback), 'journey-unknown', 400);
    expect(watch.count('/token')).toBe(0);
    expectConfirmPage(await victim.browser.get(victim.callback));
  });

  test('whose code is put under the victim’s state (code injection): the nonce tells', async () => {
    const [attacker, victim] = [await arriveAtDoor(world, waitingBrowser(), 'citoyen-2'), await arriveAtDoor(world)];
    const code = attacker.callback.searchParams.get('code') ?? '';
    await expectRefused(victim, await victim.browser.get(changed(victim, { code })), 'login-unverified', 502);
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
    await expectRefused(next, await next.browser.get(changed(next, { code })), 'login-expired', 410);
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
    await expectRefused(arrival, await arrival.browser.get(arrival.callback), 'login-cancelled', 403);
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
    await expectRefused(arrival, await arrival.browser.get(late), 'journey-unknown', 400);
    keepCookie(arrival);
    await world.restart();
    await expectRefused(arrival, await arrival.browser.get(late), 'login-cancelled', 403);
    expect(watch.count('/token')).toBe(0);
  });
});

describe('the errors of an authorization response', () => {
  const GARBAGE = 'x\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script>';
  test.each([
    ['access_denied', 'login-cancelled', 403],
    ['server_error', 'identity-provider-unavailable', 503],
    ['temporarily_unavailable', 'identity-provider-unavailable', 503],
    ['invalid_request', 'login-refused', 403],
    ['invalid_scope', 'login-refused', 403],
    ['invalid_acr', 'login-refused', 403],
    ['invalid_idp_hint', 'login-refused', 403],
    ['unsupported_response_type', 'login-refused', 403],
    ['unauthorized_client', 'login-refused', 403],
    ['login_required', 'login-refused', 403],
    ['interaction_required', 'login-refused', 403],
    ['Y010015', 'login-refused', 403],
    [GARBAGE, 'login-refused', 403],
    ['a'.repeat(5000), 'login-refused', 403],
    ['', 'login-unverified', 502],
  ] as const)('%j: %s', async (error, code, status) => {
    const arrival = await arriveAtDoor(world);
    const before = world.lines.length;
    const url = changed(arrival, { code: undefined, error, error_description: GARBAGE });
    const page = await arrival.browser.get(url);
    await expectRefused(arrival, page, code, status);
    expect(page.headers.getSetCookie().filter((cookie) => !cookie.startsWith('paraphe_'))).toEqual([]);
    expect(page.html).not.toContain('<script>');
    const said = world.lines.slice(before).join('');
    expect(said).not.toContain('alert');
    expect(said).not.toContain('aaaa');
    expect(said).toContain(`"code":"${code}"`);
    expect(watch.count('/token')).toBe(0);
  });

  test('an error and a code together: the error counts', async () => {
    const arrival = await arriveAtDoor(world);
    const url = changed(arrival, { error: 'access_denied' });
    await expectRefused(arrival, await arrival.browser.get(url), 'login-cancelled', 403);
    expect(watch.count('/token')).toBe(0);
  });

  test.each([
    ['no code', { code: undefined }],
    ['an empty code', { code: '' }],
    ['a code of nobody', { code: 'x'.repeat(43) }, 'login-expired', 410],
    ['a code of line breaks', { code: 'x\r\ny: z' }, 'login-expired', 410],
    ['an id_token in the address', { id_token: 'a.b.c' }],
    ['a JARM response', { response: 'a.b.c' }],
    ['no iss', { iss: undefined }],
    ['an empty iss', { iss: '' }],
    ['an iss of another provider (mix-up, RFC 9207)', { iss: 'https://wrong.example/api/v2' }],
    ['an iss that only looks like it', { iss: 'slash' }],
    ['an error without iss', { code: undefined, error: 'access_denied', iss: undefined }],
    ['an error of another provider', { code: undefined, error: 'access_denied', iss: 'https://wrong.example' }],
  ] as const)('%s', async (_what, parameters, code: RefusalCode = 'login-unverified', status: number = 502) => {
    const arrival = await arriveAtDoor(world);
    const iss = 'iss' in parameters && parameters.iss === 'slash' ? { iss: `${world.franceConnect.issuer}/` } : {};
    const page = await arrival.browser.get(changed(arrival, { ...parameters, ...iss }));
    await expectRefused(arrival, page, code, status);
    expect(watch.count('/token')).toBe(code === 'login-expired' ? 1 : 0);
  });

  test.each(['code', 'iss'])('two of %s', async (name) => {
    const arrival = await arriveAtDoor(world);
    const page = await arrival.browser.get(`${arrival.callback}&${name}=x`);
    await expectRefused(arrival, page, 'login-unverified', 502);
    expect(watch.count('/token')).toBe(0);
  });

  test.each(['', 'x', 'f'.repeat(64), 'F'.repeat(64), '0'.repeat(4000)])('a state that is none: %#', async (state) => {
    const arrival = await arriveAtDoor(world);
    for (const url of [changed(arrival, { state }), `${arrival.callback}&state=${state}`]) {
      await expectRefused(arrival, await arrival.browser.get(url), 'journey-unknown', 400);
    }
    expect(watch.count('/token')).toBe(0);
    expectConfirmPage(await arrival.browser.get(arrival.callback));
  });
});

describe('what FranceConnect itself refuses', () => {
  test('a scope that it never granted', async () => {
    await using other = await startWatchedWorld({ env: { IDENTITY_SCOPE: 'openid birthdate email' } });
    const { browser, callback } = await arriveAtDoor(other);
    expect(callback.searchParams.get('error')).toBe('invalid_scope');
    expectRefusal(other, await browser.get(callback), 'login-refused', 403);
  });

  test('a level that the platform does not have', async () => {
    await using other = await startWatchedWorld({ env: { IDENTITY_ACR: 'eidas3' } });
    const { browser, callback } = await arriveAtDoor(other);
    expect(callback.searchParams.get('error')).toBe('invalid_acr');
    expectRefusal(other, await browser.get(callback), 'login-refused', 403);
  });

  test('a person whom its register does not know: they read its page, and come back to one of ours', async () => {
    const browser = waitingBrowser();
    await browser.get(`${world.origin}/petitions/jardins`);
    await browser.submit({}, { form: '/sign' });
    await passFranceConnect(browser, 'E010015');
    expect(browser.page.text).toContain('Y010015');
    await browser.follow('/cancel');
    const page = await browser.get(browser.page.url);
    expect([403, 503]).toContain(page.status);
    expect(page.text).toMatch(/Code (login-cancelled|identity-provider-unavailable)/);
    expect(journeyCookies(browser)).toEqual([]);
  });
});

describe('a journey that took too long', () => {
  test.each([30, 59, 61, 24 * 60])('%i minutes to the login: nothing is asked of the provider', async (minutes) => {
    const arrival = await arriveAtDoor(world);
    ahead = minutes * MINUTE;
    const page = await arrival.browser.get(arrival.callback);
    expectRefusal(world, page, 'journey-expired', 410);
    expect(watch.count('/token')).toBe(0);
    ahead = 0;
    expect(await contentOf(world, arrival)).toBeUndefined();
  });

  test('29 minutes to the login, and 29 more to confirm, are in time', async () => {
    const { browser, callback } = await arriveAtDoor(world);
    ahead = 29 * MINUTE;
    expectConfirmPage(await browser.get(callback));
    ahead = 58 * MINUTE;
    expectConfirmPage(await browser.reload());
    ahead = 60 * MINUTE;
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
    keepCookie({ ...arrival, journey: { ...arrival.journey, cookie: parts.join('.') } });
    expectRefusal(world, await arrival.browser.get(arrival.callback), 'journey-unknown', 400);
    expect(watch.count('/token')).toBe(0);
    keepCookie(arrival);
    expectConfirmPage(await arrival.browser.get(arrival.callback));
  });

  test.each(['', '.....', 'a', '%00', `${'a'.repeat(3000)}`, 'null.sign.x..0.x'])(
    'that is none: %j',
    async (cookie) => {
      const arrival = await arriveAtDoor(world);
      keepCookie({ ...arrival, journey: { ...arrival.journey, cookie } });
      expectRefusal(world, await arrival.browser.get(arrival.callback), 'journey-unknown', 400);
    },
  );

  test('of another journey, under this one’s name, opens nothing', async () => {
    const [mine, other] = [await arriveAtDoor(world), await comeBack(world)];
    keepCookie({ ...mine, journey: { id: mine.journey.id, cookie: other.journey.cookie } });
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

describe('the level of assurance', () => {
  const withAcr = (acr: unknown) => {
    world.franceConnect.switches.alterations.idToken = {
      change: ({ header, payload: { acr: _acr, ...payload } }) => ({
        header,
        payload: acr === undefined ? payload : { ...payload, acr },
      }),
    };
  };

  afterEach(() => {
    delete world.franceConnect.switches.alterations.idToken;
  });

  test.each([['eidas0'], ['eidas9'], ['EIDAS1'], ['eidas1 '], [''], [undefined], [null], [1], [['eidas1']]])(
    '%j is none, or too low',
    async (acr) => {
      withAcr(acr);
      const arrival = await arriveAtDoor(world);
      await expectRefused(arrival, await arrival.browser.get(arrival.callback), 'acr-too-low', 403);
    },
  );

  test.each(['eidas1', 'eidas2', 'eidas3'])('%s will do where eidas1 is asked for', async (acr) => {
    withAcr(acr);
    expectConfirmPage((await comeBack(world)).page);
  });

  test('too low, a person can log out there, to choose another account', async () => {
    withAcr('eidas0');
    const { browser } = await comeBack(world);
    expect(browser.jar.find('fc_session')).toBeDefined();
    await browser.submit({}, { form: '/logout' });
    expect(new URL(browser.page.url).pathname).toBe('/petitions/jardins');
    expect(browser.jar.find('fc_session')).toBeUndefined();
    expect(journeyCookies(browser)).toEqual([]);
    withAcr('eidas1');
    await browser.submit({}, { form: '/sign' });
    expect(browser.page.html).not.toContain('/information'); // it asks again who they are
  });

  test('under profile oidc is compared as it is', async () => {
    await using other = await startWatchedWorld({ ...OIDC, env: { ...OIDC.env, IDENTITY_ACR: 'eidas1' } });
    await expectHealthyLogin(other);
    other.franceConnect.switches.alterations.idToken = {
      change: ({ header, payload }) => ({ header, payload: { ...payload, acr: 'eidas2' } }),
    };
    expectRefusal(other, (await comeBack(other)).page, 'acr-too-low', 403);
  });
});

test('the refusal of a login can be read in the other language', async () => {
  const browser = waitingBrowser();
  await browser.get(`${world.origin}/petitions/jardins`);
  await browser.submit({}, { form: '/sign' });
  await browser.follow('/cancel');
  await browser.get(browser.page.url);
  expect(browser.page.text).toContain('Code login-cancelled');
  await browser.follow('English');
  expect(browser.page.html).toContain('<html lang="en"');
  expect(browser.page.text).not.toContain('journey-unknown');
});

test('honest logins go on after all this', async () => {
  await expectHealthyLogin(world);
  await using fresh = await startWatchedWorld(FRANCECONNECT);
  await expectHealthyLogin(fresh);
});
