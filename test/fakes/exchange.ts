/** One request and its answer, on a connection of its own: nothing that a closed server could cut off later. */
import http from 'node:http';
import https from 'node:https';

export type Answer = { status: number; headers: Headers; body: string };

export function send(
  method: string,
  url: URL,
  headers: Record<string, string>,
  body: string,
  timeout: number,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const transport = url.protocol === 'https:' ? https : http;
  const length = body === '' && method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const signal = AbortSignal.timeout(timeout);
  const request = transport.request(url, { method, headers: { ...headers, ...length }, agent: false, signal });
  request.on('error', reject);
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const answered = new Headers();
      for (let i = 0; i < response.rawHeaders.length; i += 2) {
        answered.append(response.rawHeaders[i] ?? '', response.rawHeaders[i + 1] ?? '');
      }
      resolve({ status: response.statusCode ?? 0, headers: answered, body: Buffer.concat(chunks).toString('utf8') });
    });
  });
  request.end(body);
  return promise;
}
