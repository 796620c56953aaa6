/**
 * What arrives at an HTTP server of this process, seen from inside it (`http.server.request.start` of
 * node:diagnostics_channel): which calls came, when each was over and, where a test asks for it, a line that breaks.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export type Call = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Whether its connection had served another call before. */
  readonly isReused: boolean;
  /** Resolves when its answer is written, or can no longer be written. */
  readonly over: Promise<void>;
  /** Ends the connection now. */
  cut(): void;
};

/** How a line breaks: the server hangs up without a word, half way through its answer, or when a connection is reused. */
export type Break = 'silence' | 'half an answer' | 'hangs up on reuse';

const HALF = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4000\r\n\r\n{"issuer":"http';

type Started = { request: IncomingMessage; response: ServerResponse; socket: Socket };

export class Watch implements Disposable {
  readonly calls: Call[] = [];
  readonly #port: number;
  readonly #seen = new WeakSet<Socket>();
  readonly #breaks = new Map<string, Break>();
  #heard: (() => void)[] = [];

  constructor(port: number) {
    this.#port = port;
    subscribe('http.server.request.start', this.#hear);
  }

  [Symbol.dispose](): void {
    unsubscribe('http.server.request.start', this.#hear);
  }

  /** The calls to addresses that end so. */
  to(ending: string): Call[] {
    return this.calls.filter(({ path }) => path.endsWith(ending));
  }

  count(ending: string): number {
    return this.to(ending).length;
  }

  forget(): void {
    this.calls.length = 0;
  }

  /** From now on the line breaks at addresses that end so; `undefined` mends it. */
  break(ending: string, how: Break | undefined): void {
    if (how === undefined) this.#breaks.delete(ending);
    else this.#breaks.set(ending, how);
  }

  /** Resolves as soon as so many calls have come. */
  async until(ending: string, calls: number): Promise<Call[]> {
    while (this.count(ending) < calls) await new Promise<void>((resolve) => this.#heard.push(resolve));
    return this.to(ending);
  }

  /** Resolves when every call is over: nothing is left hanging. */
  async allOver(): Promise<void> {
    await Promise.all(this.calls.map(({ over }) => over));
  }

  readonly #hear = (message: unknown): void => {
    const { request, response, socket } = message as Started;
    if (socket.localPort !== this.#port) return;
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    const over = new Promise<void>((resolve) => void response.once('close', () => resolve()));
    const { method = '', headers } = request;
    const isReused = this.#seen.has(socket);
    this.#seen.add(socket);
    this.calls.push({ method, path: pathname, headers, isReused, over, cut: () => socket.destroy() });
    const how = [...this.#breaks].find(([ending]) => pathname.endsWith(ending))?.[1];
    if (how === 'silence') socket.end();
    if (how === 'half an answer') socket.end(HALF);
    if (how === 'hangs up on reuse' && isReused) {
      socket.destroy();
      request.url = '/'; // it is gone before it reads the request, so nothing comes of it
    }
    for (const wake of this.#heard.splice(0)) wake();
  };
}
