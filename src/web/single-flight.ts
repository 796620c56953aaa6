/**
 * One outcome for a step that a browser asks for twice: whoever comes while it is under way, or soon after its success,
 * gets the same answer. Held in memory only.
 */
import type { Clock } from '../clock.ts';

export class SingleFlight<T> {
  readonly #flights = new Map<string, { flight: Promise<T>; until: number }>();
  readonly #keptMs: number;
  readonly #clock: Clock;

  constructor(keptMs: number, clock: Clock) {
    this.#keptMs = keptMs;
    this.#clock = clock;
  }

  run(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.#flights.get(key);
    if (known !== undefined && this.#now() < known.until) return known.flight;
    const entry = { flight: work(), until: Number.POSITIVE_INFINITY };
    this.#flights.set(key, entry);
    const land = () => this.#flights.get(key) === entry && this.#flights.delete(key);
    const keep = () => {
      entry.until = this.#now() + this.#keptMs;
      setTimeout(land, this.#keptMs).unref();
    };
    entry.flight.then(keep, land);
    return entry.flight;
  }

  #now(): number {
    return this.#clock().getTime();
  }
}
