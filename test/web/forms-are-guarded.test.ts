import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recorded } from '../fakes/recorded.ts';
import { logIn, startWorld, type World } from '../fakes/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ env: { POSTS_PER_MINUTE: '100000' } });
});
afterAll(() => world.close());

const post = (path: string, headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer> = '') =>
  fetch(world.origin + path, { method: 'POST', headers, body, redirect: 'manual' });
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('a form of another site signs nothing', () => {
  const POSTS = ['/petitions/trains/sign', '/petitions/trains/withdraw', '/petitions/trains/confirm', '/logout'];

  test.each(POSTS)('%s refuses foreign origins', async (path) => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: world.franceConnect.origin },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: world.origin },
    ]) {
      const response = await post(path, { ...FORM, ...headers } as Record<string, string>);
      expect(response.status).toBe(403);
      expect(await response.text()).toContain('foreign-origin');
      expect(response.headers.getSetCookie()).toEqual([]);
    }
  });

  test('our own pages and clients that are no browsers pass', async () => {
    for (const headers of [{ 'sec-fetch-site': 'same-origin', origin: world.origin }, { origin: world.origin }, {}]) {
      const response = await post('/petitions/trains/sign', { ...FORM, ...headers } as Record<string, string>);
      expect(response.status).toBe(303);
      expect(response.headers.get('location')).toContain(world.franceConnect.issuer);
    }
  });

  test('someone logged in is not made to confirm by another site’s form', async () => {
    const browser = world.browser();
    await logIn(browser, world, 'jardins', 'test');
    const confirm = browser.page.url;
    await browser.tab().post(confirm, {}, 'https://evil.example/');
    expect(await recorded(world, 'jardins')).toMatchObject({ total: 0 });
  });
});

describe('what is too much or no text is refused before anything is read of it', () => {
  test('a body of a megabyte', async () => {
    const response = await post('/petitions/trains/sign', FORM, `lang=${'a'.repeat(1_000_000)}`);
    expect(response.status).toBe(413);
    expect(await response.text()).toContain('request-too-large');
  });

  test.each([
    ['percent-encoded bytes that are no UTF-8', 'department=%ff%fe'],
    ['half a percent sign', 'department=%'],
    ['raw bytes that are no UTF-8', Uint8Array.of(0x6c, 0x3d, 0xff, 0xfe)],
    ['too many fields', Array.from({ length: 100 }, (_, i) => `f${i}=1`).join('&')],
  ])('%s', async (_name, body) => {
    const response = await post('/petitions/trains/sign', FORM, body);
    expect([400, 413]).toContain(response.status);
    expect(await response.text()).toMatch(/request-malformed|request-too-large/);
  });

  test('JSON where a form is expected is no form', async () => {
    const response = await post('/petitions/trains/sign', { 'content-type': 'application/json' }, '{"lang":"en"}');
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).not.toContain('ui_locales=en');
  });

  test('fields that name the prototype change nothing', async () => {
    const response = await post('/petitions/trains/sign', FORM, '__proto__[lang]=en&constructor=1&lang=en&lang=fr');
    expect(response.status).toBe(303);
    expect(({} as Record<string, unknown>).lang).toBeUndefined();
  });
});

test('a journey’s cookie is HttpOnly, Lax, short, and each press has its own', async () => {
  const cookies = (await post('/petitions/trains/sign', FORM)).headers.getSetCookie();
  expect(cookies).toHaveLength(1);
  expect(cookies[0]).toMatch(/^paraphe_[\w-]{16}=[^;]+; Max-Age=1800; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
  const [other] = (await post('/petitions/trains/sign', FORM)).headers.getSetCookie();
  expect(other?.split('=')[0]).not.toBe(cookies[0]?.split('=')[0]);
});

test('abandoned journeys do not pile up in a browser until no header fits', async () => {
  const browser = world.browser({ stopAt: (url) => url.origin === world.franceConnect.origin });
  for (let i = 0; i < 30; i++) {
    await browser.get(`${world.origin}/petitions/trains`);
    await browser.submit({}, { form: '/sign' });
  }
  const cookie = browser.history.at(-1)?.requestHeaders.cookie ?? '';
  expect(cookie.split(';').length).toBeLessThanOrEqual(8);
});

test('pressing "sign" by its address leads back to the petition', async () => {
  const response = await fetch(`${world.origin}/petitions/trains/sign`, { redirect: 'manual' });
  expect([response.status, response.headers.get('location')]).toEqual([303, '/petitions/trains']);
});
