import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, type World } from '../fakes/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** The raw answer to a raw request line: no client library tidies the address up. */
function raw(target: string, method = 'GET'): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(world.origin).port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  socket.on('close', () => resolve(text));
  socket.on('error', reject);
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  return promise;
}

describe('an address that no browser writes', () => {
  test.each([
    '//',
    '//?secret=1',
    '//[?a=1',
    '//:99999/?a',
    '/%00',
    '/?%ff',
    'http://evil.example/',
    '//evil.example/%2e%2e?x',
    'http://[',
    'http://?x',
    'h://[/',
    'http://a:b@[/',
  ])('%s is answered without a stack or a path of ours', async (target) => {
    const answer = await raw(target);
    expect(answer).toMatch(/^HTTP\/1\.1 (200|400|404) /);
    expect(answer).not.toMatch(/node_modules|\.ts:/);
    expect(answer).toContain("default-src 'none'");
  });

  test('a callback is read from its query alone', async () => {
    const answer = await raw(`http://evil.example/login/callback?state=${'0'.repeat(64)}&code=x`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('pages have one spelling', async () => {
    for (const path of ['/petitions/trains/', '/PETITIONS/trains', '/petitions/Trains']) {
      expect((await fetch(world.origin + path)).status).toBe(404);
    }
    const spelled = await fetch(`${world.origin}/petitions/%74rains`);
    expect(await spelled.text()).toBe(await (await fetch(`${world.origin}/petitions/trains`)).text());
  });

  test.each([
    ['PUT', '/', 'GET, HEAD'],
    ['DELETE', '/petitions/trains', 'GET, HEAD'],
    ['POST', '/api/petitions', 'GET, HEAD'],
    ['PUT', '/petitions/trains/sign', 'GET, HEAD, POST'],
    ['GET', '/logout', 'POST'],
  ])('%s %s is 405 and says what is allowed', async (method, path, allow) => {
    const response = await fetch(world.origin + path, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
    expect(await response.text()).toContain('method-not-allowed');
  });

  test('a reader who has a page is not sent it again, also behind a proxy that weakens its name', async () => {
    const { headers } = await fetch(`${world.origin}/petitions/trains`);
    const etag = headers.get('etag') ?? '';
    for (const known of [etag, `W/${etag}`, `"other", W/${etag}`, '*']) {
      const again = await fetch(`${world.origin}/petitions/trains`, { headers: { 'if-none-match': known } });
      expect(again.status).toBe(304);
    }
    const other = await fetch(`${world.origin}/petitions/trains`, { headers: { 'if-none-match': '"other"' } });
    expect(other.status).toBe(200);
  });

  test('a body of another type is held to the same limit', async () => {
    for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain']) {
      const response = await fetch(`${world.origin}/petitions/trains/sign`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: 'a'.repeat(1_000_000),
        redirect: 'manual',
      });
      expect(response.status).toBe(413);
    }
  });
});
