import { afterAll, beforeAll, expect, test } from 'vitest';
import { recorded } from '../fakes/recorded.ts';
import { logIn, startWorld, type World } from '../fakes/world.ts';

let world: World;
let offset = 0;
beforeAll(async () => {
  world = await startWorld({ clock: () => new Date(Date.now() + offset) });
});
afterAll(() => world.close());

test.each([-86_400, -600, 600, 86_400])(
  'a login that is %i seconds away from our clock proves nothing about today',
  async (seconds) => {
    offset = seconds * 1000;
    const browser = world.browser();
    await logIn(browser, world, 'jardins', 'test');
    expect([browser.page.status, browser.page.html.includes('login-unverified')]).toEqual([502, true]);
    expect(await recorded(world, 'jardins')).toMatchObject({ total: 0 });
  },
);

test('clocks that differ by a minute do not keep anyone from signing', async () => {
  for (const seconds of [-60, 60]) {
    offset = seconds * 1000;
    const browser = world.browser();
    await logIn(browser, world, 'jardins', 'test');
    expect(browser.page.status).toBe(200);
    expect(browser.page.url).toContain('/confirm');
  }
});
