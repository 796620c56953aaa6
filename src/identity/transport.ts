/**
 * HTTP to the identity provider: `node:http(s)` with kept-alive connections (a third of the cost of `fetch`), no
 * redirect followed, a time-out on the whole exchange and a limit on what is read. Any failure to get an answer, and any
 * status but 200 and 4xx, is a ProviderUnavailable; its text names the endpoint's path and never what was sent.
 */
import http from 'node:http';
import https from 'node:https';

export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
  /** Why there is no answer. */
  readonly failure: 'timeout' | 'network' | 'status';

  constructor(message: string, failure: ProviderUnavailable['failure'] = 'status') {
    super(message);
    this.failure = failure;
  }
}

/** What a `Response` is made of, as often as it is asked for. */
export type Answer = {
  readonly body: Buffer<ArrayBuffer> | null;
  readonly status: number;
  readonly headers: [string, string][];
};

/** The part of `fetch` that openid-client uses. */
export type Fetch = (url: string, options: FetchOptions) => Promise<Answer>;
export type FetchOptions = {
  readonly method: string;
  readonly headers: Headers | Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
};

const LARGEST = 1_000_000;

export function createTransport(timeoutMs: number): { fetch: Fetch; close(): void } {
  const agents: Agents = {
    'http:': new http.Agent({ keepAlive: true, maxSockets: 256, timeout: timeoutMs }),
    'https:': new https.Agent({ keepAlive: true, maxSockets: 256, timeout: timeoutMs }),
  };
  return {
    fetch: (url, options) => exchange(new URL(url), options, agents, timeoutMs),
    close() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

type Agents = { readonly 'http:': http.Agent; readonly 'https:': https.Agent };

function exchange(url: URL, options: FetchOptions, agents: Agents, timeoutMs: number): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const fail = (why: string, failure: ProviderUnavailable['failure'] = 'network') =>
    reject(new ProviderUnavailable(`${url.pathname}: ${why}`, failure));
  const body = options.body === undefined || options.body === null ? undefined : String(options.body);
  const headers = {
    ...(options.headers instanceof Headers ? Object.fromEntries(options.headers) : options.headers),
    ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
  };
  const isHttps = url.protocol === 'https:';
  let late = false;

  const attempt = (agent: http.Agent | false): http.ClientRequest => {
    const request = (isHttps ? https : http).request(url, { method: options.method, agent, headers });
    let answered = false;
    request.on('error', (error: NodeJS.ErrnoException) => {
      // The provider closed a kept-alive connection just when it was used again: once more, on a new one. Where it had
      // seen the request after all that is harmless, as a code serves once.
      const wasStale = agent !== false && request.reusedSocket && error.code === 'ECONNRESET' && !late;
      if (wasStale) current = attempt(false);
      else fail(error.code ?? 'network error');
    });
    request.on('close', () => {
      if (!answered && request === current) fail('no answer'); // a 101 ends here
    });
    request.on('response', (response) => {
      answered = true;
      read(response, resolve, (why, failure) => {
        fail(why, failure);
        request.destroy();
      });
    });
    request.end(body);
    return request;
  };

  let current = attempt(agents[isHttps ? 'https:' : 'http:']);
  const timer = setTimeout(() => {
    late = true;
    fail(`no answer within ${timeoutMs} ms`, 'timeout');
    current.destroy();
  }, timeoutMs);
  return promise.finally(() => clearTimeout(timer));
}

function read(
  response: http.IncomingMessage,
  resolve: (answer: Answer) => void,
  fail: (why: string, failure?: ProviderUnavailable['failure']) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= LARGEST) chunks.push(chunk);
    else fail('answer too large');
  });
  response.on('error', () => fail('answer cut short'));
  response.on('end', () => {
    const status = response.statusCode ?? 0;
    if (!response.complete) return fail('answer cut short');
    // What OpenID Connect answers with; `Response` throws at some of the others, such as a 205 with a body.
    if (status !== 200 && (status < 400 || status > 499)) return fail(`status ${status}`, 'status');
    resolve({ body: chunks.length === 0 ? null : Buffer.concat(chunks), status, headers: known(response) });
  });
}

/** The headers that openid-client looks at. */
const READ = ['content-type', 'www-authenticate'];

function known({ headers }: http.IncomingMessage): [string, string][] {
  return READ.flatMap((name): [string, string][] => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
}
