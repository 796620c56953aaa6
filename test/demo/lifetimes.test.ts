import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { json, RelyingParty } from './relying-party.ts';

/** Only the date is false: sockets and timers are real. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

function later(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

test('a code serves for 30 seconds', async () => {
  await using service = await RelyingParty.start();
  const inTime = await service.logIn('test');
  later(29);
  expect((await service.token(inTime)).status).toBe(200);
  const tooLate = await service.logIn('test');
  later(30);
  expect(await json(await service.token(tooLate))).toMatchObject({ error: 'invalid_grant' });
});

test('userinfo can be read while code’s grant lasts, 30 seconds', async () => {
  await using service = await RelyingParty.start();
  const { access_token: accessToken } = await json(await service.token(await service.logIn('test')));
  later(29);
  expect((await service.userinfo(String(accessToken))).status).toBe(200);
  later(2);
  expect((await service.userinfo(String(accessToken))).status).toBe(401);
});

test('a session lives half an hour from the last journey', async () => {
  await using service = await RelyingParty.start();
  const browser = service.browser();
  await service.logIn('test', browser);
  later(1790);
  await browser.get(service.authorizeUrl());
  expect(browser.page.text).toContain('date de naissance');
  await browser.submit();
  later(1790);
  await browser.get(service.authorizeUrl());
  expect(browser.page.text).toContain('date de naissance');
  later(1801);
  await browser.get(service.authorizeUrl());
  expect(browser.page.text).toContain('Choisissez un compte');
});

test('an interaction that was left for half an hour is an error page', async () => {
  await using service = await RelyingParty.start();
  const browser = service.browser();
  await browser.get(service.authorizeUrl());
  later(1801);
  await browser.submit();
  expect(browser.page.status).toBe(400);
  expect(browser.page.text).toContain('Votre session a expiré');
});
