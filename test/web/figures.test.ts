/** What readers see of a petition with signatures: page, tables, CSV and JSON say the same, and the page is light. */
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withRegister } from '../../src/log-writer.ts';
import { invalidated, newNym, signed, withdrawn } from '../fakes/acts.ts';
import { Chromium } from '../fakes/chromium.ts';
import { startWorld, TRAINS, tallyOf, type World } from '../fakes/world.ts';

const THRESHOLDS =
  'author: Un collectif\nthresholds:\n  - { signatures: 50, label: { fr: publiée, en: published } }\n' +
  '  - { signatures: 5000, departments: 30, label: { fr: débattue, en: debated } }';
const CODES = ['75', '75', '75', '2A', '13', '971', '971', '974', '99', '69', '69', '33'];

let world: World;
let petition: string;
let tally: Tally;
type Tally = {
  total: number;
  by_day: Record<string, number>;
  by_department: Record<string, number>;
  withdrawn: number;
};

const get = (path: string, headers: Record<string, string> = {}) => fetch(world.origin + path, { headers });
const text = async (path: string) => (await get(path)).text();

beforeAll(async () => {
  world = await startWorld({ petitions: [`${TRAINS}\n${THRESHOLDS}`] });
  const id = ((await (await get('/api/petitions/trains')).json()) as { id: Parameters<typeof signed>[2] & string }).id;
  const nyms = Array.from({ length: 80 }, newNym);
  const acts = [
    ...nyms.map((nym, i) => signed(nym, CODES[i % CODES.length], id)),
    withdrawn(nyms[0]!, id),
    withdrawn(nyms[1]!, id),
    { ...invalidated(nyms[2]!), petition: id },
  ];
  await withRegister(
    world.config.storage,
    () => new Date(),
    ({ register }) => register.recordAll(acts),
  );
  do tally = (await tallyOf(world, 'trains')) as Tally;
  while (tally.total !== 77);
  petition = await text('/petitions/trains');
});
afterAll(() => world.close());

const plain = (html: string) => html.replace(/[\u00a0\u202f]/g, ' ');

describe('a petition’s page', () => {
  test('shows the count, and what it is true for', async () => {
    const { size } = (tally as unknown as { checkpoint: { size: number } }).checkpoint;
    expect(petition).toContain(`data-signatures="77" data-checkpoint-size="${size}"`);
    expect(plain(petition)).toMatch(
      new RegExp(`Ces chiffres sont ceux du registre public à ${size} entrées, publié le `),
    );
    expect(petition).toContain('<bdi lang="fr">Un collectif</bdi>');
  });

  test('shows the way to each threshold, in the reader’s language', async () => {
    expect(petition).toMatch(
      /<progress id="threshold-0" max="50" value="50"><\/progress>[\s\S]*?<strong>Seuil atteint/,
    );
    expect(petition).toMatch(/<progress id="threshold-1" max="5000" value="77"><\/progress>/);
    expect(plain(petition)).toMatch(/7 départements, il en faut 30\s+<span class="tag">\(déclaré, non vérifié\)/);
    expect(await text('/petitions/trains?lang=en')).toContain('<bdi lang="en">debated</bdi>');
  });

  test('draws the tally’s numbers: each département on the map, and the line to the total', () => {
    const drawn = [...petition.matchAll(/<title>[^<]*\((\w+)\), (\d+)<\/title>/g)].map(([, code, n]) => [
      code,
      Number(n),
    ]);
    expect(drawn).toHaveLength(96 + 12);
    expect(Object.fromEntries(drawn.filter(([, n]) => n !== 0))).toEqual(tally.by_department);
    const [, height] = /viewBox="0 0 \d+ (\d+)" preserveAspectRatio/.exec(petition) ?? [];
    const [, y] = /class="line" d="[^"]*,(\d+)"/.exec(petition) ?? [];
    expect(Number(height) - Number(y)).toBe(tally.total);
  });

  test('says beside every figure by département that it is declared, not verified', async () => {
    for (const html of [petition, await text('/petitions/trains/figures')]) {
      expect(html).toMatch(/Signatures par département <span class="tag">\(déclaré, non vérifié\)<\/span>/);
      expect(html).not.toMatch(/Signatures par département(?! <span class="tag">)/);
    }
    expect(await text('/petitions/trains/figures')).toContain('Département <span class="tag">(déclaré, non vérifié)');
  });

  test('leads to tables and a file with the same numbers', async () => {
    const html = plain(await text('/petitions/trains/figures'));
    const rows = [...html.matchAll(/<th scope="row">(?:(\w+) )?[^<]*<td>(\d+)(?:<td>(\d+))?/g)];
    const departments = rows.filter(([, , , total]) => total === undefined).map(([, code, n]) => [code, Number(n)]);
    expect(Object.fromEntries(departments)).toEqual(tally.by_department);
    expect(rows.findLast(([, , , total]) => total !== undefined)?.[3]).toBe('77');
    const csv = parse(await text('/petitions/trains/figures.csv'), { bom: true, columns: true }) as Record<
      string,
      string
    >[];
    const of = (figure: string) =>
      Object.fromEntries(
        csv.filter((row) => row.figure?.startsWith(figure)).map(({ key, count }) => [key, Number(count)]),
      );
    expect(of('signatures by département')).toEqual(tally.by_department);
    expect(of('signatures by day')).toEqual(tally.by_day);
    expect(of('withdrawn')).toEqual({ '': 2 });
    expect(of('invalidated')).toEqual({ fraud: 1 });
    const list = parse(await text('/petitions.csv'), { bom: true, columns: true }) as Record<string, string>[];
    expect(list).toMatchObject([{ slug: 'trains', signatures: '77' }]);
  });

  test('can be shared without anyone else: an address, a mail, a code', async () => {
    expect(petition).toContain(`>${world.origin}/petitions/trains</code>`);
    const [, mail = ''] = /href="(mailto:[^"]+)"/.exec(petition) ?? [];
    const { searchParams } = new URL(mail.replaceAll('&amp;', '&'));
    expect(searchParams.get('subject')).toBe('Des trains de nuit');
    expect(searchParams.get('body')).toContain(`${world.origin}/petitions/trains`);
    expect((await get('/petitions/trains/qr.svg')).headers.get('content-type')).toBe('image/svg+xml');
  });

  test.each(['/', '/petitions/trains', '/petitions/trains/figures'])(
    '%s weighs at most 40 kB with its styles',
    async (path) => {
      const html = await text(path);
      const styles = [...html.matchAll(/<link rel="stylesheet" href="([^"]+)"/g)].map(([, url]) => text(url!));
      const bytes = [html, ...(await Promise.all(styles))].map((one) => Buffer.byteLength(one));
      expect(bytes.length).toBe(3);
      expect(bytes.reduce((a, b) => a + b)).toBeLessThan(40_000);
    },
  );
});

describe('addresses that ask for what is not there', () => {
  test.each(['/?sort=sideways', '/?status=secret&page=-3', '/?q=%20%20', `/?page=${'9'.repeat(4000)}`, '/?q=a&q=b'])(
    '%s is the list as it is',
    async (path) => {
      const [asked, usual] = [await get(path.slice(0, 5000)), await get('/')];
      expect(asked.status).toBe(200);
      expect(await asked.text()).toBe(await usual.text());
    },
  );

  test('a search is shown as text, and kept in its field', async () => {
    const html = await text(`/?q=${encodeURIComponent('"><script>alert(1)</script>')}`);
    expect(html).not.toContain('<script>');
    expect(html).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
  });

  test.each([
    ['/petitions/nowhere/figures', 404],
    ['/petitions/nowhere/figures.csv', 404],
    ['/petitions/nowhere/qr.svg', 404],
    ['/petitions/trains/figures.xls', 404],
  ])('%s is %i', async (path, status) => {
    expect((await get(path)).status).toBe(status);
  });

  test.each(['/petitions.csv', '/petitions/trains/figures'])('a POST to %s is 405', async (path) => {
    expect((await fetch(world.origin + path, { method: 'POST' })).status).toBe(405);
  });
});

test('public pages are fresh for as long as the log is not published, and may be served stale while they are fetched', async () => {
  const caching = async (path: string) => (await get(path)).headers.get('cache-control');
  for (const path of ['/', '/?q=x', '/petitions/trains', '/petitions/trains/figures', '/petitions.csv']) {
    expect(await caching(path)).toBe('public, max-age=1, stale-while-revalidate=30');
  }
});

test('nothing moves while a page comes in', async () => {
  const chromium = await Chromium.start();
  try {
    const person = await chromium.person({ javaScriptEnabled: true, viewport: { width: 390, height: 844 } });
    await person.page.addInitScript(
      'window.moved = 0; new PerformanceObserver((list) => { for (const { value } of list.getEntries()) window.moved += value; }).observe({ type: "layout-shift", buffered: true });',
    );
    for (const path of ['/', '/petitions/trains', '/petitions/trains/figures']) {
      await person.open(world.origin + path);
      expect(await person.page.evaluate('window.moved'), path).toBe(0);
    }
  } finally {
    await chromium.close();
  }
});

test('on a narrow phone nothing is wider than the screen, with images off as well', async () => {
  const chromium = await Chromium.start();
  try {
    const person = await chromium.person({ viewport: { width: 320, height: 640 } });
    await person.context.route('**/*.svg', (route) => route.abort());
    for (const lang of ['fr', 'en']) {
      for (const path of ['/', '/?q=trains', '/petitions/trains', '/petitions/trains/figures']) {
        await person.open(`${world.origin}${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
        await person.page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
        expect(await person.page.evaluate('document.documentElement.scrollWidth'), path).toBe(320);
      }
    }
  } finally {
    await chromium.close();
  }
});
