import { afterAll, beforeAll, expect, test } from 'vitest';
import { receiptOf, sign, startWorld, type World } from '../fakes/world.ts';

let world: World;
let offset = 0;
beforeAll(async () => {
  world = await startWorld({ clock: () => new Date(Date.now() + offset) });
});
afterAll(() => world.close());

const fetchPage = async (url: string) => {
  const response = await fetch(url);
  return { status: response.status, headers: response.headers, html: await response.text() };
};

test('a receipt’s address needs no cookie, is kept by no cache, and ends after thirty minutes', async () => {
  const browser = world.browser();
  await sign(browser, world, 'trains', 'test', '2A');
  const address = browser.page.url;
  const { claims } = await receiptOf(browser);

  const elsewhere = await fetchPage(address);
  expect(elsewhere.status).toBe(200);
  expect(elsewhere.headers.get('cache-control')).toBe('no-store');
  expect(elsewhere.headers.get('referrer-policy')).toBe('same-origin');
  expect(elsewhere.html).toContain(String(claims.sub));

  for (let i = address.length - 110; i < address.length; i += 7) {
    const changed = address.slice(0, i) + (address[i] === 'A' ? 'B' : 'A') + address.slice(i + 1);
    expect((await fetchPage(changed)).status).toBe(404);
  }
  for (const other of [`${address}A`, address.slice(0, -1), address.replace('/trains/', '/jardins/')]) {
    const refused = await fetchPage(other);
    expect([refused.status, refused.html.includes('receipt-link-invalid')]).toEqual([404, true]);
  }

  offset = 29 * 60_000;
  expect((await fetchPage(address)).status).toBe(200);
  offset = 31 * 60_000;
  for (const late of [address, `${address}/receipt.jwt`]) {
    const refused = await fetchPage(late);
    expect([refused.status, refused.html.includes('receipt-link-expired')]).toEqual([410, true]);
  }
  offset = 0;
});

test('the receipt is a file to keep, and what a week and a restart later gives the same claims', async () => {
  const first = world.browser();
  await sign(first, world, 'jardins', 'test');
  const { claims } = await receiptOf(first);
  const file = await fetchPage(`${first.page.url}/receipt.jwt`);
  expect(file.headers.get('content-type')).toBe('application/jwt');
  expect(file.headers.get('content-disposition')).toBe('attachment; filename="receipt.jwt"');
  expect(claims).not.toHaveProperty('department');

  await world.restart();
  offset = 7 * 24 * 3_600_000;
  // The simulated provider lives in the present: its tokens are a week old for this gateway, so its clock moves along.
  world.franceConnect.switches.clockOffset = offset / 1000;
  const later = world.browser();
  await sign(later, world, 'jardins', 'test');
  expect((await receiptOf(later)).claims).toEqual(claims);
  offset = 0;
  world.franceConnect.switches.clockOffset = 0;
});
