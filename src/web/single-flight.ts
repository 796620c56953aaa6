/** One run of a step that a browser asks for twice: whoever comes while it is under way gets the same answer. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  run(key: string, work: () => Promise<T>): Promise<T> {
    const underWay = this.#flights.get(key);
    if (underWay !== undefined) return underWay;
    const flight = work().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }
}
