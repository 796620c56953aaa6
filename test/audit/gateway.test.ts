/** What a gateway says in JSON and on its pages is held against its log. */
import { describe, expect, test } from 'vitest';
import type { Source } from '../../src/audit/audit.ts';
import { dayFromNumber } from '../../src/clock.ts';
import { type Falsify, gatewayFiles } from './gateway.ts';
import { auditFiles, largeLog, SMALL, STATEMENTS, sourceOf } from './sample-log.ts';

const entries = largeLog(1500);

async function differenceWith(falsify: Falsify) {
  const files = await gatewayFiles(entries, STATEMENTS, falsify);
  const { report } = await auditFiles(files, { gateway: true });
  expect(report.holds).toBe(report.difference === null);
  return report.difference;
}

/** Changes a field of the answer at one path, `a.b` deep. */
const setting =
  (at: string, field: string, value: unknown): Falsify =>
  (path, body) => {
    if (path !== at || typeof body === 'string') return body;
    const copy = structuredClone(body);
    const names = field.split('.');
    const last = names.pop()!;
    const inner = names.reduce<Record<string, unknown>>((one, name) => one[name] as Record<string, unknown>, copy);
    if (value === undefined) delete inner[last];
    else inner[last] = value;
    return copy;
  };
const replacing =
  (at: string, from: RegExp, to: string): Falsify =>
  (path, body) =>
    path === at && typeof body === 'string' ? body.replace(from, to) : body;

describe('a gateway that tells the truth', () => {
  test('is believed, and how much was compared is said', async () => {
    const { report } = await auditFiles(await gatewayFiles(entries, STATEMENTS), { gateway: true });
    expect(report).toMatchObject({ holds: true, compared: { json: 7, shown: 4 } });
    expect(report.petitions.map(({ slug }) => slug)).toEqual(['roses', 'bread']);
  });

  test('may grow while it is read: each answer holds at its own size', async () => {
    const sizes = [1000, 1001, 1030, 1030, 1100, 1100, 1200, 1499, 1499, 1500, 1500, 1500];
    const moments = await Promise.all(sizes.map((size) => gatewayFiles(entries.slice(0, size), STATEMENTS)));
    let now = 0;
    const source: Source = { read: async (path) => moments[Math.min(now++, moments.length - 1)]!.get(path) };
    const last = sourceOf(moments.at(-1)!);
    const { report } = await auditFiles(moments.at(-1)!, { gateway: true, source, files: last });
    expect(report).toMatchObject({ holds: true, entries: 1500 });
  });

  test('may show its petitions on several pages, but must show them all', async () => {
    const files = await gatewayFiles(entries, STATEMENTS);
    const list = Buffer.from(files.get('?lang=en')!).toString();
    const [first = '', second = ''] = [...list.matchAll(/<p .*?<\/p>/g)].map(([count]) => count);
    files.set('?lang=en', Buffer.from(list.replace(second, '')));
    const without = await auditFiles(files, { gateway: true });
    expect(without.report.difference?.detail).toContain('it shows no count of petition');
    files.set('?lang=en&page=2', Buffer.from(list.replace(first, '')));
    const { report } = await auditFiles(files, { gateway: true });
    expect(report).toMatchObject({ holds: true, compared: { shown: 4 } });
  });

  test('and a copy of its files says nothing', async () => {
    const files = await gatewayFiles(SMALL, STATEMENTS);
    files.delete('api/petitions');
    expect((await auditFiles(files, { gateway: true })).report).toMatchObject({ holds: true, compared: null });
  });
});

describe('a gateway that does not is caught, with the field', () => {
  const tally = 'api/petitions/roses/tally';
  const day = dayFromNumber(20_800);
  test.each([
    ['one more', setting(tally, 'total', 1000), tally, 'total is 1000'],
    ['as text', setting(tally, 'total', '999'), tally, 'total is "999"'],
    ['another petition', setting(tally, 'petition', 'x'), tally, 'petition is "x"'],
    ['a day changed', setting(tally, `by_day.${day}`, 1), tally, `by_day ${day} is 1`],
    ['a day left out', setting(tally, `by_day.${day}`, undefined), tally, `by_day ${day} is absent`],
    ['a day made up', setting(tally, 'by_day.2020-01-01', 1), tally, 'by_day 2020-01-01 is 1, by the log absent'],
    ['a département hidden', setting(tally, 'by_department', null), tally, 'by_department is null'],
    [
      'départements not asked',
      setting('api/petitions/bread/tally', 'by_department', {}),
      'api/petitions/bread/tally',
      'by_department is {}',
    ],
    ['withdrawals hidden', setting(tally, 'withdrawn', 7), tally, 'withdrawn is 7, by the log 0'],
    ['an invalidation made up', setting(tally, 'invalidated', { fraud: 1 }), tally, 'invalidated fraud is 1'],
    ['another root', setting(tally, 'checkpoint.root', `${'A'.repeat(43)}=`), `${tally} checkpoint`, 'consistency'],
    ['another log', setting(tally, 'checkpoint.origin', 'x'), `${tally} checkpoint`, 'it names log x'],
    ['no checkpoint', setting(tally, 'checkpoint', null), `${tally} checkpoint`, 'it is no object'],
    [
      'a size that is yet to come',
      setting(tally, 'checkpoint.size', 1501),
      'api/petitions',
      'size 1501, and log/checkpoint is of size 1500',
    ],
    [
      'another text',
      setting('api/petitions/roses', 'text', 'Tulips.'),
      'api/petitions/roses text',
      'its title and text have',
    ],
    [
      'a list with another count',
      setting('api/petitions', 'petitions.0.signatures', 1),
      'api/petitions petitions[0]',
      'signatures is 1',
    ],
    [
      'a list with another age',
      setting('api/petitions', 'petitions.1.min_age', 16),
      'api/petitions petitions[1]',
      'min_age is 16',
    ],
    [
      'a list with another title',
      setting('api/petitions', 'petitions.0.title', 'Tulips'),
      'api/petitions petitions[0]',
      'title is "Tulips"',
    ],
    [
      'a list that closes what the log has open',
      setting('api/petitions', 'petitions.1.status', 'closed'),
      'api/petitions petitions[1]',
      'status is "closed", by the log "open"',
    ],
    ['a list that lacks one', setting('api/petitions', 'petitions', []), 'api/petitions', 'it lacks petition'],
    ['a list that is none', setting('api/petitions', 'petitions', null), 'api/petitions', 'petitions is no list'],
  ] as const)('%s', async (_about, falsify, where, detail) => {
    expect(await differenceWith(falsify)).toMatchObject({
      code: 'json',
      where,
      detail: expect.stringContaining(detail),
    });
  });

  test.each([
    [
      'a count in the attribute',
      replacing('petitions/roses?lang=en', /data-signatures="\d+"/, 'data-signatures="9"'),
      'it counts 9',
    ],
    [
      'a number that people see',
      replacing('petitions/roses?lang=en', /<strong>[\d,]+/, '<strong>1,999'),
      'it shows 1999',
    ],
    ['on the home page', replacing('?lang=en', />[\d,]+</, '>1 234<'), 'it shows 1234'],
    [
      'no count that says what it is true for',
      replacing('petitions/roses?lang=en', /data-signatures="\d+"/, ''),
      'it shows no count of petition',
    ],
    ['one of two counts on the home page', replacing('?lang=en', /<p data-petition.*?<\/p>/, ''), 'it shows no count'],
    ['no number', replacing('petitions/bread?lang=en', /data-checkpoint-size="\d+"/, ''), 'a count is no number'],
  ] as const)('on a page: %s', async (_about, falsify, detail) => {
    expect(await differenceWith(falsify)).toMatchObject({ code: 'page', detail: expect.stringContaining(detail) });
  });

  test('a count of an hour ago under the size of now', async () => {
    const old = await gatewayFiles(entries.slice(0, 1400), STATEMENTS);
    const files = await gatewayFiles(entries, STATEMENTS);
    const page = 'petitions/roses?lang=en';
    const stale = new TextDecoder().decode(old.get(page)).replace('"1400"', '"1500"');
    const { report } = await auditFiles(files.set(page, new TextEncoder().encode(stale)), { gateway: true });
    expect(report.difference).toMatchObject({ code: 'page', where: page });
  });

  test('a list whose counts were never true between two checkpoints', async () => {
    const moments = await Promise.all([1000, 1100].map((size) => gatewayFiles(entries.slice(0, size), STATEMENTS)));
    const files = await gatewayFiles(
      entries.slice(0, 1100),
      STATEMENTS,
      setting('api/petitions', 'petitions.0.signatures', 600),
    );
    let checkpoints = 0;
    const source: Source = {
      read: async (path) => (path === 'log/checkpoint' && checkpoints++ === 0 ? moments[0]! : files).get(path),
    };
    const { report } = await auditFiles(files, { gateway: true, source });
    expect(report.difference).toMatchObject({ where: 'api/petitions petitions[0]' });
  });
});
