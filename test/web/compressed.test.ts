/** Public text travels as gzip where the reader takes it, and caches keep the two forms apart. */
import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takesGzip } from '../../src/web/compressed.ts';
import { startWorld, type World } from '../fakes/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer };

/** As the bytes come, which `fetch` would undo. */
function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const asked = request(new URL(path, world.origin), { headers }, async (response) => {
    const body = Buffer.concat(await response.toArray());
    resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
  });
  asked.on('error', reject).end();
  return promise;
}

test.each(['/', '/petitions/trains', '/petitions/trains/qr.svg', '/log'])(
  '%s: a third of the bytes, the same text, another ETag',
  async (path) => {
    const [plain, packed] = [await get(path), await get(path, { 'accept-encoding': 'br, gzip;q=0.8' })];
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(gunzipSync(packed.body)).toEqual(plain.body);
    expect(packed.body.length).toBeLessThan(plain.body.length / 2);
    expect(packed.headers['content-length']).toBe(String(packed.body.length));
    expect(packed.headers.etag).not.toBe(plain.headers.etag);
    for (const { headers } of [plain, packed]) expect(headers.vary).toContain('Accept-Encoding');
  },
);

test.each(['gzip', 'identity'])(
  'who has a page as %s is not sent it again, whatever a proxy made of its ETag',
  async (coding) => {
    const { headers } = await get('/petitions/trains', { 'accept-encoding': coding });
    for (const etag of [`${headers.etag}`, `W/${headers.etag}`, `"other", ${headers.etag}`]) {
      const again = await get('/petitions/trains', { 'accept-encoding': coding, 'if-none-match': etag });
      expect([again.status, again.body.length, again.headers.vary]).toEqual([
        304,
        0,
        'Accept-Language, Accept-Encoding',
      ]);
    }
  },
);

test('the log is served as it is', async () => {
  const { headers } = await get('/log/checkpoint', { 'accept-encoding': 'gzip' });
  expect(headers['content-encoding']).toBeUndefined();
});

test.each([
  [undefined, false],
  ['gzip', true],
  ['GZIP', true],
  ['deflate, gzip;q=1.0, *;q=0.5', true],
  ['br', false],
  ['gzip;q=0', false],
  ['gzip; q=0.000, br', false],
  ['gzip;q=0.5', true],
  ['x-gzip-like', false],
])('Accept-Encoding %s: %s', (header, expected) => {
  expect(takesGzip(header)).toBe(expected);
});
