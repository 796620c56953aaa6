/**
 * The Big List of Naughty Strings wherever someone could put a string: in a petition's title and statement, in addresses,
 * queries and forms. In a real Chromium with scripts on, where a page that ran or fetched anything would be caught doing so.
 */
import naughty from 'big-list-of-naughty-strings/blns.json' with { type: 'json' };
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { withRegister } from '../../src/log-writer.ts';
import { isDepartment } from '../../src/petitions/department.ts';
import { openPetition } from '../../src/petitions/open-petition.ts';
import { parsePetitionFile } from '../../src/petitions/petition-file.ts';
import { readKeys } from '../../src/storage/key-folder.ts';
import { securityHeaders } from '../../src/web/security.ts';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { logIn, startWorld, type World } from '../fakes/world.ts';

const STRINGS: readonly string[] = naughty;
/** They would turn what is read around, or cannot be seen: refused in petitions. */
const REFUSED = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;
const READABLE = STRINGS.filter((string) => !REFUSED.test(string));

/** Strings side by side, as many as fit into a title. */
const TITLES = READABLE.reduce<string[]>((titles, string) => {
  const last = titles.at(-1) ?? '';
  const one = string.replace(/[\n\t\u2028\u2029]/g, ' ').slice(0, 180);
  if (titles.length > 0 && last.length + one.length < 190) titles[titles.length - 1] = `${last} ${one}`;
  else titles.push(`Titre ${one}`);
  return titles;
}, []);

/** Each string as a paragraph, in a heading, a link, an image and a quotation. */
const STATEMENT = READABLE.flatMap((string) => [
  string,
  `# ${string}`,
  `[${string}](${string})`,
  `![x](<${string}>)`,
  `> ${string}`,
  `<b onclick=alert(1)>${string}</b>`,
])
  .join('\n\n')
  .slice(0, 99_000);

/** The title is the author's name and a threshold's words too. */
const petitionFile = (slug: string, title: string, text: string) => {
  const words = JSON.stringify(title.slice(0, 110));
  const fields = `author: ${words}\nthresholds: [{ signatures: 9, label: { fr: ${words} } }]`;
  return `---\nslug: ${slug}\ntitle: ${JSON.stringify(title)}\n${fields}\nmin_age: 0\ndepartments: true\n---\n\n${text}\n`;
};
const SOURCES = [
  ...TITLES.map((title, index) => petitionFile(`titre-${index}`, title, 'Nous demandons ceci.')),
  petitionFile('texte', 'Un texte plein de pièges', STATEMENT),
  petitionFile('signer', '<script>alert(1)</script><img src=x onerror=alert(2)> " onfocus=alert(3) \u05d0\u0628', 'x'),
];

let world: World;
let chromium: Chromium;
let reader: Person;
const dialogs: string[] = [];

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld(), Chromium.start()]);
  await world.restart(() => openAll(SOURCES));
  reader = await chromium.person({ javaScriptEnabled: true });
  reader.page.on('dialog', async (dialog) => {
    dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  // Its own console line for each violation: Chromium does not write one for every kind.
  await reader.context.addInitScript(
    "document.addEventListener('securitypolicyviolation', (e) => console.log('CSP ' + e.violatedDirective + ' ' + e.blockedURI))",
  );
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

async function openAll(sources: readonly string[]): Promise<void> {
  const { storage, identity, acr } = world.config;
  const { keyEncryptionKey } = readKeys(storage.keysDir);
  const clock = () => new Date();
  await withRegister(storage, clock, async ({ register }) => {
    await Promise.all(
      sources.map((source) => {
        const file = parsePetitionFile(source, 'naughty');
        return openPetition({ register, keyEncryptionKey, clock }, file, { ...identity, acr });
      }),
    );
  });
}

const POLICY = {
  'content-security-policy': securityHeaders(false, []).find(([name]) => /^content-sec/i.test(name))![1],
};

/** Shows the browser a page of these bytes, at an address of the gateway's. */
async function show(name: string, body: string, headers: Record<string, string>): Promise<void> {
  const contentType = 'text/html; charset=utf-8';
  await reader.page.route(`**/${name}`, (route) =>
    route.fulfill({ body: `<!doctype html>${body}`, contentType, headers }),
  );
  await reader.open(`${world.origin}/${name}`);
}

/** What the browser did, said or fetched that no page of ours asks for. */
function mischief(): string[] {
  const elsewhere = reader.watch.requests.filter((line) => !line.split(' ')[1]?.startsWith(`${world.origin}/`));
  return [...dialogs, ...reader.watch.complaints.filter((line) => !/status of 4\d\d/.test(line)), ...elsewhere];
}

/** Elements that hold the title and nothing else, in a line with other words, without keeping its direction to themselves. */
const NOT_ISOLATED = `[...document.querySelectorAll('body *')]
  .filter((element) => /^\\s*<script>alert.1/.test(element.textContent) && !/^\\s*<script>alert.1/.test(element.parentElement.textContent))
  .filter((element) => {
    const { display, unicodeBidi } = getComputedStyle(element);
    return display.startsWith('inline') && !unicodeBidi.startsWith('isolate');
  })
  .map((element) => element.outerHTML)`;

/** As it would be if templates escaped nothing. */
function unescaped(html: string): string {
  const signs = [
    ['&lt;', '<'],
    ['&gt;', '>'],
    ['&quot;', '"'],
    ['&#39;', "'"],
    ['&amp;', '&'],
  ] as const;
  return signs.reduce((text, [name, sign]) => text.replaceAll(name, sign), html);
}

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(world.origin + path, { headers, redirect: 'manual' });

describe('in a petition', () => {
  test('a string that would turn the page around, or cannot be seen, is refused with a line', () => {
    const refused = STRINGS.filter((string) => REFUSED.test(string));
    expect(refused.length).toBeGreaterThan(5);
    for (const string of refused) {
      for (const [title, text] of [
        [`Un titre ${string}`, 'x'],
        ['Un titre', string],
      ] as const) {
        expect(() => parsePetitionFile(petitionFile('x', title, text), 'x')).toThrow(SetupError);
      }
    }
  });

  test('titles are text on their pages', async () => {
    const pages = await Promise.all(TITLES.map(async (_, index) => (await get(`/petitions/titre-${index}`)).text()));
    const titles = TITLES.map((title) => title.normalize('NFC').trim());
    expect(pages.map((html) => unescaped(/<h1[^>]*>([^<]*)<\/h1>/.exec(html)?.[1] ?? ''))).toEqual(titles);
    // The same in a browser, all on one page: it takes its time for each.
    const mains = pages.map((html) => html.slice(html.indexOf('<main'), html.indexOf('</main>') + '</main>'.length));
    await show('all-titles', mains.join('\n'), POLICY);
    expect(await reader.page.locator('h1').allTextContents()).toEqual(titles);
    expect(mischief()).toEqual([]);
  });

  test('and where they stand together', async () => {
    for (const path of ['/', '/transparency', '/?lang=en']) {
      expect(await reader.open(world.origin + path)).toBe(200);
    }
    expect(mischief()).toEqual([]);
  });

  test('a statement is text, whatever it holds: nothing runs, nothing is fetched', async () => {
    expect(await reader.open(`${world.origin}/petitions/texte`)).toBe(200);
    const statement = reader.page.locator('.statement');
    const count = (selector: string) => statement.locator(selector).count();
    expect(await count('script, style, iframe, img, svg, object, form, input, [onclick], [style]')).toBe(0);
    const links = await statement.locator('a').evaluateAll((all) => all.map((one) => one.getAttribute('href') ?? ''));
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((href) => /^\s*(javascript|vbscript|data|file):/i.test(decodeURI(href)))).toEqual([]);
    // What has a handler would run it now.
    await reader.page.evaluate(
      "for (const one of document.querySelectorAll('main *')) one.dispatchEvent(new Event('click'))",
    );
    expect(mischief()).toEqual([]);
  });

  test('a title goes through the whole journey as text, and its direction touches nothing beside it', async () => {
    const petition = `${world.origin}/petitions/signer`;
    const pages: string[] = [];
    const look = async () => {
      pages.push(await reader.heading());
      expect(await reader.text()).toContain('<script>alert(1)</script><img src=x onerror=alert(2)>');
      expect(await reader.page.evaluate(NOT_ISOLATED), reader.page.url()).toEqual([]);
    };
    for (const path of [petition, `${petition}/confirm`]) {
      await reader.open(path);
      await look();
    }
    await reader.logIn(petition, 'test');
    await look();
    await reader.page.locator('select[name=department]').selectOption('75');
    await reader.press();
    await look();
    expect(pages.slice(2)).toEqual(['Confirmer ma signature', 'C’est signé !']);
    expect(dialogs).toEqual([]);
    expect(reader.watch.complaints.filter((line) => line.includes('CSP'))).toEqual([]);
  });
});

describe('in an address', () => {
  const escaped = (html: string, string: string) => !/[<>]/.test(string) || !html.includes(string);

  test.each([
    ['a query', (s: string) => `/petitions/trains?x=${s}&${s}=1`, [200]],
    ['a language', (s: string) => `/?lang=${s}`, [200]],
    ['a petition', (s: string) => `/petitions/${s}`, [400, 404]],
    ['a receipt', (s: string) => `/petitions/trains/receipt/${s}`, [400, 404]],
    ['a journey', (s: string) => `/petitions/trains/confirm?journey=${s}`, [400]],
    ['an answer of the identity provider', (s: string) => `/login/callback?state=${s}&code=${s}&error=${s}`, [400]],
    ['a pseudonym', (s: string) => `/api/petitions/trains/signatures/${s}`, [400, 404]],
    ['a place in the log', (s: string) => `/log/tile/${s}`, [400, 404]],
    ['an asset', (s: string) => `/assets/${s}`, [400, 404]],
  ])('as %s, each has its clean answer', async (_what, path, statuses) => {
    for (const string of STRINGS) {
      const own = path(encodeURIComponent(string));
      if (new URL(own, world.origin).pathname !== own.split('?')[0]) continue; // `.` and `..` name another page
      const response = await get(own);
      const html = await response.text();
      expect(statuses, own).toContain(response.status);
      expect(escaped(html, string), own).toBe(true);
      expect(response.headers.get('content-security-policy'), own).toContain("default-src 'none'");
    }
  });

  test('a page that links back to such an address links to itself', async () => {
    for (let first = 0; first < STRINGS.length; first += 60) {
      const query = STRINGS.slice(first, first + 60).map((string, index) => `${index}=${encodeURIComponent(string)}`);
      expect(
        await reader.open(`${world.origin}/no-such-page/${encodeURIComponent(STRINGS[first]!)}?${query.join('&')}`),
      ).toBe(404);
      const hrefs = await reader.page
        .locator('.languages a')
        .evaluateAll((all) => all.map((a) => a.getAttribute('href') ?? ''));
      for (const href of hrefs) expect(href).toMatch(/^\/no-such-page\//);
    }
    expect(mischief().filter((line) => !line.includes(world.franceConnect.origin))).toEqual([]);
  });

  test.each([
    ['no language', '/?lang=', 200],
    ['two languages', '/?lang=fr&lang=en', 200],
    ['a language in brackets', '/?lang[]=en', 200],
    ['a language as long as a page', `/?lang=${'x'.repeat(8000)}`, 200],
    ['a thousand parameters', `/?${'a=1&'.repeat(1000)}`, 200],
    ['a petition as long as a page', `/petitions/${'a'.repeat(8000)}`, 404],
    ['more than a request may hold', `/?${'a'.repeat(20_000)}`, 431],
  ])('with %s there is an answer', async (_what, path, status) => {
    expect((await get(path)).status).toBe(status);
  });

  test('an unknown language in a header is French', async () => {
    for (const string of ['xx', '*', 'é', 'en'.repeat(4000), ';;q=,', 'fr;q=2']) {
      const response = await get('/', { 'accept-language': encodeURI(string) });
      expect([response.status, response.headers.get('content-language')]).toEqual([200, 'fr']);
    }
  });
});

describe('in a form', () => {
  test('as a language, each starts a journey like any other', async () => {
    for (const string of STRINGS.slice(0, 60)) {
      const body = new URLSearchParams({ lang: string, [string]: string });
      const response = await fetch(`${world.origin}/petitions/trains/sign`, {
        method: 'POST',
        body,
        redirect: 'manual',
      });
      expect([303, 413]).toContain(response.status);
    }
  });

  test('as a département, each comes back to the form with its error, and is not repeated', async () => {
    const browser = world.browser();
    await logIn(browser, world, 'trains', 'test');
    const action = /<form method="post" action="([^"]+confirm[^"]*)"/
      .exec(browser.page.html)![1]!
      .replaceAll('&amp;', '&');
    for (const string of STRINGS.filter((one) => !isDepartment(one))) {
      await browser.post(new URL(action, world.origin), { department: string });
      expect(browser.page.status, string).toBe(422);
      expect(browser.page.html).toMatch(/id="department-error"/);
      if (/[<>]/.test(string)) expect(browser.page.html).not.toContain(string);
    }
  });
});

describe('were it otherwise, it would be noticed', () => {
  let html: string;
  beforeAll(async () => {
    html = unescaped(await (await get('/petitions/signer')).text());
  });

  test('a page that escapes nothing makes the policy speak', async () => {
    await show('unescaped', html, POLICY);
    expect(mischief()).toContainEqual(expect.stringMatching(/CSP script-src/));
    expect(dialogs).toEqual([]);
  });

  test('and without a policy it runs', async () => {
    await show('unguarded', html, {});
    expect(dialogs).toContain('1');
  });
});
