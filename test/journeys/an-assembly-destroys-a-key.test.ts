/** A petition is over: its pseudonym key is destroyed under a gateway that serves, and nobody else notices. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkData } from '../../src/log-check.ts';
import { isPetitionKeyWhole } from '../../src/petitions/petition-key.ts';
import { readKeys } from '../../src/storage/key-folder.ts';
import { openStorage } from '../../src/storage/open.ts';
import { command } from '../fakes/command.ts';
import { openSite, type PetitionSite, visitSite } from '../fakes/petition-site.ts';
import { logIn, passFranceConnect, receiptOf, sign, startWorld, tallyOf, type World } from '../fakes/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const paraphe = (name: string, ...args: string[]) => command({ DATA_DIR: world.dataDir }, name, ...args);
const keysDir = () => world.config.storage.keysDir;
const at = (name: string) => join(world.dataDir, name);

/** The secrets that a copy of the data holds wrapped for a petition. */
function wrappedIn(file: string, slug: string): Buffer {
  const copy = new Database(file, { readonly: true });
  const wrapped = copy.prepare('SELECT wrapped_secret FROM petitions WHERE slug = ?').pluck().get(slug) as Buffer;
  copy.close();
  return wrapped;
}

async function subAt(site: PetitionSite, login: string): Promise<string> {
  return (await visitSite(world, site, login)).answer.claims()!.sub;
}

/** People who find their signature of the other petition again, one after the other: none of them is refused. */
async function signingUntil(isOver: () => boolean): Promise<number> {
  let signed = 0;
  for (; !isOver(); signed++) {
    const browser = world.browser();
    await sign(browser, world, 'jardins', 'test');
    expect(browser.page.html).toContain('receipt.jwt');
  }
  return signed;
}

test('before closing, nothing is destroyed', async () => {
  const { code, err } = await paraphe('petition', 'destroy-pseudonyms', 'trains');
  expect([code, err]).toEqual([1, 'trains is not closed: `paraphe petition close trains` comes first, for good.\n']);
  expect((await paraphe('petition', 'destroy-pseudonyms', 'avions')).err).toBe('There is no petition avions.\n');
  expect(readdirSync(keysDir()).filter((name) => name.includes('next'))).toEqual([]);
});

test('afterwards nobody finds a signature of it, it counts as before, and everything else goes on', async () => {
  const louise = world.browser();
  await sign(louise, world, 'trains', 'test', '35');
  const first = await receiptOf(louise);
  await sign(louise, world, 'jardins', 'test');
  const second = await receiptOf(louise);
  const site = await openSite(world, { petitions: ['jardins'] });
  const sub = await subAt(site, 'test');

  mkdirSync(at('safe'));
  cpSync(keysDir(), at('safe/keys'), { recursive: true });
  await paraphe('backup', at('safe/before.sqlite'));
  await paraphe('petition', 'close', 'trains');

  // Someone has logged in to withdraw while the key goes.
  const late = world.browser();
  await expect
    .poll(async () => (await late.get(`${world.origin}/petitions/trains`)).html)
    .not.toContain('/trains/sign');
  await late.submit({}, { form: '/withdraw' });
  await passFranceConnect(late, 'test');
  expect(late.page.url).toContain('/petitions/trains/confirm');

  const before = readFileSync(join(keysDir(), 'key-encryption-key'), 'utf8');
  let isOver = false;
  const destroying = paraphe('petition', 'destroy-pseudonyms', 'trains', '--backup', at('after.sqlite'));
  const others = signingUntil(() => isOver);
  const shown = await destroying.finally(() => {
    isOver = true;
  });
  expect(await others).toBeGreaterThan(3);
  expect(shown).toMatchObject({ code: 0, err: expect.stringContaining('takes the place'), out: expect.any(String) });
  expect(shown.out).toContain('The pseudonym key of trains is destroyed');
  expect(shown.out).toContain(keysDir());
  expect(shown.out).toContain(at('after.sqlite'));
  expect(existsSync(join(keysDir(), 'key-encryption-key.next'))).toBe(false);
  expect(readFileSync(join(keysDir(), 'key-encryption-key'), 'utf8')).not.toBe(before);
  expect(statSync(join(keysDir(), 'key-encryption-key')).mode & 0o077).toBe(0);
  await expect.poll(() => world.lines.join('')).toContain('the key-encryption key: read again');
  const again = await paraphe('petition', 'destroy-pseudonyms', 'trains');
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining('was destroyed on') });

  // No copy of its secret opens with the keys that there are.
  const { keyEncryptionKey } = readKeys(keysDir());
  const storage = await openStorage(world.config.storage);
  const trains = (await storage.petitions.findBySlug('trains'))!;
  expect(await storage.petitions.findWrappedSecret(trains.id)).toBeUndefined();
  await storage.close();
  const copies = [wrappedIn(at('safe/before.sqlite'), 'trains'), wrappedIn(at('after.sqlite'), 'trains')];
  expect(copies.map((wrapped) => isPetitionKeyWhole(keyEncryptionKey, trains, wrapped))).toEqual([false, false]);
  const old = readKeys(at('safe/keys')).keyEncryptionKey;
  expect(isPetitionKeyWhole(old, trains, copies[0]!)).toBe(true); // which is why the copies of the keys have to go
  expect((await checkData(world.config.storage)).problems).toEqual([]);

  // Louise's signature stands, and nobody can take it back, whoever had begun to or begins now.
  await late.submit({}, { form: '/confirm' });
  expect([late.page.status, late.page.html.includes('pseudonyms-destroyed')]).toEqual([410, true]);
  await expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: 1, withdrawn: 0 });
  const page = await louise.get(`${world.origin}/petitions/trains`);
  expect(page.html).not.toContain('/petitions/trains/withdraw');
  expect(page.text).toContain('La clé secrète de cette pétition a été détruite le');
  const direct = await louise.tab().post(`${world.origin}/petitions/trains/withdraw`, {}, world.origin);
  expect([direct.status, direct.html.includes('pseudonyms-destroyed')]).toEqual([410, true]);
  const english = world.browser({ headers: { 'accept-language': 'en' } });
  expect((await english.get(`${world.origin}/petitions/trains`)).text).toContain('secret key was destroyed on');
  expect((await louise.get(`${world.origin}/transparency`)).text).toContain('détruite le');
  const nym = `/api/petitions/trains/signatures/${String(first.claims.sub)}`;
  expect(await (await fetch(world.origin + nym)).json()).toMatchObject({ state: 'active' });

  // The other petition, and the site, know her as before: under keys that are wrapped anew.
  await sign(louise, world, 'jardins', 'test');
  expect((await receiptOf(louise)).claims).toEqual(second.claims);
  expect(await subAt(site, 'test')).toBe(sub);
  const audited = await paraphe('audit', world.origin, '--mirror', at('mirror'));
  expect(audited).toMatchObject({ code: 0, out: expect.stringContaining('pseudonyms destroyed') });
});

test('a gateway that restarts goes on, and the backup of before is told apart', async () => {
  await world.restart();
  await logIn(world.browser(), world, 'jardins', 'nom_composé');
  const place = { ...world.config.storage, databaseUrl: `sqlite:${at('safe/before.sqlite')}` };
  const { problems } = await checkData(place);
  for (const who of ['jardins', 'trains', 'Ville de Test']) {
    expect(problems).toContainEqual(expect.stringMatching(new RegExp(`${who}: its wrapped key`)));
  }
  copyFileSync(at('after.sqlite'), at('again.sqlite'));
  const storage = await openStorage({ ...place, databaseUrl: `sqlite:${at('again.sqlite')}` });
  const jardins = (await storage.petitions.findBySlug('jardins'))!;
  const wrapped = (await storage.petitions.findWrappedSecret(jardins.id))!;
  expect(isPetitionKeyWhole(readKeys(keysDir()).keyEncryptionKey, jardins, wrapped)).toBe(true);
  await storage.close();
});
