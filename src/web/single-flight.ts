/**
 * One outcome for a step that a browser asks for twice: whoever comes while it is under way, or within ten seconds of
 * its success, gets the same answer. Held in memory only.
 */
const KEPT_MS = 10_000;

export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  run(key: string, work: () => Promise<T>): Promise<T> {
    const under = this.#flights.get(key);
    if (under !== undefined) return under;
    const flight = work();
    this.#flights.set(key, flight);
    const land = () => this.#flights.delete(key);
    flight.then(() => setTimeout(land, KEPT_MS).unref(), land);
    return flight;
  }
}
