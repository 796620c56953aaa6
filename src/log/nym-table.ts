/**
 * What is known of each nym, for logs larger than memory likes: 40 bytes a nym and 5 to 11 in the index, no string kept.
 * Every byte of a nym is compared, but only where bits of its hash, kept in the index, say that it may be there: each look
 * at a record of a large table is a wait for memory. The index is keyed by a seed, because whoever writes a log chooses its nyms and could
 * otherwise make them all collide; the seed changes no result.
 */
import type { Day } from '../clock.ts';
import { type Nym, readNym } from '../person/nym.ts';

/** How the latest entry about a nym left it; `day` and `department` are those of its signature. */
export type NymState =
  | { readonly state: 'active'; readonly day: Day; readonly department: string | null }
  | { readonly state: 'withdrawn' }
  | { readonly state: 'invalidated' };

/** Where a fold keeps the nyms: a table in memory, or rows. */
export type NymMemory = {
  get(petition: string, nym: Nym): NymState | undefined;
  set(petition: string, nym: Nym, state: NymState): void;
};

/** Of a record, in 32-bit words: 8 of the nym, its petition, its state. */
const RECORD = 10;
const PETITION = 8;
const STATE = 9;
const CHUNK = 4096;
const NYM_WORDS = 8;
const ABSENT = -1;
/** Who writes a log says how large it is: beyond that, the index grows as the nyms come. */
const MOST_EXPECTED = 2 ** 25;

const WITHDRAWN: NymState = { state: 'withdrawn' };
const INVALIDATED: NymState = { state: 'invalidated' };

export class NymTable implements NymMemory {
  readonly #seed: number;
  readonly #chunks: Uint32Array[] = [];
  readonly #petitions = new Numbering<string>();
  readonly #days = new Numbering<Day>();
  readonly #departments = new Numbering<string | null>();
  /**
   * Its length is a power of two; a free place is 0. Of a hash, the low bits choose the place where the search begins. The
   * others stand there, above the record's number plus one, which fits below because some places are always free.
   */
  #index: Uint32Array;
  #count = 0;
  readonly #key = new Uint32Array(NYM_WORDS + 1);
  readonly #keyBytes = new Uint8Array(this.#key.buffer);
  /** What was last looked for, and found at: whoever sets a nym has just asked for it. */
  #petition = '';
  #nym = '' as Nym;
  #record = ABSENT;

  /** @param expected nyms: for so many the index need not grow */
  constructor(seed = 0, expected = 0) {
    this.#seed = seed;
    let places = 1024;
    while (3 * places < 4 * Math.min(expected, MOST_EXPECTED)) places *= 2;
    this.#index = new Uint32Array(places);
  }

  /** How many nyms it holds. */
  get size(): number {
    return this.#count;
  }

  get(petition: string, nym: Nym): NymState | undefined {
    const record = this.#find(petition, nym);
    if (record === ABSENT) return undefined;
    const word = this.#chunk(record)[offset(record) + STATE] ?? 0;
    if (word === 1) return WITHDRAWN;
    if (word === 2) return INVALIDATED;
    const day = this.#days.at(word >>> 10);
    return { state: 'active', day, department: this.#departments.at((word >>> 2) & 0xff) };
  }

  set(petition: string, nym: Nym, state: NymState): void {
    if (this.#find(petition, nym) === ABSENT) this.#record = this.#add();
    this.#chunk(this.#record)[offset(this.#record) + STATE] = this.#pack(state);
  }

  /** Two bits of state, eight of département (there are 112), 22 of day (there are 3.7 million). */
  #pack(state: NymState): number {
    if (state.state === 'withdrawn') return 1;
    if (state.state === 'invalidated') return 2;
    return (this.#days.of(state.day) << 10) | (this.#departments.of(state.department) << 2);
  }

  /** Leaves the key in `#key`. @returns the record's number, or `ABSENT` */
  #find(petition: string, nym: Nym): number {
    if (nym === this.#nym && petition === this.#petition) return this.#record;
    readNym(nym, this.#keyBytes);
    this.#key[PETITION] = this.#petitions.of(petition);
    this.#petition = petition;
    this.#nym = nym;
    this.#record = this.#lookUp(this.#hash(this.#key, 0));
    return this.#record;
  }

  #lookUp(hash: number): number {
    const index = this.#index;
    const mask = index.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const slot = index[place] ?? 0;
      if (slot === 0) return ABSENT;
      if (((slot ^ hash) & ~mask) !== 0) continue;
      const record = (slot & mask) - 1;
      if (this.#holds(record)) return record;
    }
  }

  #holds(record: number): boolean {
    const chunk = this.#chunk(record);
    const at = offset(record);
    for (let word = 0; word <= NYM_WORDS; word++) if (chunk[at + word] !== this.#key[word]) return false;
    return true;
  }

  /** Adds the key that `#find` left. @returns its record's number */
  #add(): number {
    if (4 * this.#count >= 3 * this.#index.length) this.#widen();
    const record = this.#count++;
    if (record % CHUNK === 0) this.#chunks.push(new Uint32Array(CHUNK * RECORD));
    this.#chunk(record).set(this.#key, offset(record));
    this.#enter(record);
    return record;
  }

  #enter(record: number): void {
    const hash = this.#hash(this.#chunk(record), offset(record));
    const index = this.#index;
    const mask = index.length - 1;
    let place = hash & mask;
    while (index[place] !== 0) place = (place + 1) & mask;
    index[place] = (hash & ~mask) | (record + 1);
  }

  #widen(): void {
    this.#index = new Uint32Array(this.#index.length * 2);
    for (let record = 0; record < this.#count; record++) this.#enter(record);
  }

  #hash(words: Uint32Array, from: number): number {
    let hash = this.#seed;
    for (let word = from; word <= from + NYM_WORDS; word++) {
      hash = Math.imul(hash ^ (words[word] ?? 0), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #chunk(record: number): Uint32Array {
    const chunk = this.#chunks[Math.floor(record / CHUNK)];
    if (chunk === undefined) throw new RangeError(`no record ${record}`);
    return chunk;
  }
}

/** Small numbers for things of which there are few, in the order in which they are met. */
class Numbering<T> {
  readonly #numbers = new Map<T, number>();
  readonly #things: T[] = [];

  of(thing: T): number {
    const known = this.#numbers.get(thing);
    if (known !== undefined) return known;
    this.#things.push(thing);
    this.#numbers.set(thing, this.#things.length - 1);
    return this.#things.length - 1;
  }

  at(number: number): T {
    return this.#things[number] as T;
  }
}

function offset(record: number): number {
  return (record % CHUNK) * RECORD;
}
