/**
 * Citizens who sign, each another person with cookies of their own, over connections that are kept alive as a reverse
 * proxy keeps them. Eight requests go to the gateway; of FranceConnect's pages only those are asked for that a login needs.
 *
 * They come in waves: all of them go from stage to stage together, and the stages at FranceConnect, which costs more than
 * the gateway, leave the gateway in peace. What is measured is then a busy gateway, as it is when capacity matters: one
 * that waits for others between two requests finds its caches full of theirs.
 */
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { answer } from '../part.ts';

type Order = {
  readonly origin: string;
  readonly slug: string;
  readonly department: string | undefined;
  /** The first citizen's number; each number signs once. */
  readonly first: number;
  readonly count: number;
  readonly parallel: number;
};

const HEADERS = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'accept-language': 'fr-FR,fr;q=0.9,en;q=0.8',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-user': '?1',
  'upgrade-insecure-requests': '1',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
};
/** Small enough for everyone's code to be fresh when it is used. */
const WAVE = 200;
const FORM = 'application/x-www-form-urlencoded';

/** Of those who confirm one after the other: ten a second. */
const NEXT_MS = 100;
const AGAIN_MS = 50;

const agent = new http.Agent({ keepAlive: true });

/** Journeys that were brought to the page where a citizen confirms. */
let ready: Underway[] = [];

answer({
  async sign(order: Order) {
    const begin = performance.now();
    for (let done = 0; done < order.count; done += WAVE) {
      const length = Math.min(WAVE, order.count - done);
      let journeys = Array.from({ length }, (_, index): Underway => {
        return { citizen: order.first + done + index, visitor: new Visitor(), at: '' };
      });
      for (const stage of STAGES) journeys = await inParallel(journeys, order.parallel, (one) => stage(one, order));
    }
    return { seconds: (performance.now() - begin) / 1000 };
  },

  /** Brings citizens to the page where they confirm, at the gateway on one port. */
  async bring({ port, ...order }: Order & { readonly port: number }) {
    const { origin } = order;
    const visitors = Array.from({ length: order.count }, (_, index): Underway => {
      return { citizen: order.first + index, visitor: new Visitor({ origin, port }), at: '' };
    });
    ready = await inParallel(visitors, order.parallel, async (one) => logIn(await start(one, order)));
    ready = await inParallel(ready, order.parallel, confirmPage);
  },

  /**
   * Those who were brought confirm, one after the other, at the gateways on these ports in turn. Who is not answered, or is
   * told to come again, tries at the next one.
   * @returns when each began and was answered, in milliseconds since 1970
   */
  async confirm({ ports, department }: { ports: readonly number[]; department: string }) {
    let turn = 0;
    const one = async ({ visitor, at }: Underway) => {
      const begun = Date.now();
      for (;;) {
        visitor.port = ports[turn++ % ports.length];
        const answered = await visitor.post(at, `department=${department}`, 303).catch(() => undefined);
        if (answered !== undefined) return { begun, answered: Date.now() };
        await wait(AGAIN_MS);
      }
    };
    const answers = [];
    for (const journey of ready) {
      answers.push(one(journey));
      await wait(NEXT_MS);
    }
    return Promise.all(answers);
  },
});

/** A journey between two stages, and the address where it goes on. */
type Underway = { readonly citizen: number; readonly visitor: Visitor; readonly at: string };

const STAGES = [start, logIn, confirm, logOut, collect];

async function start({ citizen, visitor }: Underway, { origin, slug }: Order): Promise<Underway> {
  const page = `${origin}/petitions/${slug}`;
  await visitor.get(page, 200, 'none');
  return { citizen, visitor, at: await visitor.post(`${page}/sign`, '', 303) };
}

/** At FranceConnect: to the callback with its code, which is good for 30 seconds. */
async function logIn({ citizen, visitor, at }: Underway): Promise<Underway> {
  const interaction = await visitor.get(at, 303, 'same-site');
  await visitor.post(`${interaction}/login`, `login=citoyen-${citizen}&password=123`, 303);
  const resume = await visitor.post(`${interaction}/information`, '', 303);
  return { citizen, visitor, at: await visitor.get(resume, 303, 'same-origin') };
}

async function confirmPage({ citizen, visitor, at }: Underway): Promise<Underway> {
  const page = await visitor.get(at, 303, 'cross-site');
  await visitor.get(page, 200, 'cross-site');
  return { citizen, visitor, at: page };
}

async function confirm(one: Underway, { department }: Order): Promise<Underway> {
  const { citizen, visitor, at: page } = await confirmPage(one);
  const fields = department === undefined ? '' : `department=${department}`;
  return { citizen, visitor, at: await visitor.post(page, fields, 303) };
}

/** At FranceConnect. */
async function logOut({ citizen, visitor, at }: Underway): Promise<Underway> {
  return { citizen, visitor, at: await visitor.get(at, 302, 'cross-site') };
}

async function collect({ citizen, visitor, at }: Underway): Promise<Underway> {
  const receipt = await visitor.get(at, 303, 'cross-site');
  await visitor.get(receipt, 200, 'cross-site');
  return { citizen, visitor, at: await visitor.get(`${receipt}/receipt.jwt`, 200, 'same-origin') };
}

/** Does one work for each item, so many at once. */
async function inParallel<T, U>(items: readonly T[], parallel: number, work: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  const rest = items.entries();
  const worker = async () => {
    for (const [index, item] of rest) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

class Visitor {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly #behind: string | undefined;
  /** Where that origin's gateway is asked, as by a proxy that stands in front of several. */
  port: number | undefined;

  constructor({ origin, port }: { origin?: string; port?: number } = {}) {
    this.#behind = origin;
    this.port = port;
  }

  /** The address that the answer leads to, or the same one. */
  get(url: string, status: number, site: string): Promise<string> {
    return this.#send('GET', new URL(url), undefined, status, { 'sec-fetch-site': site });
  }

  post(url: string, body: string, status: number): Promise<string> {
    const { origin } = new URL(url);
    return this.#send('POST', new URL(url), body, status, { 'sec-fetch-site': 'same-origin', origin });
  }

  async #send(method: string, url: URL, body: string | undefined, status: number, headers: Record<string, string>) {
    const cookies = this.#cookiesFor(url.origin);
    const options = {
      agent,
      host: '127.0.0.1',
      port: url.origin === this.#behind ? this.port : url.port,
      method,
      path: url.pathname + url.search,
      headers: {
        ...HEADERS,
        ...headers,
        host: url.host,
        ...(cookies.size === 0 ? {} : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
        ...(body === undefined ? {} : { 'content-type': FORM, 'content-length': body.length }),
      },
    };
    const response = await exchange(options, body);
    if (response.statusCode !== status) {
      throw new Error(`${method} ${url.pathname}: ${response.statusCode} instead of ${status}`);
    }
    keep(cookies, response.headers['set-cookie'] ?? []);
    return new URL(response.headers.location ?? url, url).href;
  }

  #cookiesFor(origin: string): Map<string, string> {
    const known = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, known);
    return known;
  }
}

/** Once more on another connection, as browsers do, when a kept one was closed by its server just then (RFC 9112 §9.3.1). */
function exchange(options: http.RequestOptions, body: string | undefined): Promise<http.IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request = http.request(options);
  request.on('error', (error) => {
    if (request.reusedSocket) resolve(exchange(options, body));
    else reject(error);
  });
  request.on('response', (response) => {
    response.resume();
    response.on('end', () => resolve(response));
  });
  request.end(body);
  return promise;
}

function keep(cookies: Map<string, string>, headers: readonly string[]): void {
  for (const header of headers) {
    const [pair = ''] = header.split(';', 1);
    const equals = pair.indexOf('=');
    const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
  }
}
