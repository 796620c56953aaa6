/**
 * The list of petitions as one asks for it: words, an order, a status, a page. One rule for what an address may hold: a value
 * that means nothing here is ignored, as if it were not there, and the page shows what it was made from.
 */
import type { PetitionSummary } from './page-models.ts';

export const SORTS = ['newest', 'signatures', 'closing'] as const;
export const STATUSES = ['all', 'open', 'closed'] as const;

export type ListQuery = {
  /** As it was typed, without invisible characters; empty asks for all. */
  readonly q: string;
  readonly sort: (typeof SORTS)[number];
  readonly status: (typeof STATUSES)[number];
  /** From 1; one that is too high is the last. */
  readonly page: number;
};

/** A petition, and what words are looked for in, as `foldWords` makes it. */
export type Listed = { readonly petition: PetitionSummary; readonly words: () => string };

export type PetitionList = {
  readonly query: ListQuery;
  /** Of this page: what is open first, then suspended, then closed, each in the order asked for. */
  readonly petitions: readonly PetitionSummary[];
  /** Of all pages. */
  readonly found: number;
  readonly pages: number;
};

export const PAGE_SIZE = 20;
export const LONGEST_QUERY = 100;
const MOST_WORDS = 8;

export function parseListQuery(given: Readonly<Record<string, unknown>>): ListQuery {
  const { q, page } = given;
  return {
    q: typeof q === 'string' ? visible(q).slice(0, LONGEST_QUERY).toWellFormed().trim() : '',
    sort: SORTS.find((sort) => sort === given.sort) ?? 'newest',
    status: STATUSES.find((status) => status === given.status) ?? 'all',
    page: typeof page === 'string' && /^[1-9]\d{0,4}$/.test(page) ? Number(page) : 1,
  };
}

export function listPetitions(listed: readonly Listed[], query: ListQuery): PetitionList {
  const words = foldWords(query.q).split(' ').filter(Boolean).slice(0, MOST_WORDS);
  const found = listed
    .filter(({ petition }) => query.status === 'all' || petition.status === query.status)
    .filter((one) => isAbout(one.words, words))
    .map(({ petition }) => petition)
    .sort((a, b) => GROUPS.indexOf(a.status) - GROUPS.indexOf(b.status) || ORDERS[query.sort](a, b));
  const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  const page = Math.min(query.page, pages);
  const petitions = found.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
  return { query: { ...query, page }, petitions, found: found.length, pages };
}

/** Texts are made ready only for who looks for something. */
function isAbout(text: Listed['words'], words: readonly string[]): boolean {
  return words.length === 0 || words.every((word) => text().includes(word));
}

/** The address of a list: what is as it is without being asked for is not in it. */
export function listPath({ q, sort, status, page }: ListQuery): string {
  const parameters = new URLSearchParams();
  if (q !== '') parameters.set('q', q);
  if (sort !== 'newest') parameters.set('sort', sort);
  if (status !== 'all') parameters.set('status', status);
  if (page !== 1) parameters.set('page', String(page));
  return parameters.size === 0 ? '/' : `/?${parameters}`;
}

/** Letters and digits as words are looked for: without case, accents or signs, one space between. */
export function foldWords(text: string): string {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('œ', 'oe').replaceAll('æ', 'ae');
  return plain.replace(/[^\p{L}\p{N}]+/gu, ' ').trim();
}

const GROUPS: readonly PetitionSummary['status'][] = ['open', 'restricted', 'closed'];

type Order = (a: PetitionSummary, b: PetitionSummary) => number;

const newest: Order = (a, b) => compare(b.opened, a.opened);

const ORDERS: Readonly<Record<ListQuery['sort'], Order>> = {
  newest,
  signatures: (a, b) => b.signatures - a.signatures || newest(a, b),
  /** The next to end first, those without an end last; of the closed ones, the last to end first. */
  closing: (a, b) =>
    a.status === 'closed'
      ? compare(b.closes ?? '', a.closes ?? '')
      : compare(a.closes ?? '~', b.closes ?? '~') || newest(a, b),
};

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Without what is not seen, or turns the reading direction around. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}
