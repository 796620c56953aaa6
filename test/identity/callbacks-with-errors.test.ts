/** At `/login/callback`: every error that a provider may send a person back with, and nonsense that anybody may send. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RefusalCode } from '../../src/errors.ts';
import { passFranceConnect } from '../fakes/world.ts';
import {
  arriveAtDoor,
  changed,
  expectConfirmPage,
  expectRefusal,
  expectRefused,
  journeyCookies,
  startWatchedWorld,
  storedSignatures,
  type WatchedWorld,
  waitingBrowser,
} from './arrival.ts';
import { Watch } from './watch.ts';

let world: WatchedWorld;
let watch: Watch;

beforeAll(async () => {
  world = await startWatchedWorld();
  watch = new Watch(world.franceConnect.port);
});

beforeEach(() => watch.forget());

afterAll(async () => {
  watch[Symbol.dispose]();
  expect(storedSignatures(world)).toBe(0);
  await world.close();
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
    await expectRefused(world, arrival, page, code, status);
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
    await expectRefused(world, arrival, await arrival.browser.get(url), 'login-cancelled', 403);
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
    await expectRefused(world, arrival, page, code, status);
    expect(watch.count('/token')).toBe(code === 'login-expired' ? 1 : 0);
  });

  test.each(['code', 'iss'])('two of %s', async (name) => {
    const arrival = await arriveAtDoor(world);
    const page = await arrival.browser.get(`${arrival.callback}&${name}=x`);
    await expectRefused(world, arrival, page, 'login-unverified', 502);
    expect(watch.count('/token')).toBe(0);
  });

  test.each(['', 'x', 'f'.repeat(64), 'F'.repeat(64), '0'.repeat(4000)])('a state that is none: %#', async (state) => {
    const arrival = await arriveAtDoor(world);
    for (const url of [changed(arrival, { state }), `${arrival.callback}&state=${state}`]) {
      await expectRefused(world, arrival, await arrival.browser.get(url), 'journey-unknown', 400);
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
