/** What an address can ask of the list of petitions, and that nothing it holds can break the page. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Day } from '../../src/clock.ts';
import type { PetitionSummary } from '../../src/web/page-models.ts';
import { createPages } from '../../src/web/pages.ts';
import {
  foldWords,
  type Listed,
  listPath,
  listPetitions,
  PAGE_SIZE,
  parseListQuery,
} from '../../src/web/petition-list.ts';

const folder = (name: string) => new URL(`../../${name}/`, import.meta.url).pathname;

function petition(slug: string, rest: Partial<PetitionSummary> = {}): PetitionSummary {
  return {
    id: slug,
    slug,
    title: slug,
    author: undefined,
    status: 'open',
    opened: '2026-01-01' as Day,
    closes: undefined,
    minAge: 18,
    departments: false,
    signatures: 0,
    ...rest,
  };
}
const listed = (one: PetitionSummary): Listed => ({ petition: one, words: () => foldWords(one.title) });

const PETITIONS = [
  petition('ecoles', { title: 'Garder l’École ouverte à Sèvres', opened: '2026-03-01' as Day, signatures: 5 }),
  petition('oeufs', {
    title: 'Des œufs de plein air',
    opened: '2026-02-01' as Day,
    signatures: 90,
    closes: '2026-06-01' as Day,
  }),
  petition('trains', { title: 'Des trains de nuit', signatures: 40, closes: '2026-05-01' as Day }),
  petition('velos', {
    title: 'Des vélos',
    status: 'closed',
    opened: '2026-04-01' as Day,
    signatures: 900,
    closes: '2026-04-20' as Day,
  }),
  petition('bus', {
    title: 'Des bus',
    status: 'closed',
    opened: '2025-04-01' as Day,
    signatures: 1,
    closes: '2026-04-21' as Day,
  }),
].map(listed);

const slugs = (query: Record<string, unknown>, petitions = PETITIONS) =>
  listPetitions(petitions, parseListQuery(query)).petitions.map(({ slug }) => slug);

describe('the list', () => {
  test.each([
    [{}, ['ecoles', 'oeufs', 'trains', 'velos', 'bus']],
    [{ sort: 'newest' }, ['ecoles', 'oeufs', 'trains', 'velos', 'bus']],
    [{ sort: 'signatures' }, ['oeufs', 'trains', 'ecoles', 'velos', 'bus']],
    [{ sort: 'closing' }, ['trains', 'oeufs', 'ecoles', 'bus', 'velos']],
    [{ status: 'open', sort: 'signatures' }, ['oeufs', 'trains', 'ecoles']],
    [{ status: 'closed', sort: 'signatures' }, ['velos', 'bus']],
  ])('%j: what is open first, then in that order', (query, expected) => {
    expect(slugs(query)).toEqual(expected);
  });

  test.each([
    ['ecole', ['ecoles']],
    ['ÉCOLE sevres', ['ecoles']],
    ['e\u0301cole', ['ecoles']],
    ['oeufs', ['oeufs']],
    ['ŒUF', ['oeufs']],
    ['des nuit', ['trains']],
    ['d’œufs', ['oeufs']],
    ['introuvable', []],
    ['"; drop table --', []],
    ['!!!', ['ecoles', 'oeufs', 'trains', 'velos', 'bus']],
  ])('finds by words, whatever their case and accents: %s', (q, expected) => {
    expect(slugs({ q })).toEqual(expected);
  });

  test.each([
    { sort: 'sideways' },
    { sort: ['newest', 'signatures'] },
    { status: 'secret' },
    { page: '-1' },
    { page: '0' },
    { page: '1e9' },
    { page: '9'.repeat(5000) },
    { q: ['a', 'b'] },
    { q: '   ' },
    { sort: '__proto__', status: 'constructor', other: 'x' },
  ])('what means nothing is as if it were not there: %j', (query) => {
    expect(parseListQuery(query)).toEqual(parseListQuery({}));
  });

  test('a page that is too high is the last', () => {
    const many = Array.from({ length: PAGE_SIZE + 1 }, (_, i) => listed(petition(`p${i}`)));
    expect(listPetitions(many, parseListQuery({ page: '99999' }))).toMatchObject({ pages: 2, query: { page: 2 } });
  });

  test('what is shown of a search can be seen, and turns no line around', () => {
    expect(parseListQuery({ q: '\u202etrain\u0000\u200b de\nnuit\ud800' }).q).toBe('train  de nuit\ufffd');
    expect(parseListQuery({ q: 'a'.repeat(10_000) }).q).toHaveLength(100);
  });

  test('whatever is asked, pages hold each petition that is found once, and their address asks for the same', () => {
    const some = fc.record({
      q: fc.oneof(fc.string(), fc.constantFrom('des', 'e', 'trains')),
      sort: fc.oneof(fc.string(), fc.constantFrom('signatures', 'closing')),
      status: fc.oneof(fc.string(), fc.constantFrom('open', 'closed')),
      page: fc.constantFrom('1', '2', '3', 'x'),
    });
    const many = Array.from({ length: 45 }, (_, i) =>
      listed(
        petition(`p${i}`, { title: `Des titres ${i}`, status: i % 3 === 0 ? 'closed' : 'open', signatures: i % 7 }),
      ),
    );
    fc.assert(
      fc.property(some, (given) => {
        const query = parseListQuery(given);
        const { found, pages, ...list } = listPetitions(many, query);
        const all = Array.from({ length: pages }, (_, i) => listPetitions(many, { ...query, page: i + 1 }).petitions);
        expect(new Set(all.flat()).size).toBe(found);
        expect(all.flat()).toHaveLength(found);
        const { searchParams } = new URL(listPath(list.query), 'http://x');
        expect(parseListQuery(Object.fromEntries(searchParams))).toEqual(list.query);
      }),
      { numRuns: 200 },
    );
  });
});

test('a page of a thousand petitions weighs no more than 40 kB with its styles', () => {
  const many = Array.from({ length: 1000 }, (_, i) =>
    listed(petition(`p${i}`, { title: `${'Un très long titre, '.repeat(9)}${i}`, closes: '2027-01-01' as Day })),
  );
  const pages = createPages({ viewsDir: folder('views'), publicDir: folder('public') });
  const list = listPetitions(many, parseListQuery({ q: 'titre', page: '7' }));
  const checkpoint = { size: 1000, day: '2026-01-01' as Day, at: new Date() };
  const html = pages.render(
    'home',
    { list, previousHref: '/?page=6', nextHref: '/?page=8', checkpoint },
    { lang: 'fr', explicitLang: true, path: listPath(list.query), simulated: true },
  );
  const styles = [...html.matchAll(/\/assets\/[^"]+\.css/g)].map(([url]) => pages.assets.get(url)!.body.length);
  expect(list).toMatchObject({ found: 1000, pages: 50 });
  expect(styles).toHaveLength(2);
  expect(Buffer.byteLength(html) + styles.reduce((a, b) => a + b)).toBeLessThan(40_000);
});
