/**
 * Personal pages say the same to everyone, but for a few words. What is the same is rendered and encoded once, and each
 * person's own words are put in their places: a third of what rendering such a page costs.
 *
 * Guarantees: a page is what rendering it would have made of it, as a skeleton is found by all that it was made from; and
 * nothing that is called someone's own is kept. Templates print such words as they are and never look at them.
 */
import { randomBytes } from 'node:crypto';

/** What stands between the places, encoded, and which word belongs in each place. */
type Skeleton = { readonly parts: readonly Buffer[]; readonly places: readonly number[] };

/** Some ten kilobytes each, as long as nothing long stands in what they are made from. */
const MOST = 500;
/** Nothing that anyone wrote holds one, and no word is found in it. Letters pass through JSON, HTML and addresses. */
const MARK = randomBytes(24)
  .toString('hex')
  .replace(/\d/g, (digit) => 'ghijklmnop'.charAt(Number(digit)));
const MARKS = new RegExp(`${MARK}(\\d+)z`);

export class Skeletons {
  readonly #escapeHtml: (text: string) => string;
  readonly #known = new Map<string, Skeleton>();

  constructor(escapeHtml: (text: string) => string) {
    this.#escapeHtml = escapeHtml;
  }

  get size(): number {
    return this.#known.size;
  }

  /**
   * @param from all that the page is made from, as JSON keeps it
   * @param own words that stand in its texts; empty ones stand nowhere
   * @param render makes the page from the same with marks for words
   */
  fill<T>(from: T, own: readonly string[], render: (from: T) => string): Buffer {
    const longestFirst = [...own.entries()].sort(([, a], [, b]) => b.length - a.length); // one may hold another
    const mark = (text: string) =>
      longestFirst.reduce(
        (marked, [i, word]) => (word === '' ? marked : marked.replaceAll(word, `${MARK}${i}z`)),
        text,
      );
    const key = JSON.stringify(from, (_name, value) => (typeof value === 'string' ? mark(value) : value));
    const { parts, places } = this.#known.get(key) ?? this.#keep(key, render(JSON.parse(key)));
    const words = own.map((word) => Buffer.from(this.#escapeHtml(word)));
    return Buffer.concat(parts.flatMap((part, i) => [part, words[places[i] ?? own.length] ?? EMPTY]));
  }

  #keep(key: string, page: string): Skeleton {
    const pieces = page.split(MARKS);
    const parts = pieces.filter((_, i) => i % 2 === 0).map((text) => Buffer.from(text));
    const places = pieces.filter((_, i) => i % 2 === 1).map(Number);
    if (this.#known.size >= MOST) this.#known.clear();
    const skeleton = { parts, places };
    this.#known.set(key, skeleton);
    return skeleton;
  }
}

const EMPTY = Buffer.alloc(0);
