import { expect, test } from 'vitest';
import { command } from '../fakes/command.ts';
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

test('on https, the cookies of a petition site’s request are Secure too, and hold to its own addresses', async () => {
  const world = await startWorld({ env: { ORIGIN: 'https://petitions.example.org' } });
  const added = await command(
    { DATA_DIR: world.dataDir },
    'site',
    ...['add', '--name', 'Ville', '--redirect-uri', 'https://participe.example.org/callback'],
    ...['--auth', 'client_secret_basic', '--json'],
  );
  const { client_id: id, issuer } = JSON.parse(added.out) as { client_id: string; issuer: string };
  expect(issuer).toBe('https://petitions.example.org/oidc');
  const request = new URLSearchParams({
    client_id: id,
    redirect_uri: 'https://participe.example.org/callback',
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  });
  const response = await fetch(`${world.origin}/oidc/auth?${request}`, { redirect: 'manual' });
  expect(response.headers.get('location')).toMatch(/^\/oidc\/interaction\/[\w-]+$/);
  const cookies = response.headers.getSetCookie();
  expect(cookies).toHaveLength(2);
  for (const cookie of cookies) {
    expect(cookie).toMatch(/^__Secure-paraphe_site(_resume)?=[\w-]+; path=\/oidc\/(interaction|auth)\/[\w-]+;/);
    expect(cookie.toLowerCase()).toMatch(/; samesite=lax; secure; httponly$/);
  }
  const discovery = await fetch(`${world.origin}/oidc/.well-known/openid-configuration`);
  expect(await discovery.text()).not.toContain('http://');
  await world.close();
});
