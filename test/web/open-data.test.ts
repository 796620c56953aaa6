/** The public JSON is what `/api/openapi.json` says, and every site's pages may read it; nothing else may be read so. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { logIn, receiptOf, sign, startWorld, tallyOf, type World } from '../fakes/world.ts';

type Description = {
  servers: { url: string }[];
  paths: Record<
    string,
    { get: { responses: Record<string, { content?: Record<string, { schema: { $ref: string } }> }> } }
  >;
  components: { schemas: Record<string, object> };
};

let world: World;
let description: Description;
let nym: string;

beforeAll(async () => {
  world = await startWorld();
  const browser = world.browser();
  await sign(browser, world, 'trains', 'test', '75');
  nym = String((await receiptOf(browser)).claims.sub);
  await vi.waitFor(async () => expect(await tallyOf(world, 'trains')).toMatchObject({ total: 1 }), 30_000);
  description = (await (await fetch(`${world.origin}/api/openapi.json`)).json()) as Description;
});
afterAll(() => world.close());

const ask = (path: string, init?: RequestInit) => fetch(`${world.origin}${path}`, init);
const place = (path: string, slug = 'trains') => path.replace('{slug}', slug).replace('{nym}', nym);

function schemaOf(path: string, status: string, type: string): z.ZodType {
  const { $ref = '' } = description.paths[path]?.get.responses[status]?.content?.[type]?.schema ?? {};
  return z.fromJSONSchema(description.components.schemas[$ref.split('/').pop() ?? ''] as never);
}

describe('the description', () => {
  test('has every public address of JSON, and no other', () => {
    const source = readFileSync(join(import.meta.dirname, '../../src/web/server.ts'), 'utf8');
    const routes = [...source.matchAll(/app\.get\('(\/(?:api\/|\.well-known\/)[^']*)'/g)].map(([, path = '']) => path);
    const written = routes.map((path) => path.replaceAll(/:(\w+)/g, '{$1}'));
    expect(Object.keys(description.paths).sort()).toEqual(written.sort());
    expect(description.servers).toEqual([{ url: world.origin }]);
  });

  test('is what each of them answers, to the last member', async () => {
    for (const path of Object.keys(description.paths)) {
      for (const slug of path.includes('{slug}') ? ['trains', 'jardins'] : ['trains']) {
        const response = await ask(place(path, slug));
        expect([path, response.status]).toEqual([path, 200]);
        const parsed = schemaOf(path, '200', 'application/json').safeParse(await response.json());
        expect([path, parsed.error?.issues]).toEqual([path, undefined]);
      }
    }
  });

  test('is what they answer when they refuse', async () => {
    for (const path of [
      '/api/petitions/{slug}',
      '/api/petitions/{slug}/tally',
      '/api/petitions/{slug}/signatures/{nym}',
    ]) {
      const response = await ask(place(path, 'nothing'));
      expect(response.status).toBe(404);
      schemaOf(path, 'default', 'application/problem+json').parse(await response.json());
    }
    expect((await ask('/api/petitions/trains/signatures/x')).status).toBe(400);
  });

  test('would notice a member that is missing, and one too many', async () => {
    const tally = await tallyOf(world, 'trains');
    const schema = schemaOf('/api/petitions/{slug}/tally', '200', 'application/json');
    const { total: _, ...without } = tally;
    expect(schema.safeParse(tally).success).toBe(true);
    expect(schema.safeParse(without).success).toBe(false);
    expect(schema.safeParse({ ...tally, names: [] }).success).toBe(false);
  });
});

describe('a page of another site', () => {
  const open = (headers: Headers) => headers.get('access-control-allow-origin');
  const elsewhere = { origin: 'https://elsewhere.example' };

  test('reads the JSON, the keys and the log, and is told why when it cannot', async () => {
    const paths = [...Object.keys(description.paths).map((path) => place(path)), '/log/checkpoint', '/log/vkey'];
    for (const path of [
      ...paths,
      '/api/petitions/nothing',
      '/api/nothing',
      '/log/tile/9/000',
      '/.well-known/nothing',
    ]) {
      const { headers } = await ask(path, { headers: elsewhere });
      expect([path, open(headers), headers.get('cross-origin-resource-policy')]).toEqual([path, '*', 'cross-origin']);
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    }
  });

  test('may ask with If-None-Match, and hears 304', async () => {
    for (const path of ['/api/petitions/trains/tally', '/.well-known/jwks.json', '/log/checkpoint']) {
      const asks = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'if-none-match' };
      const before = await ask(path, { method: 'OPTIONS', headers: { ...elsewhere, ...asks } });
      expect([before.status, open(before.headers)]).toEqual([204, '*']);
      expect(before.headers.get('access-control-allow-headers')).toBe('If-None-Match');
      const first = await ask(path, { headers: elsewhere });
      const etag = first.headers.get('etag') ?? '';
      const again = await ask(path, { headers: { ...elsewhere, 'if-none-match': etag } });
      expect([etag === '', again.status, open(again.headers)]).toEqual([false, 304, '*']);
    }
  });

  test('reads no page, no journey and no receipt', async () => {
    const browser = world.browser();
    await logIn(browser, world, 'trains', 'citoyen-1');
    const cookie = browser.jar.header(new URL(world.origin), { sameSite: true, method: 'GET' }) ?? '';
    const paths = [
      '/',
      '/petitions/trains',
      new URL(browser.page.url).pathname,
      '/login/callback',
      '/logout',
      '/oidc/auth',
    ];
    for (const path of paths) {
      for (const method of ['GET', 'OPTIONS']) {
        const { headers } = await ask(path, { method, redirect: 'manual', headers: { ...elsewhere, cookie } });
        expect([path, method, open(headers)]).toEqual([path, method, null]);
      }
    }
  });
});
