import { describe, expect, test } from 'vitest';
import type { Day } from '../../src/clock.ts';
import { REFUSAL_CODES } from '../../src/errors.ts';
import { STEPS } from '../../src/verifier/steps.ts';
import { drawDepartmentMap } from '../../src/web/charts/department-map.ts';
import { drawTimeline, periodsOf } from '../../src/web/charts/timeline.ts';
import { LANGS, type Lang } from '../../src/web/i18n.ts';
import { OPERATIONS } from '../../src/web/openapi.ts';
import type { PageModels, PageName, PetitionSummary } from '../../src/web/page-models.ts';
import { createPages, type PageContext } from '../../src/web/pages.ts';
import { foldWords, listPetitions, parseListQuery } from '../../src/web/petition-list.ts';
import { departmentNames } from '../../src/web/present.ts';
import { progressOf } from '../../src/web/progress.ts';
import french from '../../views/locales/fr.json' with { type: 'json' };

const folder = (name: string) => new URL(`../../${name}/`, import.meta.url).pathname;
const pages = createPages({ viewsDir: folder('views'), publicDir: folder('public') });
const reader: PageContext = { lang: 'fr', explicitLang: false, path: '/petitions/ecoles', simulated: false };

const day = '2026-03-01' as Day;
const open: PetitionSummary = {
  id: '01m7k8m0n1ew6076n6rar3zv8a',
  slug: 'ecoles',
  title: 'Garder les écoles <script>alert(1)</script> & "le reste"',
  author: 'Collectif <b>des écoles</b>',
  status: 'open',
  opened: '2025-09-01' as Day,
  closes: day,
  minAge: 18,
  departments: true,
  signatures: 128_473,
};
const closed: PetitionSummary = { ...open, slug: 'trains', status: 'closed', minAge: 0, departments: false };
const checkpoint = { size: 129_001, day, at: new Date('2026-03-01T13:02:00Z') };
const petition: PageModels['petition'] = {
  petition: { ...open, statementHtml: '<p>Le <em>texte</em></p>', statementHash: 'ab'.repeat(32) },
  progress: progressOf(
    [
      { signatures: 100_000, label: { fr: 'publiée <i>partout</i>', en: 'published' } },
      { signatures: 500_000, departments: 30, label: { fr: 'débattue' } },
    ],
    { total: open.signatures, byDepartment: new Map([['2A', 14]]) },
    'en',
  ),
  timeline: drawTimeline(periodsOf(new Map([[day, 1200]]), open.opened, day)),
  map: drawDepartmentMap(new Map([['2A', 14]])),
  departmentNames: departmentNames('fr'),
  withdrawn: 2,
  invalidated: [{ ground: 'fraud', count: 3 }],
  checkpoint,
  signAction: '/petitions/ecoles/sign',
  withdrawAction: '/petitions/ecoles/withdraw',
  destroyed: undefined,
  address: 'https://petitions.example.org/petitions/ecoles',
  mailHref: 'mailto:?subject=x&body=y',
};
const figures: PageModels['figures'] = {
  petition: open,
  periods: petition.timeline?.periods ?? [],
  byDepartment: [{ code: '2A', name: 'Corse-du-Sud', count: 14 }],
  withdrawn: 2,
  invalidated: petition.invalidated,
  checkpoint,
};
const listed = (q: string, petitions: readonly PetitionSummary[]): PageModels['home'] => ({
  list: listPetitions(
    petitions.map((one) => ({ petition: one, words: () => foldWords(one.title) })),
    parseListQuery({ q }),
  ),
  previousHref: undefined,
  nextHref: undefined,
  checkpoint,
});
const ended = (status: 'closed' | 'restricted'): PageModels['petition'] => ({
  ...petition,
  petition: { ...petition.petition, ...closed, status },
  progress: [],
  timeline: undefined,
  map: undefined,
  withdrawn: 0,
});
const confirm: PageModels['confirm'] = {
  petition: open,
  action: 'sign',
  site: undefined,
  birthdate: '24\u00a0août 1962',
  signed: undefined,
  open: true,
  departments: true,
  error: undefined,
  trouble: undefined,
  chosen: undefined,
  confirmAction: '/petitions/ecoles/confirm?journey=Jn4Xc8Vb2Lq6Wt0Z',
  findAction: undefined,
  withdrawn: undefined,
  notMeAction: '/logout?journey=Jn4Xc8Vb2Lq6Wt0Z',
};
const asked = { departments: false, signed: { day } };
const receipt: PageModels['receipt'] = {
  petition: open,
  state: 'active',
  open: true,
  day,
  department: '75 Paris',
  nym: 'k9Xv2_PqL0rT-8sYbN4cE1mWfG7hJ3aZuD5oQiRkS6t',
  code: 'k9Xv2_Pq',
  receiptHref: '/petitions/ecoles/receipt/Cap4b1l1ty/receipt.jwt',
  proofHref: '/petitions/ecoles/receipt/Cap4b1l1ty/receipt.tlog-proof',
  withdrawAction: '/petitions/ecoles/withdraw',
  expires: '14:32',
};
const gone = { receiptHref: undefined, proofHref: undefined, withdrawAction: undefined };
const refusal: PageModels['refusal'] = {
  code: 'too-young',
  status: 403,
  petition: { slug: open.slug, title: open.title },
  minAge: 18,
  logoutAction: '/logout',
  site: undefined,
  detail: undefined,
};
const forSite = { name: 'Ville & <Campagne>', statementHtml: '<p>Nous demandons ceci.</p>' };

const transparency: PageModels['transparency'] = {
  issuer: 'https://petitions.example.org',
  vkey: 'petitions.example.org/log+12345678+AWvs0fQwrlIr6t4WHUhHCT8S1mOPtTQGL8uCnF2XxXVp',
  receiptKeys: ['mmJd09eUfQO8iCmVhWJ0vI4I0tOhSFwoIBHOGQbEuRI', 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
  counts: {
    petitions: 3,
    closed: 1,
    destroyed: 0,
    signatures: 128_473,
    withdrawn: 2,
    invalidated: { fraud: 3, court: 2, error: 1 },
  },
  petitions: [],
  more: 0,
  checkpoint,
};

/** Every page in every state. */
const STATES: { [N in PageName]: Record<string, PageModels[N]> } = {
  home: {
    full: listed('', [open, closed]),
    empty: listed('', []),
    'nothing found': listed('<script>"', [open]),
    'in the middle': { ...listed('', [open]), previousHref: '/?page=1', nextHref: '/?page=3' },
  },
  figures: { full: figures, empty: { ...figures, periods: [], byDepartment: undefined } },
  petition: {
    open: petition,
    closed: ended('closed'),
    'closed, its key destroyed': { ...ended('closed'), withdrawAction: undefined, destroyed: day },
    restricted: ended('restricted'),
  },
  confirm: {
    sign: confirm,
    'without département or birth date': { ...confirm, departments: false, birthdate: undefined },
    'trouble that passes': { ...confirm, trouble: { code: 'overloaded', status: 503 }, chosen: '75' },
    'wrong département': { ...confirm, error: 'department-unknown' },
    'already signed': { ...confirm, ...asked },
    'for a site': { ...confirm, site: forSite },
    'already signed, for a site': { ...confirm, ...asked, site: forSite },
    withdraw: {
      ...confirm,
      departments: false,
      action: 'withdraw',
      findAction: '/petitions/ecoles/receipt?journey=Jn4Xc8Vb2Lq6Wt0Z',
    },
  },
  receipt: {
    active: receipt,
    withdrawn: { ...receipt, ...gone, state: 'withdrawn' },
    'withdrawn after closing': { ...receipt, ...gone, state: 'withdrawn', open: false },
    invalidated: { ...receipt, ...gone, state: 'invalidated', department: undefined },
  },
  refusal: {
    known: refusal,
    'for a site': { ...refusal, site: forSite.name },
    'for a site’s developer': { ...refusal, code: 'site-request-refused', detail: 'invalid_request: <what>' },
    ...Object.fromEntries(
      [...REFUSAL_CODES, 'internal-error' as const].map((code) => [
        code,
        { ...refusal, code, petition: undefined, minAge: undefined, logoutAction: undefined },
      ]),
    ),
  },
  'site-login': { only: { site: forSite.name, confirmAction: '/login/confirm', notMeAction: '/logout' } },
  'how-it-works': { only: { issuer: 'https://petitions.example.org' } },
  transparency: {
    quiet: transparency,
    busy: {
      ...transparency,
      petitions: [{ slug: 'trains', title: open.title, closed: day, destroyed: day, withdrawn: 2, invalidated: 6 }],
      more: 3,
    },
    full: {
      ...transparency,
      petitions: Array.from({ length: 20 }, (_, index) => ({
        slug: `${'une-petition-'.repeat(6)}${index}`,
        title: 'Une pétition été écrite '.repeat(9).slice(0, 200),
        closed: day,
        destroyed: day,
        withdrawn: 1_234_567,
        invalidated: 1_234_567,
      })),
      more: 1_234_567,
    },
  },
  privacy: { only: {} },
  accessibility: { only: {} },
  api: { only: { issuer: 'https://petitions.example.org', operations: OPERATIONS } },
  verify: { only: { issuer: 'https://petitions.example.org', steps: STEPS } },
  log: {
    only: {
      issuer: 'https://petitions.example.org',
      origin: 'petitions.example.org/log',
      vkey: 'petitions.example.org/log+12345678+AWvs0fQwrlIr6t4WHUhHCT8S1mOPtTQGL8uCnF2XxXVp',
      size: 128_480,
      root: 'W6c3iWpfDrzoPXyYcKPLyRlvXjCVRcrRpGZ5D0Zo1Yc=',
      day,
      at: new Date('2026-03-01T13:32:00Z'),
    },
  },
};
/** Words that are missing are printed as their key. */
const A_KEY = new RegExp(`>(?:${Object.keys(french).join('|')})\\.\\w+\\.\\w`);
const OWN_MODULE = /^<script type="module" src="\/assets\/modules\/[0-9a-f]{16}\/verifier\/page\.js"><\/script>$/;
const names = Object.keys(STATES) as PageName[];

describe.each(LANGS)('in %s', (lang) => {
  describe.each(names)('%s', (name) => {
    test.each(everyState(name, lang))('%s', (_state, html) => {
      expect(html).toMatch(new RegExp(`^<!doctype html>\\n<html lang="${lang}">`));
      expect(count(html, /<h1\b/g)).toBe(1);
      expect(count(html, /<main\b/g)).toBe(1);
      expect(count(mainOf(html), /<form\b/g)).toBeLessThanOrEqual(1);
      expect(count(mainOf(html), /type="submit"/g)).toBeLessThanOrEqual(1);
      expect(headings(html)).not.toContain('skip');
      const scripts = [...html.matchAll(/<script\b.*?<\/script>/gs)].map(([script]) => script);
      expect(scripts).toEqual(name === 'verify' ? [expect.stringMatching(OWN_MODULE)] : []);
      expect(html.replace(scripts[0] ?? '', '')).not.toMatch(/<script|<style|<iframe|\sstyle=|\son\w+=/i);
      expect(html).not.toMatch(/undefined|\[object|NaN/);
      expect(html).not.toMatch(A_KEY);
      expect([...html.matchAll(/(?:href|src|action)="((?:https?:)?\/\/[^"]*)"/g)].map(([, url]) => url)).toEqual(
        html.includes('fr-connect') ? ['https://franceconnect.gouv.fr/'] : [],
      );
      expect(duplicates([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id!))).toEqual([]);
      for (const [, id] of html.matchAll(/(?:href="#|labelledby="|for=")([\w-]+)"/g))
        expect(html).toContain(`id="${id}"`);
    });
  });
});

describe('a page of someone’s own', () => {
  const own = {
    confirm: ['Jn4Xc8Vb2Lq6Wt0Z', '24\u00a0août 1962'],
    receipt: ['Cap4b1l1ty', receipt.nym, receipt.code, receipt.expires, '75 Paris'],
  };
  test.each(LANGS)('is in %s what rendering makes of it, in each state, made first and made again', (lang) => {
    for (const name of ['confirm', 'receipt'] as const) {
      for (const [state, model] of Object.entries(STATES[name])) {
        for (const explicitLang of [false, true]) {
          const context = {
            ...reader,
            lang,
            explicitLang,
            path: '/petitions/ecoles/receipt/Cap4b1l1ty/?journey=Jn4Xc8Vb2Lq6Wt0Z',
          };
          const rendered = pages.render(name, model, context);
          for (let i = 0; i < 2; i++) {
            expect(pages.renderPersonal(name, model, context, own[name]).toString(), state).toBe(rendered);
          }
        }
      }
    }
  });
});

describe('what a page holds', () => {
  test('a title is text, whatever it contains', () => {
    const html = pages.render('petition', petition, reader);
    expect(html).toContain('Garder les écoles &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;le reste&quot;</h1>');
    expect(html).toContain('<p>Le <em>texte</em></p>');
  });

  test('FranceConnect’s button stands in the form that signs, with its rules', () => {
    const main = mainOf(pages.render('petition', petition, reader));
    expect(main).toContain('<form method="post" action="/petitions/ecoles/sign">');
    expect(main).toMatch(
      /<button class="fr-connect" type="submit">.*S’identifier avec<\/span> .*FranceConnect<\/span><\/button>/,
    );
    expect(main).toMatch(
      /target="_blank" rel="noopener" title="Qu’est-ce que FranceConnect\u202f\? - nouvelle fenêtre"/,
    );
  });

  test('a petition that is not open has no form to sign, and lets its signers withdraw', () => {
    for (const status of ['closed', 'restricted'] as const) {
      const html = pages.render('petition', ended(status), reader);
      expect(mainOf(html)).not.toContain('<form');
      expect(html).toContain('action="/petitions/ecoles/withdraw"');
    }
  });

  test('a petition in French says so on an English page', () => {
    expect(pages.render('petition', petition, { ...reader, lang: 'en' })).toMatch(
      /<h1 lang="fr">.*<div class="statement" lang="fr">/s,
    );
  });

  test('figures by département are never shown as verified', () => {
    const html = pages.render('petition', petition, reader);
    expect(html).toMatch(/Signatures par département <span class="tag">\(déclaré, non vérifié\)/);
    expect(pages.render('receipt', receipt, reader)).toContain('75 Paris <span class="tag">(déclaré, non vérifié)');
  });

  test('confirming asks for the département, and starts with none chosen', () => {
    const main = mainOf(pages.render('confirm', confirm, reader));
    expect(main).toMatch(
      /<select id="department" name="department" required aria-describedby="department-hint">\s*<option value="">/,
    );
    expect(main).not.toContain(' selected');
    expect(main).toContain('24\u00a0août 1962');
  });

  test('after a wrong département the error stands at the field', () => {
    const html = pages.render('confirm', STATES.confirm['wrong département']!, reader);
    expect(html).toMatch(/<title>Erreur\u00a0: /);
    expect(html).toContain('aria-invalid="true" aria-describedby="department-error department-hint"');
    expect(html.indexOf('id="department-error"')).toBeLessThan(html.indexOf('<select'));
  });

  test('someone who has signed is asked for nothing', () => {
    const main = mainOf(pages.render('confirm', { ...confirm, ...asked }, reader));
    expect(main).not.toContain('<select');
    expect(main).toContain('Vous avez signé cette pétition le 1er\u00a0mars 2026.');
    expect(main).toContain('Retrouver mon reçu</button>');
  });

  test('forms that are not the page’s own step stand outside <main>', () => {
    const outside = (html: string) => html.replace(mainOf(html), '');
    expect(outside(pages.render('confirm', confirm, reader))).toContain('action="/logout?journey=Jn4Xc8Vb2Lq6Wt0Z"');
    expect(outside(pages.render('receipt', receipt, reader))).toContain('action="/petitions/ecoles/withdraw"');
    expect(outside(pages.render('refusal', refusal, reader))).toContain('action="/logout"');
  });

  test('a receipt is linked only while the signature counts', () => {
    expect(pages.render('receipt', receipt, reader)).toMatch(
      /href="\/petitions\/ecoles\/receipt\/Cap4b1l1ty\/receipt.jwt" download/,
    );
    expect(pages.render('receipt', receipt, reader)).toContain('<code class="code">k9Xv2_Pq</code>');
    expect(pages.render('receipt', receipt, reader)).toContain('14:32');
    expect(pages.render('receipt', STATES.receipt.withdrawn!, reader)).not.toContain('receipt.jwt');
  });

  test('a refusal can be quoted, and says the age that was missing', () => {
    const html = pages.render('refusal', refusal, reader);
    expect(html).toContain('Code too-young, statut 403');
    expect(html).toContain('18\u00a0ans');
  });

  test('a simulated identity is announced on every page', () => {
    for (const name of names) {
      expect(everyState(name, 'fr', { simulated: true })[0]![1]).toContain('démonstration, aucune vraie signature');
      expect(everyState(name, 'fr')[0]![1]).not.toContain('démonstration, aucune vraie signature');
    }
  });
});

describe('the language', () => {
  test('is carried on by links and forms once it was chosen', () => {
    const html = pages.render('petition', petition, { ...reader, lang: 'en', explicitLang: true });
    expect(html).toContain('href="/verify?lang=en"');
    expect(count(html, /<input type="hidden" name="lang" value="en">/g)).toBe(count(html, /<form/g));
    expect(pages.render('privacy', {}, { ...reader, lang: 'en', explicitLang: true })).toContain(
      'href="/how-it-works?lang=en#limits"',
    );
  });

  test('is left alone when the browser chose it', () => {
    const html = pages.render('petition', petition, reader);
    expect(html).toContain('href="/verify"');
    expect(html).not.toContain('name="lang"');
  });

  test('can be switched on the page one is on, and never leads to another site', () => {
    const hrefs = (path: string) =>
      [...pages.render('home', listed('', []), { ...reader, path }).matchAll(/href="([^"]*lang=en)"/g)].map(
        ([, href]) => href,
      );
    expect(hrefs('/petitions/ecoles')).toEqual(['/petitions/ecoles?lang=en']);
    expect(hrefs('/x?journey=1')).toEqual(['/x?journey=1&amp;lang=en']);
    expect(hrefs('//evil.example/')).toEqual(['/evil.example/?lang=en']);
    expect(hrefs('/\\evil.example')).toEqual(['/evil.example?lang=en']);
  });
});

describe('assets', () => {
  test('are named by their content, and are what pages link to', () => {
    const html = pages.render('home', listed('', []), reader);
    const linked = [...html.matchAll(/href="(\/assets\/[^"]+)"/g)].map(([, url]) => url!);
    expect(linked.map((url) => url.replace(/\.[0-9a-f]{16}\./, '.'))).toEqual([
      '/assets/style.css',
      '/assets/petitions.css',
      '/assets/icon.svg',
    ]);
    for (const url of linked) expect(pages.assets.get(url)!.body.length).toBeGreaterThan(0);
  });

  test('load nothing further', () => {
    for (const [url, { body }] of pages.assets) {
      if (url.endsWith('.css')) expect(body.toString()).not.toMatch(/url\(|@import/);
    }
  });
});

describe.each(LANGS)('the weight of a page with its styles and images, in %s', (lang) => {
  // Without compression: what that saves is more than what headers add.
  test.each(names)('%s is at most 40 kB in every state', (name) => {
    for (const [state, html] of everyState(name, lang, { simulated: true, explicitLang: true })) {
      const loaded = [...html.matchAll(/(?:href|src)="(\/assets\/[^"]+\.(?:css|svg|png))"/g)].map(([, url]) => url!);
      const bytes = [Buffer.byteLength(html), ...loaded.map((url) => pages.assets.get(url)!.body.length)];
      const weight = bytes.reduce((sum, size) => sum + size, 0);
      expect(weight, state).toBeLessThanOrEqual(40_000);
    }
  });
});

function everyState(name: PageName, lang: Lang, context: Partial<PageContext> = {}): [state: string, html: string][] {
  return Object.entries(STATES[name]).map(([state, model]) => [
    state,
    pages.render(name, model, { ...reader, lang, ...context }),
  ]);
}

function mainOf(html: string): string {
  return html.slice(html.indexOf('<main'), html.indexOf('</main>') + '</main>'.length);
}

function count(html: string, pattern: RegExp): number {
  return [...html.matchAll(pattern)].length;
}

/** `skip` where a heading is more than one level below the one before it. */
function headings(html: string): string[] {
  const levels = [...html.matchAll(/<h([1-6])\b/g)].map(([, level]) => Number(level));
  return levels.map((level, index) => (level > (levels[index - 1] ?? 0) + 1 ? 'skip' : 'next'));
}

function duplicates(ids: readonly string[]): string[] {
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}
