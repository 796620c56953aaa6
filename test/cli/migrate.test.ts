/** An instance changes its database, log and all: whole or not at all, and never so that two gateways can sign. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import { readStorageConfig, type StorageConfig } from '../../src/config.ts';
import { checkData } from '../../src/log-check.ts';
import { openLogWriter, withRegister } from '../../src/log-writer.ts';
import { type MoveStep, moveInstance } from '../../src/move-instance.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { readKeys } from '../../src/storage/key-folder.ts';
import { LEFT_BEHIND } from '../../src/storage/moving.ts';
import { holdWriter, nameOfPlace, openLeaving, openStorage, readLock } from '../../src/storage/open.ts';
import { command } from '../fakes/command.ts';
import { type OperatedLog, operatedLog } from '../fakes/operated-log.ts';
import { newDatabase, sql } from '../fakes/postgres.ts';
import { dice, rounds } from '../fakes/rounds.ts';
import { receiptOf, sign, startWorld } from '../fakes/world.ts';

const clock = () => new Date('2026-11-20T10:00:00Z');

let log: OperatedLog;
let desk: string;
let here: StorageConfig;
let to: string;
beforeAll(async () => {
  log = await operatedLog(300);
  const [une, autre] = log.petitions;
  const [first, second] = log.nyms;
  await log.record(
    { kind: 'withdrawn', petition: une!.id, nym: first!, department: undefined },
    { kind: 'invalidated', petition: une!.id, nym: second!, ground: 'fraud' },
    { kind: 'petition-closed', petition: autre!.id },
  );
  await log.record({ kind: 'signed', petition: une!.id, nym: first!, department: '2A' });
  await log.publish();
  await log.sign(5); // signed and not published yet
});
afterAll(() => log.done());
beforeEach(async () => {
  desk = mkdtempSync(join(tmpdir(), 'paraphe-move-'));
  cpSync(log.config.dataDir, join(desk, 'data'), { recursive: true });
  here = readStorageConfig({ DATA_DIR: join(desk, 'data') });
  to = await newDatabase();
});
afterEach(() => rmSync(desk, { recursive: true }));

const env = (databaseUrl?: string) => ({
  DATA_DIR: here.dataDir,
  ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
});
const moved = (): StorageConfig => ({ ...here, databaseUrl: to });
const addresses = () => ({ from: 'sqlite:', to });
const rows = async (place: StorageConfig, leavingFor: StorageConfig) => {
  const { source, close } = await openLeaving(place, leavingFor);
  const tables: Record<string, unknown[][]> = {};
  for (const table of source.tables) {
    tables[table.name] = [];
    for await (const some of source.rows(table)) tables[table.name]!.push(...some.map((row) => row.map(plain)));
  }
  await close();
  return tables;
};
/** Truths as numbers, as SQLite keeps them. */
const plain = (value: unknown) => (typeof value === 'boolean' ? Number(value) : value);
/** Whether a gateway would sign there. */
/** Whether someone can sign there at once, as a gateway that starts would; nobody waits for a right that a dead one held. */
async function signs(config: StorageConfig): Promise<boolean> {
  try {
    const storage = await openStorage(config);
    try {
      const key = readKeys(config.keysDir).logKey;
      const writer = await openLogWriter({ place: config, storage, key, clock });
      const act = { kind: 'signed', petition: log.petitions[0]!.id, nym: log.nyms[7]!, department: '75' } as const;
      return await writer.sequencer
        .record(act)
        .then(({ result }) => result === 'already-signed')
        .finally(() => writer.close());
    } finally {
      await storage.close();
    }
  } catch {
    return false;
  }
}
const signOne = (config: StorageConfig) =>
  withRegister(config, clock, ({ register }) =>
    register.record({ kind: 'signed', petition: log.petitions[0]!.id, nym: log.nyms[7]!, department: '75' }),
  );

describe('paraphe migrate --from sqlite: --to postgres://…', () => {
  test('moves every row; fsck passes, an auditor who remembers the log finds it continued, and the old data are refused', async () => {
    const mirror = join(desk, 'hers');
    expect(await command(env(), 'log', 'export', join(desk, 'before'))).toMatchObject({ code: 0 });
    expect(await command({}, 'audit', join(desk, 'before'), '--mirror', mirror)).toMatchObject({ code: 0 });
    const before = await rows(here, moved());

    const result = await command(env(), 'migrate', '--from', 'sqlite:', '--to', to);
    expect(result).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+ rows, with the 312 entries of the log/) });
    expect(result.out).not.toContain(new URL(to).password.concat('@'));
    expect(result.err).toMatch(/rows: \d+ of \d+/);
    expect(await rows(moved(), here)).toEqual(before);
    expect(before.signatures).toHaveLength(305);

    expect(await command(env(to), 'fsck')).toMatchObject({ code: 0, out: expect.stringContaining('312 entries') });
    for (const [name, ...args] of [
      ['fsck'],
      ['petition', 'list'],
      ['log', 'export', desk],
      ['backup', join(desk, 'b')],
    ]) {
      const refused = await command(env(), name!, ...args);
      expect(refused).toMatchObject({
        code: 1,
        err: expect.stringMatching(/have moved to postgres:\/\/.*set DATABASE_URL/),
      });
    }

    expect(await signOne(moved())).toMatchObject({ result: 'already-signed' });
    const [, second] = log.petitions;
    const close = await command({ ...env(to) }, 'petition', 'close', log.petitions[0]!.slug);
    expect(close).toMatchObject({ code: 0 });
    expect(await command(env(to), 'petition', 'list')).toMatchObject({ out: expect.stringContaining(second!.slug) });
    expect(await command(env(to), 'log', 'export', join(desk, 'after'))).toMatchObject({ code: 0 });
    expect(await command({}, 'audit', join(desk, 'after'), '--mirror', mirror)).toMatchObject({ code: 0 });
    const [numbered] = await sql<{ next: string }>(to, "SELECT nextval('petitions_ref_seq') AS next");
    expect(Number(numbered!.next)).toBe(3); // the next petition gets a number that none has
  });

  test('takes the lock along to LOCK_URL, and leaves none behind', async () => {
    const lockUrl = await newDatabase();
    const locked = await readLock(here);
    expect(await command({ ...env(), LOCK_URL: lockUrl }, 'migrate', '--from', 'sqlite:', '--to', to)).toMatchObject({
      code: 0,
    });
    expect(await readLock({ ...moved(), lockUrl })).toBe(locked);
    expect(await readLock(here)).toBeUndefined();
    await expect(signOne(moved())).rejects.toThrow(/the lock is missing/); // whoever forgets LOCK_URL
    expect(await signOne({ ...moved(), lockUrl })).toMatchObject({ result: 'already-signed' });
  });

  test('and back again: the same rows, and the same log', async () => {
    const before = await rows(here, moved());
    await moveInstance(here, addresses());
    const home = `sqlite:${join(desk, 'home.sqlite')}`;
    expect(await command(env(to), 'migrate', '--from', to, '--to', home)).toMatchObject({ code: 0 });
    const back = { ...here, databaseUrl: home };
    expect(await rows(back, moved())).toEqual(before);
    await expect(openStorage(moved())).rejects.toThrow(`have moved to ${home}`);
    expect((await checkData(back)).problems).toEqual([]);
  });
});

describe('a move is refused', () => {
  test('while a gateway serves the data', async () => {
    const writer = await holdWriter(here, () => {});
    const refused = await command(env(), 'migrate', '--from', 'sqlite:', '--to', to);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/Another process writes the log.*Stop it first/),
    });
    await writer.release();
    expect((await checkData(here)).problems).toEqual([]);
  });

  test('into a database that another gateway has, or that holds anything', async () => {
    await command(env(to), 'migrate');
    const writer = await holdWriter(moved(), () => {});
    await expect(moveInstance(here, addresses())).rejects.toThrow(/Stop it first/);
    await writer.release();
    await sql(to, "INSERT INTO tiles VALUES (1, 'x')");
    await expect(moveInstance(here, addresses())).rejects.toThrow(/is not empty \(table tiles\)/);
    expect((await checkData(here)).problems).toEqual([]); // the old one goes on
    expect(await signOne(here)).toMatchObject({ result: 'already-signed' });
  });

  test('to a second place, once the data have gone to a first', async () => {
    await moveInstance(here, addresses());
    const other = { from: 'sqlite:', to: await newDatabase() };
    await expect(moveInstance(here, other)).rejects.toThrow(/have moved to postgres:\/\//);
  });

  test('between two locks that differ, from a log without its lock, and between databases of one kind', async () => {
    const lockUrl = await newDatabase();
    await sql(
      lockUrl,
      'CREATE TABLE paraphe_lock (id integer PRIMARY KEY, checkpoint text NOT NULL)',
      "INSERT INTO paraphe_lock VALUES (1, 'another')",
    );
    await expect(moveInstance({ ...here, lockUrl }, addresses())).rejects.toThrow(
      /one lock beside the old data and another/,
    );
    await expect(moveInstance(here, { from: 'sqlite:', to: 'sqlite:/tmp/x' })).rejects.toThrow(/between SQLite/);
    expect(await command(env(), 'migrate', '--from', 'sqlite:')).toMatchObject({ code: 1 });
    rmSync(join(here.dataDir, 'lock.sqlite'));
    await expect(moveInstance(here, addresses())).rejects.toThrow(/the lock is missing/);
  });
});

const KILLS = rounds(1, 30);

describe('a move that is cut short', () => {
  const STEPS: readonly MoveStep[] = ['copied', 'left', 'lock-there', 'lock-moved'];

  test.each(STEPS)('at `%s` leaves one side at most that can sign, and is ended by the same command', async (step) => {
    const config = { ...here, lockUrl: await newDatabase() };
    const stop = (reached: MoveStep) => {
      if (reached === step) throw new Error('cut short');
    };
    await expect(moveInstance(config, addresses(), { reached: stop })).rejects.toThrow('cut short');
    const { logKey: key } = readKeys(config.keysDir);
    const opens = async (place: StorageConfig) => {
      const storage = await openStorage(place);
      const writer = await openLogWriter({ place, storage, key, clock }).finally(() => storage.close());
      await writer.close();
      return true;
    };
    const able = await Promise.allSettled([
      opens(here),
      opens(config),
      opens({ ...moved() }),
      opens({ ...config, databaseUrl: to }),
    ]);
    const ways = able.map(({ status }) => status === 'fulfilled');
    expect(ways).toEqual([step === 'copied', false, false, false]);
    await moveInstance(config, addresses());
    expect(await opens({ ...config, databaseUrl: to })).toBe(true);
    expect((await checkData({ ...config, databaseUrl: to })).problems).toEqual([]);
    expect(await readLock(here)).toBeUndefined();
  });

  test(
    `by kill -9, at any instant, as well, in ${KILLS} rounds`,
    async () => {
      const roll = dice();
      for (let round = 1; round <= KILLS; round++) {
        const data = join(desk, `data-${round}`);
        cpSync(log.config.dataDir, data, { recursive: true });
        const databaseUrl = await newDatabase();
        const old = readStorageConfig({ DATA_DIR: data, LOCK_URL: await newDatabase() });
        const fresh = { ...old, databaseUrl };
        const env = { ...process.env, DATA_DIR: data, LOCK_URL: old.lockUrl };
        const args = [
          join(import.meta.dirname, '../../src/main.ts'),
          'migrate',
          '--from',
          'sqlite:',
          '--to',
          databaseUrl,
        ];
        const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
        await once(child.stderr, 'data'); // rows are on their way
        await wait(roll(80));
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
        const sides = await Promise.all([signs({ ...old, lockUrl: undefined }), signs(fresh)]);
        expect(sides.filter(Boolean).length, `${round}`).toBeLessThan(2);
        // The dead one's right to write runs out, and the server may still end what it was told last.
        const move = () => moveInstance(old, { from: 'sqlite:', to: databaseUrl }).catch(() => undefined);
        const goesOn = async () => (await signs(fresh)) || ((await move()) !== undefined && signs(fresh));
        await expect.poll(goesOn, { interval: 250 }).toBe(true);
        expect(await signs({ ...old, lockUrl: undefined })).toBe(false);
        expect((await checkData(fresh)).problems).toEqual([]);
      }
    },
    KILLS * 120_000,
  );

  test('when another process wrote the log all the same, leaves the old data as they are', async () => {
    const write = (reached: MoveStep) => {
      if (reached !== 'copied') return;
      const file = new Database(join(here.dataDir, 'paraphe.sqlite'));
      file.exec('UPDATE log SET size = size + 1');
      file.close();
    };
    await expect(moveInstance(here, addresses(), { reached: write })).rejects.toThrow(/has written meanwhile/);
    (await openStorage(here)).close();
    expect(await sql(to, 'SELECT 1 FROM log')).toEqual([]);
  });

  test('before the log grew on, takes along what came later', async () => {
    const grow = (reached: MoveStep) => {
      if (reached === 'copied') throw new Error('cut short');
    };
    await expect(moveInstance(here, addresses(), { reached: grow })).rejects.toThrow('cut short');
    const nym = nymFromBytes(new Uint8Array(32).fill(1));
    const act = { kind: 'signed', petition: log.petitions[0]!.id, nym, department: '75' } as const;
    await withRegister(here, clock, ({ register }) => register.record(act)); // the old gateway was started again
    expect(await moveInstance(here, addresses())).toMatchObject({ size: 313 });
    expect((await checkData(moved())).problems).toEqual([]);
  });
});

test.each(['sqlite', 'postgres'])(
  'a gateway that runs beside a move writes nothing into what has moved: %s',
  async (kind) => {
    if (kind === 'postgres') await moveInstance(here, addresses());
    const place = kind === 'postgres' ? moved() : here;
    const elsewhere = { ...here, databaseUrl: kind === 'postgres' ? 'sqlite:/elsewhere' : to };
    const storage = await openStorage(place);
    const key = readKeys(here.keysDir).logKey;
    const writer = await openLogWriter({ place, storage, key, clock });
    const { source, close } = await openLeaving(place, elsewhere);
    expect(await source.leave(nameOfPlace(elsewhere), writer.sequencer.sealed.size)).toBe(true);
    await close();
    const nym = nymFromBytes(new Uint8Array(32).fill(2));
    const act = { kind: 'signed', petition: log.petitions[0]!.id, nym, department: '75' } as const;
    await expect(writer.sequencer.record(act)).rejects.toMatchObject({ code: 'log-stopped' });
    await writer.close();
    if (kind === 'postgres') {
      await expect(openLogWriter({ place, storage, key, clock })).rejects.toThrow('have moved to sqlite:/elsewhere');
    }
    await storage.close();
  },
);

test('what the two schemas hold moves, or is named as what stays', async () => {
  await command(env(to), 'migrate');
  const { source, close } = await openLeaving(here, moved());
  const tables = await sql<{ name: string }>(to, "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'");
  const names = tables.map(({ name }) => name).filter((name) => !LEFT_BEHIND.includes(name));
  expect(source.tables.map(({ name }) => name).sort()).toEqual(names.sort());
  await close();
});

test('whoever signed before the move finds their receipt after it; the old gateway does not start any more', async () => {
  const world = await startWorld();
  const early = world.browser();
  await sign(early, world, 'trains', 'test', '75');
  const { claims } = await receiptOf(early);
  const { storage } = world.config;
  const serving = await command({ DATA_DIR: world.dataDir }, 'migrate', '--from', 'sqlite:', '--to', to);
  expect(serving).toMatchObject({ code: 1, err: expect.stringContaining('Stop it first') });
  await expect(world.restart(() => moveInstance(storage, addresses()))).rejects.toThrow(/have moved to/);
  const app = await startApp({ ...world.config, diagnostics: 'silent', storage: { ...storage, databaseUrl: to } });
  const again = world.browser();
  await sign(again, world, 'trains', 'test');
  expect((await receiptOf(again)).claims).toEqual(claims);
  await app.close();
  await world.close();
});
