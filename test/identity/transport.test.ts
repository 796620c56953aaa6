/** HTTP at its worst: each answer is one, or a ProviderUnavailable that says why; none is left waiting, none throws elsewhere. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTransport, ProviderUnavailable } from '../../src/identity/transport.ts';

let server: Server;
let answer: string;
const transport = createTransport(20_000);

beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from(answer, 'latin1')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  transport.close();
  server.close();
});

const ask = () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return transport.fetch(`http://127.0.0.1:${port}/token?code=secret`, { method: 'GET', headers: {} });
};
const withBody = (head: string) => `HTTP/1.1 ${head}\r\ncontent-length: 2\r\n\r\n{}`;

test.each([
  ['101', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 'no answer'],
  ['status 99', withBody('099 X'), 'status 99'],
  ['201', withBody('201 Created'), 'status 201'],
  ['205 with a body', withBody('205 Reset'), 'status 205'],
  ['304', 'HTTP/1.1 304 Not Modified\r\n\r\n', 'status 304'],
  ['999', withBody('999 X'), 'status 999'],
  ['no HTTP', 'hello\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['nothing', '', 'ECONNRESET'],
  ['half an answer', 'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{', 'answer cut short'],
  ['half a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"', 'answer cut short'],
  ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(200_000)}`, 'HPE_HEADER_OVERFLOW'],
  [
    'two lengths',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}',
    'HPE_UNEXPECTED_CONTENT_LENGTH',
  ],
  ['a body without end', `HTTP/1.1 200 OK\r\n\r\n${'a'.repeat(1_000_001)}`, 'answer too large'],
])('%s', async (_what, text, reason) => {
  answer = text;
  const failure = await ask().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ProviderUnavailable);
  expect(String(failure)).toBe(`ProviderUnavailable: /token: ${reason}`); // and not what was sent
});

test.each([
  ['an error', withBody('400 Bad'), 400],
  ['a body that ends with the connection', 'HTTP/1.1 200 OK\r\n\r\n{}', 200],
  ['an early 100', `HTTP/1.1 100 Continue\r\n\r\n${withBody('200 OK')}`, 200],
  ['a header in Latin-1', withBody('200 OK\r\nx: caf\xe9'), 200],
])('%s is an answer', async (_what, text, status) => {
  answer = text;
  const response = await ask();
  expect([response.status, response.body?.toString()]).toEqual([status, '{}']);
});
