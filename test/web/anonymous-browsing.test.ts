import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, type World } from '../fakes/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(world.origin + path, { headers, redirect: 'manual' });

const PUBLIC = [
  '/',
  '/?lang=en',
  '/?q=train&sort=closing&status=open&page=1',
  '/petitions/trains',
  '/petitions/trains/figures',
  '/petitions/trains/figures.csv',
  '/petitions/trains/qr.svg',
  '/petitions.csv',
  '/how-it-works',
  '/transparency',
  '/privacy',
  '/accessibility',
  '/verify',
  '/log',
  '/api/petitions',
  '/api/petitions/trains',
  '/api/petitions/trains/tally',
  `/api/petitions/trains/signatures/${'A'.repeat(43)}`,
  '/.well-known/jwks.json',
];

describe('whoever reads stays anonymous', () => {
  test.each(PUBLIC)('%s sets no cookie, may be cached, and carries every security header', async (path) => {
    const response = await get(path, { cookie: 'paraphe_x=y; other=1' });
    expect(response.status).toBe(200);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(response.headers.get('cache-control')).toMatch(/^public, max-age=1\b/);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain(`form-action 'self' ${world.franceConnect.origin}`);
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('same-origin');
    expect(response.headers.get('x-powered-by')).toBeNull();
  });

  test.each(PUBLIC)('%s is not sent again to a reader who has it', async (path) => {
    const { headers } = await get(path);
    const again = await get(path, { 'if-none-match': headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
  });

  test('pages load nothing from anyone else', async () => {
    for (const path of PUBLIC.filter((one) => !/api|well-known|\.(csv|svg)$/.test(one))) {
      const html = await (await get(path)).text();
      const loaded = [...html.matchAll(/(?:src|srcset|<link[^>]*href)="([^"]+)"/g)].map(([, url]) => url);
      expect(loaded.length).toBeGreaterThan(0);
      expect(loaded.filter((url) => !/^\/(assets|petitions)\//.test(url ?? ''))).toEqual([]);
      // The page that checks receipts runs our own code, from `/assets/` as everything.
      const markup = path === '/verify' ? html.replace(/<script type="module" src="[^"]+"><\/script>/, '') : html;
      expect(markup).not.toMatch(/<script|<iframe|style="|\son\w+="/);
    }
  });

  test('styles and images are cached for ever under the name of their content', async () => {
    const html = await (await get('/')).text();
    const [, path = ''] = /href="(\/assets\/[^"]+\.css)"/.exec(html) ?? [];
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect((await get('/assets/style.0000000000000000.css')).status).toBe(404);
    expect((await get('/assets/..%2f..%2fpackage.json')).status).toBe(404);
  });

  test('French first, English for who asks for it, and the two do not mix in a cache', async () => {
    const french = await get('/petitions/trains');
    const english = await get('/petitions/trains', { 'accept-language': 'en-GB,en;q=0.9,fr;q=0.1' });
    expect(french.headers.get('content-language')).toBe('fr');
    expect(english.headers.get('content-language')).toBe('en');
    expect(english.headers.get('vary')).toBe('Accept-Language, Accept-Encoding');
    expect(await english.text()).toContain('<html lang="en">');
    expect((await get('/petitions/trains?lang=en')).headers.get('content-language')).toBe('en');
    expect((await get('/petitions/trains?lang=de')).headers.get('content-language')).toBe('fr');
  });

  test('HEAD answers like GET, without a body', async () => {
    const response = await fetch(`${world.origin}/petitions/trains`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(1000);
    expect(await response.text()).toBe('');
  });

  test('no line of diagnostics holds an address', async () => {
    await get('/nothing-here');
    await get('/petitions/unknown');
    expect(world.lines.join('\n')).not.toMatch(/127\.0\.0\.1|::1|::ffff/);
  });
});

describe('public JSON', () => {
  test('has the shapes of the contract', async () => {
    const { petitions } = (await (await get('/api/petitions')).json()) as { petitions: Record<string, unknown>[] };
    expect(petitions.map(({ slug }) => slug)).toEqual(['trains', 'jardins']);
    const keys = 'id,slug,title,status,statement,opened,closes,min_age,departments,signatures';
    expect(Object.keys(petitions[0]!).join()).toBe(keys);
    expect(petitions[0]).toMatchObject({ status: 'open', closes: null, min_age: 18, departments: true, signatures: 0 });
    const one = (await (await get('/api/petitions/trains')).json()) as Record<string, unknown>;
    expect(Object.keys(one).join()).toBe(`${keys},text`);
    const [origin, size, root] = (await (await get('/log/checkpoint')).text()).split('\n');
    const checkpoint = { origin, size: Number(size), root };
    expect(await (await get('/api/petitions/jardins/tally')).json()).toEqual({
      petition: petitions[1]!.id,
      total: 0,
      by_day: {},
      by_department: null,
      withdrawn: 0,
      invalidated: {},
      checkpoint,
    });
    expect(await (await get(`/api/petitions/trains/signatures/${'A'.repeat(43)}`)).json()).toEqual({
      state: 'unknown',
      index: null,
      checkpoint,
    });
    const jwks = (await (await get('/.well-known/jwks.json')).json()) as { keys: Record<string, unknown>[] };
    expect(Object.keys(jwks.keys[0]!).sort().join()).toBe('alg,crv,kid,kty,use,x,y');
  });

  test.each([
    ['/api/petitions/unknown', 404, 'petition-unknown'],
    ['/api/petitions/unknown/tally', 404, 'petition-unknown'],
    ['/api/petitions/trains/signatures/not-a-nym', 400, 'request-malformed'],
    ['/api/nothing', 404, 'not-found'],
  ])('%s answers with a problem: %i %s', async (path, status, code) => {
    const response = await get(path);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem = (await response.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({ type: 'about:blank', status, code });
    expect(problem.title).toBeTruthy();
  });
});

describe('health', () => {
  test('alive and ready', async () => {
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
  });
});

describe('what makes no sense gets a page of its own', () => {
  test.each([
    ['/nothing', 404, 'not-found'],
    ['/petitions/unknown', 404, 'petition-unknown'],
    ['/petitions/UPPER%20case', 404, 'petition-unknown'],
    ['/petitions/%ff', 400, 'request-malformed'],
    [`/petitions/${'a'.repeat(100)}`, 404, 'petition-unknown'],
    ['/petitions/trains/receipt/x', 404, 'receipt-link-invalid'],
    ['/petitions/trains/confirm', 400, 'journey-unknown'],
    ['/petitions/trains/confirm?journey=AAAAAAAAAAAAAAAA', 400, 'journey-unknown'],
    ['/login/callback', 400, 'journey-unknown'],
    ['/login/callback?state=x&code=y', 400, 'journey-unknown'],
  ])('%s: %i %s', async (path, status, code) => {
    for (const [lang, title] of [
      ['fr', /<html lang="fr">/],
      ['en', /<html lang="en">/],
    ] as const) {
      const response = await get(path, { 'accept-language': lang });
      expect(response.status).toBe(status);
      const html = await response.text();
      expect(html).toMatch(title);
      expect(html).toContain(code);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  test('a log-out that nobody asked for leads home', async () => {
    const response = await get('/logout/callback?state=unknown');
    expect([response.status, response.headers.get('location')]).toEqual([303, '/']);
  });

  test('raw nonsense on the wire is refused and the next reader is served', async () => {
    await new Promise((resolve) => {
      const { port } = new URL(world.origin);
      const raw = request({
        port,
        host: '127.0.0.1',
        method: 'GET',
        path: '/petitions/trains',
        headers: { 'x-large': 'x'.repeat(20_000) },
      });
      raw.on('response', (response) => {
        expect(response.statusCode).toBe(431);
        response.resume().on('end', resolve);
      });
      raw.on('error', resolve);
      raw.end();
    });
    expect((await get('/')).status).toBe(200);
  });
});
