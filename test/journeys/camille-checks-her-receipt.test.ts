/** Camille, in a real Chromium, with the files that she kept: the page computes, tells each kind of lie apart, and asks for no more than it says. */
import { AxeBuilder } from '@axe-core/playwright';
import type { FileChooser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { withAnotherSignature } from '../fakes/forged.ts';
import { FakeLog } from '../fakes/log-site.ts';
import { VerifierWorld } from '../fakes/verifier-world.ts';

const CAMILLE = 40;

let world: VerifierWorld;
let chromium: Chromium;
let files: { jwt: string; proof: string };

beforeAll(async () => {
  [world, chromium] = await Promise.all([VerifierWorld.start(), Chromium.start()]);
  files = { jwt: world.receipt(CAMILLE), proof: await world.log.proof(CAMILLE, 200) };
});

beforeEach(async () => {
  world.site.answers.clear();
  world.says(CAMILLE, 'active', CAMILLE);
  await world.site.serve(world.log, 290);
});

afterAll(async () => {
  await chromium.close();
  await world[Symbol.asyncDispose]();
});

async function camille(locale = 'fr-FR'): Promise<Person> {
  const person = await chromium.person({ javaScriptEnabled: true, locale, viewport: { width: 390, height: 844 } });
  await person.open(`${world.site.origin}/verify`);
  await person.page.locator('#here').waitFor();
  return person;
}

const upload = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

/** Chooses files and waits for the verdict: how each step ended. */
async function check({ page }: Person, { jwt, proof }: { jwt?: string; proof?: string }): Promise<string[]> {
  const chosen = [jwt === undefined ? [] : upload('receipt.jwt', jwt), proof === undefined ? [] : upload('p', proof)];
  await page.locator('#files').setInputFiles(chosen.flat());
  return ended({ page });
}

async function ended({ page }: Pick<Person, 'page'>): Promise<string[]> {
  await page.locator('#result[aria-busy=false]').waitFor();
  return Promise.all(
    (await page.locator('.check').all()).map(async (item) => `${await item.getAttribute('data-step')}`),
  );
}

const GOOD = [
  'receipt.holds',
  'proof.holds',
  'match.holds',
  'log.holds',
  'growth.holds',
  'standing.holds',
  'state.active',
  'memory.first',
];

test('good files: everything holds, and on the next visit nothing has vanished since', async () => {
  const person = await camille();
  expect(await check(person, files)).toEqual(GOOD);
  expect(await person.text()).toMatch(/Tout tient .* Des jardins partagés .* Elle est à sa place : entrée n° 40 /);
  expect(await person.page.getByRole('status').textContent()).toMatch(/^Tout tient/);

  await world.site.serve(world.log);
  await person.open(`${world.site.origin}/verify`);
  expect((await check(person, { jwt: files.jwt })).at(-1)).toBe('memory.holds');
  expect(await person.text()).toContain('rien n’a disparu : les 290 entrées d’alors');
  expect(person.watch.complaints).toEqual([]);
  await person.close();
});

test('the page asks for what it says it asks for, of this site alone, and names the pseudonym only if it may', async () => {
  const person = await camille();
  await person.page.locator('#asks-state').uncheck();
  world.site.asked.length = 0;
  expect((await check(person, files))[6]).toBe('state.unasked');
  expect([...new Set(world.site.asked)].sort()).toEqual([
    'GET /.well-known/jwks.json',
    'GET /api/petitions',
    'GET /log/checkpoint',
    'GET /log/tile/0/000',
    'GET /log/tile/0/001.p/34',
    'GET /log/tile/entries/000',
    'GET /log/vkey',
  ]);
  expect(person.watch.requests.filter((request) => !request.startsWith(`GET ${world.site.origin}/`))).toEqual([]);
  expect(await person.watch.cookies()).toEqual([]);
  const { origins } = await person.context.storageState();
  expect(origins.map(({ localStorage }) => localStorage.map(({ name }) => name))).toEqual([['paraphe-log']]);
  expect(JSON.stringify(origins)).not.toContain(world.nym(CAMILLE));
  await person.page.locator('summary').click();
  await person.page.getByRole('button', { name: 'L’oublier' }).click();
  expect((await person.context.storageState()).origins).toEqual([]);
  await person.close();
});

test('each lie has its own words', async () => {
  const person = await camille();
  const words = async (given: { jwt?: string; proof?: string }, step: string) => {
    expect(await check(person, given)).toContain(step);
    expect(await person.page.locator('#result').getAttribute('data-verdict')).toBe('fails');
    return person.page.locator(`[data-step="${step}"] .what`).textContent();
  };
  const other = new FakeLog('a.example/log').withEntries(world.log.entries);
  expect(await words({ jwt: withAnotherSignature(files.jwt) }, 'receipt.forged')).toMatch(/^Ce site n’a pas signé/);
  expect(await words({ proof: await other.proof(CAMILLE) }, 'proof.foreign')).toMatch(/preuve d’un autre registre/);
  await world.site.serve(world.log, 30);
  expect(await words(files, 'growth.smaller')).toMatch(/publié a rétréci\s: 200 entrées .* 30 aujourd’hui/);
  expect(await words(files, 'standing.vanished')).toMatch(/^Elle a disparu/);
  await world.site.serve(world.log.withEntries(world.log.entries.toSpliced(CAMILLE, 1, world.log.entries[299]!)), 290);
  expect(await words(files, 'standing.changed')).toMatch(/elle a été remplacée/);
  await person.close();
});

test('a withdrawal is told and proven; a silent log is not called a liar', async () => {
  const person = await camille('en-GB');
  const log = world.log.withEntries(world.log.entries);
  const index = log.append(world.withdrawn(CAMILLE));
  await world.site.serve(log);
  world.says(CAMILLE, 'withdrawn', index);
  expect(await check(person, files)).toContain('state.withdrawn');
  expect(await person.text()).toMatch(/Genuine receipt, signature no longer counted .* withdrawn, in entry no\. 300/);
  world.site.answers.set('/log/checkpoint', undefined);
  expect(await check(person, { jwt: files.jwt })).toEqual(expect.arrayContaining(['receipt.holds', 'log.unreachable']));
  expect(await person.text()).toContain('Partly checked');
  await check(person, { jwt: 'neither' });
  expect(await person.text()).toContain('Neither receipt nor proof');
  await person.close();
});

test('by keyboard alone, by dropping, and without violating WCAG in any state', async () => {
  const person = await camille('en-GB');
  const { page } = person;
  for (let tabs = 0; tabs < 10 && !(await isFocused(page, 'files')); tabs++) {
    await page.keyboard.press('Tab');
  }
  expect(await page.evaluate("getComputedStyle(document.querySelector('label.button')).outlineStyle")).toBe('solid');
  // Chromium drops a key that comes before the frame that shows the focus: a person would press again.
  const chooser = await pressUntil(page, 'filechooser');
  expect(chooser.isMultiple()).toBe(true);
  await chooser.setFiles([upload('receipt.jwt', files.jwt), upload('receipt.tlog-proof', files.proof)]);
  expect(await ended(person)).toEqual(GOOD);
  await page.keyboard.press('Tab');
  expect(await isFocused(page, 'asks-state')).toBe(true);
  expect(await violations(person)).toEqual([]);

  const forged = JSON.stringify(withAnotherSignature(files.jwt));
  const dataTransfer = await page.evaluateHandle(
    `const data = new DataTransfer(); data.items.add(new File([${forged}], 'receipt.jwt')); data`,
  );
  await page.dispatchEvent('body', 'drop', { dataTransfer });
  expect((await ended(person))[0]).toBe('receipt.forged');
  await page.locator('summary').click();
  expect(await violations(person)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await violations(person)).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  await person.close();
});

test('without JavaScript the page says what to do instead, and shows no box that does nothing', async () => {
  for (const [locale, words] of [
    ['fr-FR', /Sans cela, prenez l’outil/],
    ['en-GB', /Without them, use the tool/],
  ] as const) {
    const person = await chromium.person({ locale });
    await person.open(`${world.site.origin}/verify`);
    expect(await person.text()).toMatch(words);
    expect(await person.text()).toContain(`verify receipt.jwt receipt.tlog-proof --issuer ${world.site.origin}`);
    expect(await person.page.locator('#here').isVisible()).toBe(false);
    await person.close();
  }
});

async function violations({ page }: Person): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const { violations: found } = await new AxeBuilder({ page }).withTags(tags).setLegacyMode(true).analyze();
  return found.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`));
}

function isFocused(page: Page, id: string): Promise<unknown> {
  return page.evaluate(`document.activeElement.id === '${id}'`);
}

/** Presses Enter, again after two seconds at most, until the browser asks for files. */
async function pressUntil(page: Page, event: 'filechooser'): Promise<FileChooser> {
  for (let tries = 1; ; tries++) {
    const asked = page.waitForEvent(event, { timeout: 2000 }).catch(() => undefined);
    await page.keyboard.press('Enter');
    const chooser = await asked;
    if (chooser !== undefined) return chooser;
    expect(tries).toBeLessThan(8);
  }
}
