/**
 * `npm run screenshots`: the pictures of the README, in light and dark, from a demonstration that it starts on a folder of
 * its own. Browser and fonts come from npm, so that only the data and the day differ from one run to the next.
 *
 *   npm run screenshots                        into docs/images
 *   npm run screenshots -- --all /tmp/pages    every page and state instead: 320, 768 and 1280 wide, both schemes, all languages
 *
 * `PORT` and `FRANCECONNECT_PORT` move the demonstration's ports.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { BrowserContextOptions } from 'playwright-core';
import { environment, readStorageConfig } from '../../src/config.ts';
import { startDemo } from '../../src/demo/demo.ts';
import { LANGS } from '../../src/web/i18n.ts';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { beginVisit, openSite, type PetitionSite } from '../fakes/petition-site.ts';

const SCHEMES = ['light', 'dark'] as const;
const LAPTOP: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 800 }, deviceScaleFactor: 2 };
const COLUMN: BrowserContextOptions = { viewport: { width: 800, height: 1000 }, javaScriptEnabled: true };
const SLUG = 'trains-de-nuit';
const PETITION = `/petitions/${SLUG}`;

/** Each picture of the README: whose screen, what leads there, and which part of the page, where not what is on the screen. */
const PICTURES: Readonly<Record<string, readonly [screen: BrowserContextOptions, open: Open, part?: string]>> = {
  petition: [LAPTOP, (person, origin) => person.open(origin + PETITION)],
  'petition-phone': [PHONE, (person, origin) => person.open(origin + PETITION)],
  figures: [{ viewport: { width: 600, height: 900 } }, (person, origin) => person.open(origin + PETITION), '.figures'],
  verify: [COLUMN, verifyReceipt, '#result'],
  'who-sees-what': [COLUMN, (person, origin) => person.open(`${origin}/how-it-works`), '.drawing'],
};
type Open = (person: Person, origin: string) => Promise<unknown>;

const PAGES = [
  '/',
  '/?q=xylophone',
  PETITION,
  '/petitions/cantines-locales',
  `${PETITION}/figures`,
  '/how-it-works',
  '/transparency',
  '/privacy',
  '/accessibility',
  '/verify',
  '/log',
  '/api',
  '/no-such-page',
];

/** What is seen on the way, one state after the other: what leads there, on which page the way begins where that is another one. */
const STATES: Readonly<Record<string, (walk: Walk) => Promise<unknown>>> = {
  'journey-unknown': ({ person }) => person.open(`${demo.origin}${PETITION}/confirm`),
  confirm: ({ person, login }) => person.logIn(demo.origin + PETITION, login),
  'confirm-without-department': async ({ person }) => {
    await person.page.evaluate('document.querySelector("main form").noValidate = true');
    await person.press();
  },
  receipt: async ({ person }) => {
    await person.page.locator('select').selectOption('75');
    await person.press();
  },
  signed: ({ person, login }) => person.logIn(demo.origin + PETITION, login),
  'receipt-again': ({ person }) => person.press(),
  withdraw: async ({ person, login }) => {
    await person.arrive(() => person.page.locator('aside form button').first().click());
    await person.passFranceConnect(login);
  },
  withdrawn: ({ person }) => person.press(),
  'for-a-site': async ({ person, login, site, petition }) => {
    await person.open((await beginVisit(site, petition)).url.href);
    await person.passFranceConnect(login);
  },
  'for-a-site-login': async ({ person, login, site }) => {
    await person.open((await beginVisit(site)).url.href);
    await person.passFranceConnect(login);
  },
  'for-a-site-refused': async ({ person, site }) =>
    person.open((await beginVisit(site, undefined, { redirect_uri: 'https://elsewhere.example' })).url.href),
  'login-at-franceconnect': async ({ person }) => {
    await person.context.clearCookies();
    await person.open(demo.origin + PETITION);
    await person.press();
  },
  'too-young': ({ person }) => person.passFranceConnect('moins_18_ans'),
};
type Walk = {
  readonly person: Person;
  readonly login: string;
  readonly site: PetitionSite;
  readonly petition: string;
};

const { values } = parseArgs({ options: { all: { type: 'string' } } });
const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-screenshots-'));
const [demo, chromium] = await Promise.all([startDemo({ ...environment(), DATA_DIR: dataDir }), Chromium.start()]);
try {
  if (values.all === undefined) await takePictures(join(import.meta.dirname, '../../docs/images'));
  else await takeAll(values.all);
} finally {
  await chromium.close();
  await demo.close();
  rmSync(dataDir, { recursive: true, force: true });
}

async function takePictures(folder: string): Promise<void> {
  for (const [name, [screen, open, part]] of Object.entries(PICTURES)) {
    const person = await chromium.person(screen);
    await open(person, demo.origin);
    for (const scheme of SCHEMES) {
      await person.page.emulateMedia({ colorScheme: scheme });
      const path = join(folder, scheme === 'light' ? `${name}.png` : `${name}-dark.png`);
      await (part === undefined ? person.page : person.page.locator(part)).screenshot({ path });
    }
    await person.close();
    console.log(name);
  }
}

async function takeAll(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const config = { storage: readStorageConfig({ DATA_DIR: dataDir }) };
  const site = await openSite({ origin: demo.origin, config }, { name: 'Ma ville participe', petitions: [SLUG] });
  const { id: petition } = (await (await fetch(`${demo.origin}/api${PETITION}`)).json()) as { id: string };
  let citizen = 4001;
  for (const lang of LANGS) {
    for (const width of [320, 768, 1280]) {
      const person = await chromium.person({ viewport: { width, height: 800 }, locale: lang, javaScriptEnabled: true });
      const take = async (name: string) => {
        for (const scheme of SCHEMES) {
          await person.page.emulateMedia({ colorScheme: scheme });
          await person.page.screenshot({
            path: join(folder, `${name}-${lang}-${width}-${scheme}.png`),
            fullPage: true,
          });
        }
      };
      for (const path of PAGES) {
        await person.open(demo.origin + path);
        await take(path.split('/').at(-1)?.replace(/\W/g, '') || 'home');
      }
      const login = `citoyen-${citizen++}`;
      for (const [name, lead] of Object.entries(STATES)) {
        await lead({ person, login, site, petition });
        await take(name);
      }
      await person.close();
      console.log(`${lang} ${width}`);
    }
  }
}

/** Someone signs, and checks both files of the receipt. */
async function verifyReceipt(person: Person, origin: string): Promise<void> {
  await person.sign(`${origin}${PETITION}`, 'citoyen-4000', '75');
  const files: { name: string; mimeType: string; buffer: Buffer }[] = [];
  for (const name of ['receipt.jwt', 'receipt.tlog-proof']) {
    const downloaded = person.page.waitForEvent('download');
    await person.page.locator(`a[href*="/${name}"]`).click();
    files.push({ name, mimeType: 'text/plain', buffer: await readFile(await (await downloaded).path()) });
  }
  await untilPublished(origin, files[0]?.buffer.toString() ?? '');
  await person.open(`${origin}/verify`);
  await person.page.locator('#files').setInputFiles(files);
  await person.page.locator('#result[aria-busy=false]').waitFor();
}

async function untilPublished(origin: string, receipt: string): Promise<void> {
  const { sub } = JSON.parse(Buffer.from(receipt.split('.')[1] ?? '', 'base64url').toString()) as { sub: string };
  const url = `${origin}/api${PETITION}/signatures/${sub}`;
  while (!(await (await fetch(url)).text()).includes('"active"')) await wait(200);
}
