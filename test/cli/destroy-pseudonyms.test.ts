/** Destroying a petition's pseudonym key: whatever stops it, no other key is lost, and the same command again ends it. */
import {
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readStorageConfig, type StorageConfig } from '../../src/config.ts';
import { type DestructionOptions, type DestructionStep, destroyPseudonyms } from '../../src/destroy-pseudonyms.ts';
import { checkData } from '../../src/log-check.ts';
import { type Writing, withRegister } from '../../src/log-writer.ts';
import { moveInstance } from '../../src/move-instance.ts';
import { pseudonyms } from '../../src/person/pseudonym.ts';
import { closePetition } from '../../src/petitions/close-petition.ts';
import { openPetition } from '../../src/petitions/open-petition.ts';
import { parsePetitionFile } from '../../src/petitions/petition-file.ts';
import { computeNym } from '../../src/petitions/petition-key.ts';
import { registerSite, rotateSiteSecret } from '../../src/provider/register-site.ts';
import { parseSite } from '../../src/provider/site.ts';
import { computeSiteNym } from '../../src/provider/site-key.ts';
import { readKeyEncryptionKey } from '../../src/storage/key-encryption-key.ts';
import { migrateStorage, openStorage, type Storage } from '../../src/storage/open.ts';
import { rotateKeys } from '../../src/storage/rotate-receipt-keys.ts';
import { command } from '../fakes/command.ts';
import { type OperatedLog, operatedLog, registerSiteOf } from '../fakes/operated-log.ts';
import { newDatabase } from '../fakes/postgres.ts';

const clock = () => log.clock();
const PERSON = { issuer: 'https://idp.example/api/v2', sub: 'someone' };
const SITE = parseSite({
  name: 'Ville d’Ys',
  redirectUris: ['https://ys.example/cb'],
  auth: 'client_secret_basic',
  jwksUri: undefined,
});

let log: OperatedLog;
let site: string;
beforeEach(async () => {
  log = await operatedLog(5);
  await log.record({ kind: 'petition-closed', petition: log.petitions[1]!.id });
  site = await registerSiteOf(log.config);
  await log.publish();
});
afterEach(() => log.done());

async function withStorage<T>(work: (storage: Storage) => Promise<T>, config: StorageConfig = log.config): Promise<T> {
  const storage = await openStorage(config);
  return work(storage).finally(() => storage.close());
}

const destroy = (slug: string, options: DestructionOptions = {}, config = log.config) =>
  destroyPseudonyms(config, slug, { clock, followed: async () => {}, ...options });
const close = (slug: string) =>
  withRegister(log.config, clock, ({ storage, register }) =>
    closePetition({ petitions: storage.petitions, register }, slug),
  );

/** Who the person is in each petition and at the site, as far as the keys that there are can tell. */
function known(config = log.config): Promise<Record<string, string>> {
  return withStorage(async ({ petitions, sites }) => {
    const deps = { petitions, keyEncryptionKey: readKeyEncryptionKey(config.keysDir), pseudonyms };
    const told = (nym: Promise<string>) => nym.catch((error: Error) => error.message);
    const nyms: Record<string, string> = {};
    for (const petition of await petitions.list()) nyms[petition.slug] = await told(computeNym(deps, petition, PERSON));
    for (const one of await sites.list()) nyms[one.name] = await told(computeSiteNym(deps, one, PERSON));
    return nyms;
  }, config);
}

const STEPS: readonly DestructionStep[] = ['announced', 'rewrapped', 'backed-up', 'key-replaced'];

function stopAt(last: DestructionStep) {
  return (step: DestructionStep) => {
    if (step === last) throw new Error('stopped');
  };
}

describe('stopped', () => {
  test.each(STEPS)('when it is %s, it has cost no other key, and is ended by being asked again', async (last) => {
    const before = await known();
    await expect(destroy('autre', { reached: stopAt(last) })).rejects.toThrow('stopped');
    const isLost = last === 'key-replaced';
    expect(await known()).toEqual({
      ...before,
      ...(isLost ? { autre: 'petition-not-collecting: its pseudonym key does not unwrap' } : {}),
    });
    const { problems } = await checkData(log.config);
    expect(problems).toEqual(isLost ? [expect.stringMatching(/^petition autre: its wrapped key/)] : []);

    // Nobody else's is destroyed in between: of two keys that go at once, one would be wrapped anew for the other.
    await close('une');
    await expect(destroy('une')).rejects.toThrow(/autre/);
    expect(await known()).toMatchObject({ une: before.une });

    expect(await destroy('autre')).toMatchObject({ result: 'destroyed' });
    expect(await known()).toEqual({ ...before, autre: 'pseudonyms-destroyed' });
    expect((await checkData(log.config)).problems).toEqual([]);
    expect(existsSync(join(log.config.keysDir, 'key-encryption-key.next'))).toBe(false);
    expect(await destroy('autre')).toMatchObject({ result: 'already-destroyed' });
    expect(await destroy('une')).toMatchObject({ result: 'destroyed' });
    expect(await known()).toEqual({ ...before, autre: 'pseudonyms-destroyed', une: 'pseudonyms-destroyed' });
  });

  test.each([
    ['before', (at: (name: string) => string) => linkSync(at(''), at('.old'))],
    [
      'after',
      (at: (name: string) => string) => {
        linkSync(at(''), at('.old'));
        renameSync(at('.next'), at(''));
      },
    ],
  ])(
    '%s the next key took its place, it is ended by being asked again, and nothing is left of the old one',
    async (_when, stop) => {
      const at = (name: string) => join(log.config.keysDir, `key-encryption-key${name}`);
      const before = await known();
      const old = join(log.config.dataDir, 'the-same-file');
      linkSync(at(''), old);
      await expect(destroy('autre', { reached: stopAt('backed-up') })).rejects.toThrow('stopped');
      stop(at);
      expect(await known()).toMatchObject({ une: before.une, [SITE.name]: before[SITE.name] });
      expect((await checkData(log.config)).notes).toContainEqual(expect.stringContaining('was stopped: end it'));
      await destroy('autre');
      expect(await known()).toEqual({ ...before, autre: 'pseudonyms-destroyed' });
      expect(await checkData(log.config)).toMatchObject({ problems: [], notes: [] });
      expect(readFileSync(old)).toEqual(Buffer.alloc(readFileSync(old).length));
      expect(readdirSync(log.config.keysDir).filter((name) => /^key-encryption-key./.test(name))).toEqual([]);
    },
  );

  test('by the loss of the next key, it destroys nothing, and says so', async () => {
    const next = join(log.config.keysDir, 'key-encryption-key.next');
    const lose = (step: DestructionStep) => step === 'backed-up' && renameSync(next, join(log.config.dataDir, 'lost'));
    const before = await known();
    await expect(destroy('autre', { reached: lose })).rejects.toThrow(/is gone, or another.*Nothing was destroyed/);
    expect(await known()).toMatchObject({ autre: before.autre });
    renameSync(join(log.config.dataDir, 'lost'), next);
    expect(await known()).toEqual(before);
    await destroy('autre');
    expect(await known()).toEqual({ ...before, autre: 'pseudonyms-destroyed' });
  });

  test('when the log cannot be written any more, it says what is done and what is not', async () => {
    const file = join(log.config.dataDir, 'lock.sqlite');
    const lock = readFileSync(file);
    const spoil = (step: DestructionStep) => step === 'key-replaced' && writeFileSync(file, 'no database');
    await expect(destroy('autre', { reached: spoil })).rejects.toThrow(
      /^The key of autre is destroyed, and the log does not say so yet: give the same command again/,
    );
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
    writeFileSync(file, lock);
    expect(await destroy('autre')).toMatchObject({ result: 'destroyed' });
  });
});

test('the old key is overwritten, not only replaced', async () => {
  const key = join(log.config.keysDir, 'key-encryption-key');
  const same = join(log.config.dataDir, 'the-same-file');
  linkSync(key, same);
  const before = readFileSync(key);
  await destroy('autre');
  expect(readFileSync(same)).toEqual(Buffer.alloc(before.length));
  expect(readFileSync(key)).not.toEqual(before);
});

test('whoever adds a secret under the old key while it goes is refused, and nothing is lost with it', async () => {
  const stale = readKeyEncryptionKey(log.config.keysDir);
  await destroy('autre');
  const file = parsePetitionFile('---\nslug: trois\ntitle: Trois\nmin_age: 0\ndepartments: false\n---\n\nCeci.\n', 'f');
  const collecting = { issuer: PERSON.issuer, clientId: 'c', acr: 'eidas1' };
  const openUnder = (keyEncryptionKey: typeof stale) =>
    withRegister(log.config, clock, ({ register }) =>
      openPetition({ register, keyEncryptionKey, clock }, file, collecting),
    );
  await expect(openUnder(stale)).rejects.toThrow('is another than the one in KEYS_DIR');
  await withStorage(async ({ sites }) => {
    const deps = { sites, keyEncryptionKey: stale, clock };
    await expect(registerSite(deps, SITE, [])).rejects.toThrow('is another than the one in KEYS_DIR');
    await expect(rotateSiteSecret(deps, site)).rejects.toThrow('is another than the one in KEYS_DIR');
  });
  expect(Object.keys(await known())).toEqual(['autre', 'une', SITE.name]);
  await openUnder(readKeyEncryptionKey(log.config.keysDir));
  expect((await known()).trois).toMatch(/^[\w-]{43}$/);
});

test('another machine whose key folder is of before destroys nothing, and works again with the new one', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'paraphe-machine-'));
  cpSync(log.config.keysDir, join(elsewhere, 'keys'), { recursive: true });
  const there = readStorageConfig({ DATA_DIR: log.config.dataDir, KEYS_DIR: join(elsewhere, 'keys') });
  const before = await known();
  await destroy('autre');
  await close('une');
  expect(await known(there)).toMatchObject({ une: 'petition-not-collecting: its pseudonym key does not unwrap' });
  await expect(destroy('une', {}, there)).rejects.toThrow('it was replaced on another machine');
  expect(await known()).toMatchObject({ une: before.une });
  rmSync(join(elsewhere, 'keys'), { recursive: true });
  cpSync(log.config.keysDir, join(elsewhere, 'keys'), { recursive: true });
  expect(await destroy('une', {}, there)).toMatchObject({ result: 'destroyed' });
  rmSync(elsewhere, { recursive: true });
});

test('a backup of before is recovered, and goes on without the keys that are gone if it is told to', async () => {
  const paraphe = (name: string, ...args: string[]) => command({ DATA_DIR: log.config.dataDir }, name, ...args);
  const at = (name: string) => join(log.config.dataDir, name);
  await destroy('autre'); // the data say which key they are under from here on
  await paraphe('backup', at('before.sqlite'));
  await close('une');
  await destroy('une');
  await log.publish();
  await paraphe('log', 'export', at('mirror'));
  for (const suffix of ['-wal', '-shm']) rmSync(at(`paraphe.sqlite${suffix}`), { force: true });
  cpSync(at('before.sqlite'), at('paraphe.sqlite'));
  const told = await paraphe('recover', '--mirror', at('mirror'));
  expect([told.code, told.out]).toEqual([0, expect.stringContaining('with --forget-lost-keys goes on without them')]);
  expect(told.out).toContain(`Site ${SITE.name}: no key`);
  await expect(registerSiteOf(log.config)).rejects.toThrow('is another than the one in KEYS_DIR');

  expect(await paraphe('recover', '--mirror', at('mirror'), '--forget-lost-keys')).toMatchObject({ code: 0 });
  expect(await known()).toEqual({ autre: 'pseudonyms-destroyed', une: 'pseudonyms-destroyed' });
  expect((await checkData(log.config)).problems).toEqual([]);
  site = await registerSiteOf(log.config);
  expect((await known())[SITE.name]).toMatch(/^[\w-]{43}$/);
});

test('one command at a time works on the keys: another destruction waits for its turn, and a move too', async () => {
  await close('une');
  let others: string[] = [];
  const said = (work: Promise<unknown>) => work.then(String, (error: Error) => error.message);
  const meanwhile = async () => {
    const move = moveInstance(log.config, { from: 'sqlite:', to: 'postgres://127.0.0.1:1/none' });
    others = [await said(destroy('une')), await said(destroy('autre')), await said(move)];
    const recovered = await command({ DATA_DIR: log.config.dataDir }, 'recover', '--mirror', '/', '--forget-lost-keys');
    others.push(recovered.err);
  };
  await destroy('autre', { followed: meanwhile });
  expect(others).toHaveLength(4);
  for (const one of others) expect(one).toMatch(/^Another command works on the keys/);
  expect(await destroy('une')).toMatchObject({ result: 'destroyed' });
});

test('a key folder that is older than the data forgets nothing: the right one opens all of it', async () => {
  const paraphe = (keys: string, ...args: string[]) =>
    command({ DATA_DIR: log.config.dataDir, KEYS_DIR: keys }, 'recover', ...args);
  const at = (name: string) => join(log.config.dataDir, name);
  cpSync(log.config.keysDir, at('stale'), { recursive: true });
  await destroy('autre');
  await log.publish();
  await command({ DATA_DIR: log.config.dataDir }, 'log', 'export', at('mirror'));
  const before = await known();
  const { code, err } = await paraphe(at('stale'), '--mirror', at('mirror'), '--forget-lost-keys');
  expect([code, err]).toEqual([1, expect.stringContaining('has not replaced the one that these data are under')]);
  await expect(destroy('autre', { reached: stopAt('announced') })).resolves.toMatchObject({ day: '2026-11-20' });
  expect(await known()).toEqual(before);
  expect(await paraphe(log.config.keysDir, '--mirror', at('mirror'), '--forget-lost-keys')).toMatchObject({ code: 0 });
  expect(await known()).toEqual(before);
});

test('data that are put back in the middle of it lose nothing', async () => {
  const database = new Database(join(log.config.dataDir, 'paraphe.sqlite'));
  const before = await known();
  const putBack = (step: DestructionStep) => step === 'backed-up' && database.exec('UPDATE log SET key_id = NULL');
  await expect(destroy('autre', { reached: putBack })).rejects.toThrow('not under the next key any more');
  database.close();
  expect(await known()).toEqual(before);
  await destroy('autre');
  expect(await known()).toEqual({ ...before, autre: 'pseudonyms-destroyed' });
});

test('what a run that was stopped at its very end has left of the old key goes when it is asked again', async () => {
  const old = join(log.config.keysDir, 'key-encryption-key.old');
  const key = readFileSync(join(log.config.keysDir, 'key-encryption-key'));
  await destroy('autre');
  writeFileSync(old, key);
  expect(await destroy('autre')).toMatchObject({ result: 'already-destroyed' });
  expect(existsSync(old)).toBe(false);
});

test('the keys of another instance are not destroyed for these data', async () => {
  const other = await operatedLog(1);
  const mixed = readStorageConfig({ DATA_DIR: log.config.dataDir, KEYS_DIR: other.config.keysDir });
  await expect(destroy('autre', {}, mixed)).rejects.toThrow('holds the keys of another log');
  expect((await checkData(other.config)).problems).toEqual([]);
  other.done();
});

test('data that have moved are left alone', async () => {
  const database = new Database(join(log.config.dataDir, 'paraphe.sqlite'));
  const before = await known();
  const move = (step: DestructionStep) => step === 'announced' && database.exec("UPDATE log SET moved = 'elsewhere'");
  await expect(destroy('autre', { reached: move })).rejects.toThrow('The data have moved');
  database.exec('UPDATE log SET moved = NULL');
  database.close();
  expect(await known()).toEqual(before);
});

test.runIf(process.getuid?.() === 0)('root leaves nothing that the gateway’s own user could not read', async () => {
  const key = join(log.config.keysDir, 'key-encryption-key');
  chownSync(key, 65_534, 65_534);
  await expect(destroy('autre')).rejects.toThrow('belong to another user');
  await expect(rotateKeys(log.config.keysDir, async () => {})).rejects.toThrow('belong to another user');
  expect(readdirSync(log.config.keysDir)).toHaveLength(4);
});

test('a petition that came back from a mirror, without its key, is destroyed too: earlier backups hold it', async () => {
  const database = new Database(join(log.config.dataDir, 'paraphe.sqlite'));
  database.exec("UPDATE petitions SET wrapped_secret = NULL WHERE slug = 'autre'");
  database.close();
  const before = await known();
  expect(before.autre).toBe('petition-not-collecting: its pseudonym key is lost');
  await destroy('autre');
  expect(await known()).toEqual({ ...before, autre: 'pseudonyms-destroyed' });
});

test('a backup that cannot be taken is told before anything is done', async () => {
  const file = join(log.config.dataDir, 'there.sqlite');
  writeFileSync(file, '');
  await expect(destroy('autre', { backup: '/no/such/folder/backup.sqlite' })).rejects.toThrow('ENOENT');
  await expect(destroy('autre', { backup: file })).rejects.toThrow('a backup never replaces one');
  const onPostgres = { ...log.config, databaseUrl: await newDatabase() };
  await migrateStorage(onPostgres);
  await expect(destroy('autre', { backup: `${file}.new` }, onPostgres)).rejects.toThrow('The data are on PostgreSQL');
  expect(existsSync(join(log.config.keysDir, 'key-encryption-key.next'))).toBe(false);
});

test('on PostgreSQL as on SQLite: a move takes everything along, and the destruction works there', async () => {
  const before = await known();
  await destroy('autre');
  const to = await newDatabase();
  await moveInstance(log.config, { from: 'sqlite:', to });
  const there = { ...log.config, databaseUrl: to };
  expect(await known(there)).toEqual({ ...before, autre: 'pseudonyms-destroyed' });
  const closing = ({ storage, register }: Writing) => closePetition({ petitions: storage.petitions, register }, 'une');
  await withRegister(there, clock, closing);
  await expect(destroy('une', { reached: stopAt('rewrapped') }, there)).rejects.toThrow('stopped');
  expect(await known(there)).toMatchObject({ une: before.une, [SITE.name]: before[SITE.name] });
  await destroy('une', {}, there);
  expect(await known(there)).toEqual({ ...before, autre: 'pseudonyms-destroyed', une: 'pseudonyms-destroyed' });
  expect((await checkData(there)).problems).toEqual([]);
});

test('the command says what it needs', async () => {
  const usage = await command({ DATA_DIR: log.config.dataDir }, 'petition', 'destroy-pseudonyms');
  expect([usage.code, usage.err]).toEqual([1, expect.stringContaining('destroy-pseudonyms <slug>')]);
});
