/**
 * The entries of a few bundles, small enough to hand from thread to thread: a number for each `signed`, its nym among the
 * others, and the bytes of every other kind. Nothing of them is judged here: the fold takes them in the log's order.
 */
import type { Day } from '../clock.ts';
import type { Entry } from '../log/entry.ts';
import { B64URL_LENGTH, dayAt, departmentAt, petitionAt, placeSigned } from '../log/signed.ts';
import type { Nym } from '../person/nym.ts';

export type PackedEntries = {
  /** For each entry: twelve bits of petition, twelve of day, eight of département, each its place in the lists below. */
  readonly codes: Uint32Array<ArrayBuffer>;
  /** 43 letters for each `signed`. */
  readonly nyms: Uint8Array<ArrayBuffer>;
  readonly petitions: readonly string[];
  readonly days: readonly Day[];
  readonly departments: readonly (string | null)[];
  /** The bytes of each entry whose département is `OTHER`. */
  readonly others: readonly Uint8Array[];
};

/** The most that a pack holds, so that twelve bits number any of its petitions and days. */
export const MOST_ENTRIES = 1024;
/** Not a département: there are 112, and none. */
const OTHER = 255;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A character for each byte: the same one for ASCII, any other for the rest, whose places nobody reads. */
function lettersOf(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.length === bytes.length ? text : decoder.decode(bytes.map((byte) => (byte < 128 ? byte : 0)));
}

export class EntryPacker {
  readonly #codes = new Uint32Array(MOST_ENTRIES);
  readonly #nyms = new Uint8Array(MOST_ENTRIES * B64URL_LENGTH);
  readonly #petitions = new Places<string>();
  readonly #days = new Places<Day>();
  readonly #departments = new Places<string | null>();
  readonly #others: Uint8Array[] = [];
  #count = 0;
  #signed = 0;

  /** @param entries views on the bundle's bytes */
  add(bytes: Uint8Array, entries: readonly Uint8Array[]): void {
    const text = lettersOf(bytes);
    for (const entry of entries) {
      const start = entry.byteOffset - bytes.byteOffset;
      const end = start + entry.length;
      const signed = placeSigned(bytes, start, end);
      if (signed === undefined) {
        this.#others.push(entry.slice());
        this.#codes[this.#count++] = OTHER;
        continue;
      }
      const petition = this.#petitions.of(petitionAt(text, signed));
      const day = this.#days.of(dayAt(text, signed));
      const department = this.#departments.of(departmentAt(text, signed));
      this.#codes[this.#count++] = (petition << 20) | (day << 8) | department;
      const to = this.#signed++ * B64URL_LENGTH;
      for (let i = 0; i < B64URL_LENGTH; i++) this.#nyms[to + i] = bytes[signed.nym + i] ?? 0;
    }
  }

  finish(): PackedEntries {
    return {
      codes: this.#codes.slice(0, this.#count),
      nyms: this.#nyms.slice(0, this.#signed * B64URL_LENGTH),
      petitions: this.#petitions.things,
      days: this.#days.things,
      departments: this.#departments.things,
      others: this.#others,
    };
  }
}

/** Every entry in the order of the log: a `signed` (its evidence is not carried along), or the bytes of another kind. */
export function* unpack(packed: PackedEntries): Generator<Entry | Uint8Array> {
  const { codes, petitions, days, departments, others } = packed;
  const nyms = lettersOf(packed.nyms);
  let signed = 0;
  let other = 0;
  for (const code of codes) {
    if ((code & 0xff) === OTHER) {
      yield others[other++] as Uint8Array;
      continue;
    }
    const at = signed++ * B64URL_LENGTH;
    yield {
      kind: 'signed',
      petition: petitions[code >>> 20] as string,
      nym: nyms.slice(at, at + B64URL_LENGTH) as Nym,
      department: departments[code & 0xff] as string | null,
      evidence: null,
      day: days[(code >>> 8) & 0xfff] as Day,
    };
  }
}

/** Numbers things in the order in which they are met. */
class Places<T> {
  readonly things: T[] = [];
  readonly #numbers = new Map<T, number>();
  #last: T | undefined;
  #lastNumber = 0;

  of(thing: T): number {
    if (thing !== this.#last) {
      this.#last = thing;
      this.#lastNumber = this.#find(thing);
    }
    return this.#lastNumber;
  }

  #find(thing: T): number {
    const known = this.#numbers.get(thing);
    if (known !== undefined) return known;
    this.#numbers.set(thing, this.things.length);
    return this.things.push(thing) - 1;
  }
}
