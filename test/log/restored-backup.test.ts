/** A disk dies on a Tuesday: the backup of Monday, and the public log of five minutes ago. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkData } from '../../src/log-check.ts';
import { withRegister } from '../../src/log-writer.ts';
import { readSqliteLock } from '../../src/storage/sqlite/lock.ts';
import { openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { command } from '../fakes/command.ts';
import { type OperatedLog, operatedLog } from '../fakes/operated-log.ts';

let log: OperatedLog;
let elsewhere: string;
beforeEach(async () => {
  log = await operatedLog(300);
  elsewhere = mkdtempSync(join(tmpdir(), 'paraphe-elsewhere-'));
});
afterEach(() => {
  log.done();
  rmSync(elsewhere, { recursive: true });
});

const paraphe = (name: string, ...args: string[]) => command({ DATA_DIR: log.config.dataDir }, name, ...args);

const at = (name: string) => join(elsewhere, name);
const data = () => join(log.config.dataDir, 'paraphe.sqlite');

/** The database as the backup has it, in place of what is there. */
function restore(backup: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(data() + suffix, { force: true });
  copyFileSync(backup, data());
}

const size = () => Number(readSqliteLock(log.config.dataDir)?.split('\n')[1]);
const whole = async () => (await checkData(log.config)).problems;

test('the drill: backup, export, disaster, refusal, recovery', async () => {
  await log.publish();
  expect(await paraphe('backup', at('monday.sqlite'))).toMatchObject({ code: 0 });
  expect(statSync(at('monday.sqlite')).mode & 0o077).toBe(0);
  expect((await paraphe('backup', at('monday.sqlite'))).err).toContain('never replaces');
  const before = size();

  await log.sign(700);
  await log.record({ kind: 'withdrawn', petition: log.petitions[0]!.id, nym: log.nyms[3]!, department: undefined });
  await log.publish();
  expect(await paraphe('log', 'export', at('mirror'))).toMatchObject({ code: 0 });
  expect(statSync(at('mirror/log/checkpoint')).mode & 0o777).toBe(0o644); // for any web server
  expect(statSync(at('mirror/log/tile')).mode & 0o777).toBe(0o755);
  const after = size();
  expect(after).toBe(before + 701);

  restore(at('monday.sqlite'));
  const refused = await paraphe('petition', 'close', 'autre');
  expect(refused.code).toBe(1);
  expect(refused.err.trim().split('\n')).toHaveLength(1);
  expect(refused.err).toMatch(new RegExp(`end at entry ${before} and the log has signed ${after}.*paraphe recover`));
  expect(size()).toBe(after);

  const recovered = await paraphe('recover', '--mirror', at('mirror'));
  expect(recovered).toMatchObject({ code: 0, err: expect.not.stringContaining('Error') });
  expect(recovered.out).toContain(`The data had ${before} entries and have ${after}`);
  expect(recovered.out).not.toContain('vidence'); // none was kept, so none is lost
  expect(await whole()).toEqual([]);
  expect((await paraphe('petition', 'close', 'autre')).out).toContain('is closed');
  await log.sign(1);
  expect(size()).toBe(after + 2);
  expect(await whole()).toEqual([]);
});

describe('recovery refuses, and changes nothing,', () => {
  async function refuses(words: RegExp): Promise<void> {
    const locked = readSqliteLock(log.config.dataDir);
    const { code, err } = await paraphe('recover', '--mirror', at('mirror'));
    expect(code).toBe(1);
    expect(err).toMatch(words);
    expect(readSqliteLock(log.config.dataDir)).toBe(locked);
    const storage = openSqliteStorage(log.config);
    expect((await storage.log.state())?.size).toBe(303);
    storage.close();
  }

  beforeEach(async () => {
    await log.publish();
    await paraphe('backup', at('monday.sqlite'));
    await log.sign(50);
    await log.publish();
    await paraphe('log', 'export', at('mirror'));
  });

  test('a mirror that ends before the lock: it counts what is missing', async () => {
    await log.sign(7); // acknowledged, and not published yet
    restore(at('monday.sqlite'));
    await refuses(/7 entries are missing/);
  });

  test('a mirror in which an entry was changed', async () => {
    const bundle = join(at('mirror'), 'log/tile/entries/001.p/97');
    const bytes = readFileSync(bundle);
    const nym = bytes.lastIndexOf('"nym":"') + 10;
    bytes[nym] = bytes[nym] === 65 ? 66 : 65;
    writeFileSync(bundle, bytes);
    restore(at('monday.sqlite'));
    await refuses(/not those of/);
  });

  test('a mirror that lacks a bundle, a folder that is none', async () => {
    restore(at('monday.sqlite'));
    rmSync(join(at('mirror'), 'log/tile/entries/001.p'), { recursive: true });
    await refuses(/lacks tile\/entries\/001\.p\/97/);
    rmSync(at('mirror'), { recursive: true });
    await refuses(/no log\/checkpoint/);
  });

  test('a mirror of another log', async () => {
    const other = await operatedLog(400);
    await other.publish();
    const own = log;
    log = other;
    rmSync(at('mirror'), { recursive: true });
    await paraphe('log', 'export', at('mirror'));
    log = own;
    restore(at('monday.sqlite'));
    await refuses(/no checkpoint of this log/);
    other.done();
  });
});

test('a machine that burnt with its lock: the log goes on from the mirror, and says what it cannot know', async () => {
  await log.publish();
  await paraphe('backup', at('monday.sqlite'));
  await log.sign(20);
  await log.publish();
  await paraphe('log', 'export', at('mirror'));
  restore(at('monday.sqlite'));
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(log.config.dataDir, `lock.sqlite${suffix}`), { force: true });
  expect((await paraphe('petition', 'close', 'autre')).err).toContain('lock is missing');
  expect((await paraphe('recover', '--mirror', at('mirror'))).out).toContain('not published yet is in no mirror');
  expect(size()).toBe(323);
  expect(await whole()).toEqual([]);
});

test('a key that has signed begins no other log: lost data are not an empty log', async () => {
  await log.publish();
  await paraphe('log', 'export', at('mirror'));
  for (const file of ['paraphe.sqlite', 'lock.sqlite', 'writer.sqlite']) {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(log.config.dataDir, file + suffix), { force: true });
  }
  expect((await paraphe('fsck')).err).toMatch(/no database .*check DATA_DIR/);
  expect((await paraphe('migrate')).code).toBe(0);
  expect((await paraphe('petition', 'close', 'une')).err).toContain('the lock is missing');
  expect(readSqliteLock(log.config.dataDir)).toBeUndefined();
  // From the mirror alone, all that is public comes back.
  expect((await paraphe('recover', '--mirror', at('mirror'))).out).toContain('The data had 0 entries and have 303');
  expect(await whole()).toEqual([]);
  expect(size()).toBe(303);
});

test('an export holds the partial tiles of its own checkpoint, goes on where it was, and mixes nothing', async () => {
  expect((await paraphe('log', 'export', at('mirror'))).err).toContain('Nothing is published');
  await log.publish();
  await paraphe('log', 'export', at('mirror'));
  const files = () =>
    readdirSync(at('mirror'), { recursive: true, encoding: 'utf8' }).filter((file) => /\d$/.test(file));
  expect(
    files()
      .filter((file) => file.includes('.p/'))
      .sort(),
  ).toEqual(['log/tile/0/001.p/47', 'log/tile/1/000.p/1', 'log/tile/entries/001.p/47']);
  await log.sign(300);
  await log.publish();
  const { out } = await paraphe('log', 'export', at('mirror'));
  expect(out).toContain('at 603 entries');
  expect(
    files()
      .filter((file) => file.includes('.p/'))
      .sort(),
  ).toEqual(['log/tile/0/002.p/91', 'log/tile/1/000.p/2', 'log/tile/entries/002.p/91']);
  writeFileSync(at('something'), 'else');
  expect((await paraphe('log', 'export', elsewhere)).err).toContain('something else');
  expect(existsSync(at('log'))).toBe(false);
});

test('signatures are invalidated by a list, shown first, each an entry for good', async () => {
  await log.publish();
  writeFileSync(at('nyms'), `${log.nyms.slice(0, 5).join('\n')}\n${'A'.repeat(43)}\n\n`);
  const args: [string, ...string[]] = ['invalidate', 'une', '--ground', 'fraud', '--nyms', at('nyms')];
  const shown = await paraphe(...args);
  expect(shown).toMatchObject({ code: 0, out: expect.stringContaining('5 of 6 pseudonyms') });
  expect(size()).toBe(303);
  expect((await paraphe(...args, '--apply')).out).toContain('5 signatures are invalidated (fraud)');
  expect((await paraphe(...args, '--apply')).out).toContain('0 of 6');
  expect(size()).toBe(308);
  const again = withRegister(
    log.config,
    () => new Date('2026-11-21T10:00:00Z'),
    ({ register }) =>
      register.record({ kind: 'signed', petition: log.petitions[0]!.id, nym: log.nyms[0]!, department: '75' }),
  );
  expect(await again).toEqual({ result: 'was-invalidated' });
  writeFileSync(at('nyms'), 'not-a-nym\n');
  for (const wrong of [args, ['invalidate', 'une'], ['invalidate', 'none', ...args.slice(2)]]) {
    expect((await paraphe('invalidate', ...wrong.slice(1))).code).toBe(1);
  }
});
