/** Reads what a gateway says of its log: JSON and pages. */
import { parseSignedCheckpoint } from '../tlog/checkpoint.ts';
import { Malformed } from '../tlog/errors.ts';
import type { Sha256 } from '../tlog/merkle.ts';
import { decodeUtf8, parseDecimal, parseHash, utf8 } from '../tlog/text.ts';
import {
  about,
  type Claim,
  type Claims,
  different,
  type Json,
  type NamedHead,
  wrong,
  wrongInList,
  wrongInTally,
} from './claims.ts';
import type { Difference } from './difference.ts';
import type { Source } from './source.ts';

/** How many petitions are asked about at a time. */
const PARALLEL = 8;

/** All that the gateway says, or `undefined` where there is no gateway but a copy of its files. @throws Difference, Unreachable */
export async function readClaims(gateway: Source, sha256: Sha256): Promise<Claims | undefined> {
  const before = await checkpointSize(gateway);
  const listed = await gateway.read('api/petitions');
  if (listed === undefined) return undefined;
  const { petitions } = jsonOf(listed, 'api/petitions');
  if (!Array.isArray(petitions)) throw wrong('json', 'api/petitions', 'petitions is no list');
  const reader = new ClaimReader(gateway, sha256);
  const waiting = petitions.map((petition, i) => ({ petition: asObject(petition, `api/petitions ${i}`), i }));
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await reader.readPetition(next.petition, `api/petitions petitions[${next.i}]`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  await reader.readList();
  const after = await checkpointSize(gateway);
  return reader.finish(before, after);
}

const LIST = '?lang=en';

/** A page that shows a number without saying what it is true for could show any. */
function uncounted(path: string, id: string): Difference {
  return wrong('page', path, `it shows no count of petition ${id}`);
}

class ClaimReader {
  readonly #gateway: Source;
  readonly #sha256: Sha256;
  readonly #claims: Claim[] = [];
  readonly #listed: Pick<Claim, 'code' | 'where' | 'wrong'>[] = [];
  readonly #heads: NamedHead[] = [];
  readonly #slugs = new Map<string, string>();
  #shown = 0;

  constructor(gateway: Source, sha256: Sha256) {
    this.#gateway = gateway;
    this.#sha256 = sha256;
  }

  async readPetition(listed: Json, where: string): Promise<void> {
    const { id, slug } = listed;
    if (typeof id !== 'string' || typeof slug !== 'string') throw wrong('json', where, 'it has no id and slug');
    this.#slugs.set(id, slug);
    this.#listed.push({ code: 'json', where, wrong: about(id, (figures) => wrongInList(listed, figures)) });
    const path = `api/petitions/${encodeURIComponent(slug)}`;
    const { title, text } = await this.#json(path);
    const otherTitle = different('title is', listed.title, title);
    if (otherTitle !== undefined) throw wrong('json', where, otherTitle);
    const hash = hex(this.#sha256(utf8(`${title}\n\n${text}`)));
    this.#listed.push({
      code: 'json',
      where: `${path} text`,
      wrong: about(id, ({ opened }) => different('its title and text have', hash, opened.statement)),
    });
    await this.#readTally(`${path}/tally`, id);
    const page = `petitions/${encodeURIComponent(slug)}?lang=en`;
    const counted = await this.#readPage(page, id);
    if (counted === undefined) throw wrong('page', page, 'it is not there');
    if (!counted.has(id)) throw uncounted(page, id);
  }

  async #readTally(path: string, id: string): Promise<void> {
    const tally = await this.#json(path);
    const where = `${path} checkpoint`;
    const { origin, size, root } = asObject(tally.checkpoint, where);
    const hash = typeof root === 'string' ? parseHash(root) : undefined;
    if (typeof origin !== 'string' || !isCount(size) || hash === undefined) throw wrong('json', where, 'it is no head');
    this.#heads.push({ where, origin, size, root: hash });
    const wrongIn = about(id, (figures) => wrongInTally(tally, figures));
    this.#claims.push({ code: 'json', where: path, from: size, to: size, wrong: wrongIn });
  }

  /** The list shows every petition, on as many pages as it takes; while it is read, one may move to a page that was. */
  async readList(): Promise<void> {
    const missing = new Set(this.#slugs.keys());
    for (let round = 0; round < 2; round++) {
      for (let page = 1, before = Number.NaN; missing.size !== before; page++) {
        before = missing.size;
        const counted = await this.#readPage(page === 1 ? LIST : `${LIST}&page=${page}`, undefined);
        if (counted === undefined && page === 1) throw wrong('page', LIST, 'it is not there');
        for (const id of counted ?? []) missing.delete(id);
        if (missing.size === 0) return;
      }
    }
    for (const id of missing) throw uncounted(LIST, id);
  }

  /**
   * @param id the petition whose page it is; on other pages `data-petition` says whose count it is
   * @returns the petitions whose counts it shows, `undefined` when there is no such page
   */
  async #readPage(path: string, id: string | undefined): Promise<ReadonlySet<string> | undefined> {
    const bytes = await this.#gateway.read(path);
    const html = bytes === undefined ? undefined : decodeUtf8(bytes);
    if (html === undefined) return undefined;
    const counted = new Set<string>();
    for (const { petition = id, signatures, size, shown } of countsIn(html)) {
      if (petition === undefined) continue;
      counted.add(petition);
      if (signatures === undefined || size === undefined) throw wrong('page', path, 'a count is no number');
      this.#shown++;
      const wrongIn = about(
        petition,
        ({ total }) => different('it counts', signatures, total) ?? different('it shows', shown ?? total, total),
      );
      this.#claims.push({ code: 'page', where: path, from: size, to: size, wrong: wrongIn });
    }
    return counted;
  }

  finish(before: number, after: number): Claims {
    const latest = Math.max(after, ...this.#claims.map(({ to }) => to));
    const listed = this.#listed.map((claim) => ({ ...claim, from: before, to: latest }));
    const complete: Claim = {
      code: 'json',
      where: 'api/petitions',
      from: before,
      to: before,
      // What was opened before the first request must be in the answer.
      wrong: ({ petitions }) => {
        const unlisted = [...petitions.keys()].find((id) => !this.#slugs.has(id));
        return unlisted === undefined ? undefined : `it lacks petition ${unlisted}, which the log opened`;
      },
    };
    const all = [...this.#claims, ...listed, complete];
    return { all, heads: this.#heads, slugs: this.#slugs, shown: this.#shown, latest };
  }

  async #json(path: string): Promise<Json> {
    const bytes = await this.#gateway.read(path);
    if (bytes === undefined) throw wrong('json', path, 'it is not there');
    return jsonOf(bytes, path);
  }
}

type ShownCount = {
  readonly petition: string | undefined;
  readonly signatures: number | undefined;
  readonly size: number | undefined;
  /** The number that a reader sees. */
  readonly shown: number | undefined;
};

/** The counts of a page: elements with `data-signatures` and `data-checkpoint-size`. */
function countsIn(html: string): readonly ShownCount[] {
  return [...html.matchAll(/<([a-z][a-z0-9]*)((?:\s[^<>]*)?\sdata-signatures="[^<>]*)>([\s\S]*?)<\/\1>/g)].map(
    ([, , attributes = '', inside = '']) => {
      const attribute = (name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1];
      const text = inside.replace(/<[^>]*>/g, '').replace(/&nbsp;|&#160;|&#8239;/g, '\u00a0');
      // Thousands stand apart: 1,234 in English, 1 234 with a narrow space in French.
      const number = /\d+(?:[,.\u00a0\u202f ]\d{3})*/.exec(text)?.[0].replace(/\D/g, '');
      return {
        petition: attribute('data-petition'),
        signatures: parseDecimal(attribute('data-signatures') ?? ''),
        size: parseDecimal(attribute('data-checkpoint-size') ?? ''),
        shown: parseDecimal(number ?? ''),
      };
    },
  );
}

/** Unverified: it only says from where the gateway's figures may come. */
async function checkpointSize(source: Source): Promise<number> {
  const bytes = await source.read('log/checkpoint');
  if (bytes === undefined) throw wrong('missing', 'log/checkpoint', 'it is not there');
  try {
    return parseSignedCheckpoint(bytes).checkpoint.size;
  } catch (error) {
    if (error instanceof Malformed) throw wrong('checkpoint', 'log/checkpoint', error.message);
    throw error;
  }
}

function jsonOf(bytes: Uint8Array, where: string): Json {
  try {
    return asObject(JSON.parse(decodeUtf8(bytes) ?? ''), where);
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong('json', where, 'it is no JSON');
    throw error;
  }
}

function asObject(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null) throw wrong('json', where, 'it is no object');
  return value as Json;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
