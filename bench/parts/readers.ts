/**
 * Anonymous readers of one page, over kept-alive connections, each asking again as soon as it has its answer. Written on
 * bare sockets: an HTTP client would cost more than the server that it measures.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { answer } from '../part.ts';

type Order = {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
};

const HEADERS = [
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: fr-FR,fr;q=0.9,en;q=0.8',
  'Connection: keep-alive',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: none',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
];

answer({
  async read({ port, host, path, connections, seconds }: Order) {
    const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${HEADERS.join('\r\n')}\r\n\r\n`);
    const begin = performance.now();
    const end = begin + seconds * 1000;
    const readers = Array.from({ length: connections }, () => read(port, request, end));
    const pages = (await Promise.all(readers)).reduce((sum, count) => sum + count, 0);
    return { pages, seconds: (performance.now() - begin) / 1000 };
  },
});

async function read(port: number, request: Buffer, end: number): Promise<number> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  socket.on('error', reject);
  let pages = 0;
  let missing = 0;
  socket.on('data', (chunk) => {
    missing = missing === 0 ? rest(chunk, socket) : missing - chunk.length;
    if (missing > 0) return;
    pages++;
    if (performance.now() < end) socket.write(request);
    else socket.end(() => resolve(pages));
  });
  socket.write(request);
  return promise;
}

/** How many bytes of an answer are still to come after its first chunk, which holds its whole head. */
function rest(chunk: Buffer, socket: Socket): number {
  const head = chunk.toString('latin1', 0, Math.min(chunk.length, 4096));
  const ends = head.indexOf('\r\n\r\n');
  const length = /\r\nContent-Length: (\d+)\r\n/i.exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 200 ') || ends < 0 || length === undefined) {
    socket.destroy(new Error(`not a page: ${head.slice(0, 200)}`));
    return 1;
  }
  return ends + 4 + Number(length) - chunk.length;
}
