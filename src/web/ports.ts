/**
 * Where journeys wait between two requests. Everything in it is sealed or hashed, lives for minutes, and may be lost at
 * the cost of a new login: it needs no durability. Instants are seconds since 1970.
 */
export type JourneyStore = {
  /** `undefined` for the first to claim an id; for every other, until it expires, when it was claimed. */
  claim(id: Uint8Array, now: number, expires: number): Promise<number | undefined>;
  /** Keeps a journey's content, in place of what was there. */
  save(id: Uint8Array, content: Uint8Array, expires: number): Promise<void>;
  find(id: Uint8Array, now: number): Promise<Uint8Array | undefined>;
  /** Lets a journey's content expire by an instant at the latest; its claim stays. */
  forget(id: Uint8Array, by: number): Promise<void>;
  /** How many have not expired, counted no further than `most`. */
  count(now: number, most: number): Promise<number>;
  /** Removes what has expired. */
  sweep(now: number): Promise<void>;
};
