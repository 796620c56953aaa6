import type { Answer } from './transport.ts';

/**
 * An answer of the identity provider as openid-client reads it. What went well is given as a `Response` that holds its
 * text: the one of `fetch` builds a stream around bytes that are all there, and takes as long for it as the call itself.
 */
export function toResponse(answer: Answer): Response {
  if (answer.status !== 200 || answer.body === null) return new Response(answer.body, answer);
  return new WholeResponse(answer.body, new Map(answer.headers)) as unknown as Response;
}

const UTF8 = new TextDecoder();

/** What oauth4webapi asks of a `Response` of status 200; it knows one by its tag, as it may be another realm's. */
class WholeResponse {
  readonly status = 200;
  readonly bodyUsed = false;
  readonly headers: { get(name: string): string | null };
  readonly #body: Uint8Array;

  constructor(body: Uint8Array, headers: ReadonlyMap<string, string>) {
    this.headers = { get: (name) => headers.get(name) ?? null };
    this.#body = body;
  }

  get [Symbol.toStringTag]() {
    return 'Response';
  }

  async text(): Promise<string> {
    return UTF8.decode(this.#body);
  }

  async json(): Promise<unknown> {
    return JSON.parse(UTF8.decode(this.#body));
  }
}
