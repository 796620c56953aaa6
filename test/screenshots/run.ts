/**
 * `npm run screenshots`: the pictures of the README, in light and dark, from a demonstration that it starts on a folder of
 * its own. Browser and fonts come from npm, so that only the data and the day differ from one run to the next.
 *
 *   npm run screenshots                        into docs/images
 *   npm run screenshots -- --all /tmp/pages    every public page instead: 320, 768 and 1280 wide, both schemes, all languages
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
import { environment } from '../../src/config.ts';
import { startDemo } from '../../src/demo/demo.ts';
import { LANGS } from '../../src/web/i18n.ts';
import { Chromium, type Person } from '../fakes/chromium.ts';

const SCHEMES = ['light', 'dark'] as const;
const LAPTOP: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 800 }, deviceScaleFactor: 2 };
const COLUMN: BrowserContextOptions = { viewport: { width: 800, height: 1000 }, javaScriptEnabled: true };
const PETITION = '/petitions/trains-de-nuit';

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
  PETITION,
  `${PETITION}/figures`,
  '/how-it-works',
  '/transparency',
  '/privacy',
  '/accessibility',
  '/verify',
  '/log',
  '/no-such-page',
];

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
  for (const lang of LANGS) {
    for (const width of [320, 768, 1280]) {
      const person = await chromium.person({ viewport: { width, height: 800 }, locale: lang });
      for (const path of PAGES) {
        await person.open(demo.origin + path);
        for (const scheme of SCHEMES) {
          await person.page.emulateMedia({ colorScheme: scheme });
          const name = `${path.split('/').at(-1) || 'home'}-${lang}-${width}-${scheme}.png`;
          await person.page.screenshot({ path: join(folder, name), fullPage: true });
        }
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
