/**
 * Nadia, a journalist, does not believe the counter. She recounts it on her own machine, keeps what she found, and comes
 * back after the gateway has lost its data and its memory of what it had signed.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Browser } from '../fakes/browser.ts';
import { command } from '../fakes/command.ts';
import { GARDENS, logIn, sign, startWorld, TRAINS, tallyOf, type World } from '../fakes/world.ts';

const DAY = 86_400_000;

let world: World;
let desk: string;
let ahead: number;
beforeEach(async () => {
  ahead = 0;
  const clock = () => new Date(Date.now() + ahead);
  const closes = new Date(Date.now() + DAY).toISOString().slice(0, 10);
  world = await startWorld({ clock, petitions: [`${GARDENS}\ncloses: ${closes}`, TRAINS] });
  desk = mkdtempSync(join(tmpdir(), 'nadia-'));
});
afterEach(async () => {
  await world.close();
  rmSync(desk, { recursive: true });
});

const at = (name: string) => join(desk, name);
const audit = (...args: string[]) => command({}, 'audit', world.origin, '--mirror', at('mirror'), ...args);

async function fileOf(browser: Browser, name: string): Promise<string> {
  const href = new RegExp(`href="([^"]*/${name})`).exec(browser.page.html)?.[1];
  const { html } = await browser.tab().get(new URL(href ?? '', browser.page.url));
  writeFileSync(at(name), html);
  return html;
}

/** The figures, once everything that is recorded is published. */
async function published(slug: string, total: number): Promise<void> {
  await expect.poll(() => tallyOf(world, slug)).toMatchObject({ total });
}

test('she finds what the pages say, and each signer finds their own entry', async () => {
  const people: Browser[] = [];
  for (const [login, department] of [
    ['test', '75'],
    ['naissance_Algérie', '13'],
    ['citoyen-7', '75'],
  ] as const) {
    const browser = world.browser();
    await sign(browser, world, 'trains', login, department);
    people.push(browser);
  }
  const [first] = people;
  await fileOf(first!, 'receipt.jwt');
  const proof = await fileOf(first!, 'receipt.tlog-proof');
  const key = await (await fetch(`${world.origin}/log/vkey`)).text();
  const verified = await command(
    {},
    'verify',
    at('receipt.jwt'),
    at('receipt.tlog-proof'),
    '--issuer',
    world.origin,
    '--vkey',
    key.trim(),
  );
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.out).toContain('Receipt and proof are about the same signature');
  expect(proof).toContain(`\n${world.origin.replace('http://', '')}/log\n`);

  await logIn(people[1]!, world, 'trains', 'naissance_Algérie');
  await published('trains', 3);
  const report = await audit('--json');
  expect(report).toMatchObject({ code: 0 });
  const { petitions } = JSON.parse(report.out) as { petitions: { slug?: string; total: number }[] };
  expect(petitions.map(({ total }) => total).sort()).toEqual([0, 3]);

  const { html } = await world.browser().get(`${world.origin}/petitions/trains?lang=en`);
  expect(html).toMatch(/data-signatures="3"/);
  expect(html).toMatch(/These figures are those of the public log at \d+ entries/);
});

test('a petition whose last day is past gets its closing entry, with its count', async () => {
  await sign(world.browser(), world, 'jardins', 'test');
  await published('jardins', 1);
  ahead = 3 * DAY;
  await world.restart();
  await expect
    .poll(async () => (await (await fetch(`${world.origin}/log/checkpoint`)).text()).split('\n')[1])
    .toBe('5');
  const bundle = Buffer.from(await (await fetch(`${world.origin}/log/tile/entries/000.p/5`)).arrayBuffer());
  expect(bundle.toString('utf8')).toMatch(
    /\{"kind":"petition-closed","petition":"[0-9a-z]{26}","count":1,"day":"[0-9-]+"\}$/,
  );
  expect((await audit()).code).toBe(0);
});

test('signatures that vanish with a restored backup are missed by her, whatever the gateway then says', async () => {
  const file = join(world.dataDir, 'paraphe.sqlite');
  await sign(world.browser(), world, 'trains', 'test', '75');
  await published('trains', 1);
  new Database(file).exec(`VACUUM INTO '${at('backup.sqlite')}'`);
  await sign(world.browser(), world, 'trains', 'citoyen-8', '75');
  await published('trains', 2);
  expect((await audit()).code).toBe(0);

  // The gateway, restored without its lock, would begin another history.
  await expect(
    world.restart(() => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
      copyFileSync(at('backup.sqlite'), file);
    }),
  ).rejects.toThrow(/older than the lock/);
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(world.dataDir, `lock.sqlite${suffix}`), { force: true });
  await expect(world.restart()).rejects.toThrow(/lock is missing/);
  forgeLock();
  await world.restart();
  await sign(world.browser(), world, 'trains', 'naissance_Algérie', '13');
  await published('trains', 2);
  const missed = await audit();
  expect(missed.code).toBe(1);
  expect(missed.out + missed.err).toMatch(/VANISHED|vanished|shrank|rewritten|not a continuation/i);
});

/** An operator who wants the past to be forgotten: the lock says what the restored data say. */
function forgeLock(): void {
  const data = new Database(join(world.dataDir, 'paraphe.sqlite'));
  const checkpoint = data.prepare('SELECT checkpoint FROM publication').pluck().get() as string;
  data.close();
  const lock = new Database(join(world.dataDir, 'lock.sqlite'));
  lock.exec('CREATE TABLE IF NOT EXISTS lock (id INTEGER PRIMARY KEY CHECK (id = 1), checkpoint TEXT NOT NULL)');
  lock.prepare('INSERT OR REPLACE INTO lock (id, checkpoint) VALUES (1, ?)').run(checkpoint);
  lock.close();
  expect(readFileSync(join(world.dataDir, 'lock.sqlite')).length).toBeGreaterThan(0);
}
