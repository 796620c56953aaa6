import { expect, test } from 'vitest';
import { startWorld } from '../fakes/world.ts';

test('on https, cookies are Secure and bound to the host, and browsers are told to stay on https', async () => {
  const world = await startWorld({ env: { ORIGIN: 'https://petitions.example.org' } });
  const response = await fetch(`${world.origin}/petitions/trains/sign`, { method: 'POST', redirect: 'manual' });
  expect(response.status).toBe(303);
  expect(new URL(response.headers.get('location') ?? '').searchParams.get('redirect_uri')).toBe(
    'https://petitions.example.org/login/callback',
  );
  const [cookie = ''] = response.headers.getSetCookie();
  expect(cookie).toMatch(/^__Host-paraphe_[\w-]{16}=/);
  expect(cookie).toMatch(/; Path=\/;.*; HttpOnly; Secure; SameSite=Lax$/);
  expect(cookie).not.toContain('Domain');
  expect((await fetch(world.origin)).headers.get('strict-transport-security')).toMatch(/^max-age=63072000/);

  // The addresses that we give come from the configuration, whatever a request claims.
  const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
  const spoofed = await fetch(`${world.origin}/petitions/trains/sign`, { method: 'POST', headers, redirect: 'manual' });
  expect(spoofed.headers.get('location')).not.toContain('evil.example');
  expect(await (await fetch(`${world.origin}/verify`, { headers })).text()).not.toContain('evil.example');
  await world.close();
});
