/**
 * Public pages and JSON, kept ready for one second: a petition that everybody opens at once is rendered once a second,
 * and a count is never older than that. Bounded: the oldest go first.
 */
import type { Ready } from './answer.ts';

const MOST = 1000;

export class PageCache<T = Ready> {
  readonly #kept = new Map<string, { at: number; ready: Promise<T> }>();
  readonly #ttlMs: number;
  readonly #version: () => unknown;
  #current: unknown;

  /** @param version of what pages are made from: once it changes, none of them is served again */
  constructor(version: () => unknown = () => undefined, ttlMs = 1000) {
    this.#version = version;
    this.#ttlMs = ttlMs;
  }

  /** What was made for this key within the last second, or what `make` makes now; a failure is not kept. */
  get(key: string, make: () => Promise<T>): Promise<T> {
    const version = this.#version();
    if (version !== this.#current) this.#kept.clear();
    this.#current = version;
    const now = performance.now();
    const kept = this.#kept.get(key);
    if (kept !== undefined && now - kept.at < this.#ttlMs) return kept.ready;
    const ready = make();
    this.#kept.delete(key);
    this.#kept.set(key, { at: now, ready });
    ready.catch(() => {
      if (this.#kept.get(key)?.ready === ready) this.#kept.delete(key);
    });
    if (this.#kept.size > MOST) this.#kept.delete(this.#kept.keys().next().value ?? '');
    return ready;
  }
}
