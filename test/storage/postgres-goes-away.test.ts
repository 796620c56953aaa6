/**
 * A PostgreSQL that is killed, cut off, full or out of connections, under load. Whoever was answered is in the log once and
 * stays there; whoever was not heard something that may pass, asks again, and gets the one receipt that there is. Nobody has
 * to start a gateway again for it.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readStorageConfig, type StorageConfig } from '../../src/config.ts';
import { Refusal } from '../../src/errors.ts';
import { checkLog } from '../../src/log/check-log.ts';
import { createLog, type LogWriter, openLogWriter } from '../../src/log-writer.ts';
import type { PetitionAct } from '../../src/petitions/acts.ts';
import { createKeys, readKeys } from '../../src/storage/key-folder.ts';
import { migrateStorage, openLock, openStorage, type Storage } from '../../src/storage/open.ts';
import { retryAfter, STATUS } from '../../src/web/refusals.ts';
import { nymOf, opened, PETITION, petitionNamed, signed } from '../fakes/acts.ts';
import { type OwnPostgres, startPostgres } from '../fakes/own-postgres.ts';
import { sql } from '../fakes/postgres.ts';
import { dice, rounds, seed } from '../fakes/rounds.ts';
import { checkWholeLog } from '../fakes/whole-log.ts';
import { logIn, receiptOf, sign, startWorld } from '../fakes/world.ts';

const KILLS = rounds(2, 50);
const CUTS = rounds(10, 200);
const IN_FLIGHT = 100;
/** Few, so that they can all be taken. */
const SLOTS = 40;

let server: OwnPostgres;
let names = 0;
beforeAll(async () => {
  server = await startPostgres('-c', `max_connections=${SLOTS}`, '-c', 'superuser_reserved_connections=0');
});
afterAll(() => server.stop());

const newDatabase = async (more = '') => {
  const name = `away_${++names}`;
  await sql(`${server.url}/postgres`, `CREATE DATABASE ${name} ${more}`);
  return `${server.url}/${name}`;
};

type Gateway = { readonly storage: Storage; readonly writer: LogWriter };

let config: StorageConfig;
let gateway: Gateway;
let memory: Memory;

/** A log with one petition, on this server; its lock in a database beside it. */
async function begin(databaseUrl: string): Promise<void> {
  const lockUrl = await newDatabase();
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-away-'));
  config = readStorageConfig({ DATA_DIR: dataDir, DATABASE_URL: databaseUrl, LOCK_URL: lockUrl });
  createKeys(config.keysDir, 'log.example/log');
  await migrateStorage(config);
  await createLog(config, readKeys(config.keysDir).logKey);
  gateway = await openGateway();
  await gateway.writer.sequencer.record(opened(petitionNamed('une', PETITION)));
  memory = new Memory();
}

async function openGateway(): Promise<Gateway> {
  const storage = await openStorage(config);
  const key = readKeys(config.keysDir).logKey;
  const clock = () => new Date('2026-11-16T11:00:00Z');
  const writer = await openLogWriter({ place: config, storage, key, clock }, { limits: { windowMs: 1 } });
  return { storage, writer };
}

async function closeGateway({ storage, writer }: Gateway): Promise<void> {
  await writer.close();
  await storage.close();
}

/** What people outside have seen, and never forget. */
class Memory {
  readonly #answered = new Map<string, number>();
  readonly #asked = new Set<string>();
  readonly codes = new Set<string>();

  get answered(): number {
    return this.#answered.size;
  }

  /** One person presses once. @returns whether there was an answer; a refusal is one that can pass */
  async press(person: string): Promise<boolean> {
    this.#asked.add(person);
    try {
      const outcome = await gateway.writer.sequencer.record(actOf(person));
      if (!('signature' in outcome)) throw new assert.AssertionError({ message: outcome.result });
      expect(this.#answered.get(person) ?? outcome.signature.index, person).toBe(outcome.signature.index);
      if (this.#answered.has(person)) expect(outcome.result).toBe('already-signed');
      this.#answered.set(person, outcome.signature.index);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.codes.add(error.code);
      expect([STATUS[error.code], retryAfter(error.code)], error.message).toEqual([503, expect.any(Number)]);
      return false;
    }
  }

  /** Everyone who asked since the last time asks again, answered or not. */
  async askAgain(): Promise<void> {
    const everyone = [...this.#asked];
    for (const asked of inPortions(everyone)) {
      expect(new Set(await Promise.all(asked.map((person) => this.press(person))))).toEqual(new Set([true]));
    }
    this.#asked.clear();
  }

  /** All of the log, recomputed: whoever asked is in it, once, where they were told; `fsck` agrees. */
  async expectWhole(): Promise<void> {
    const { storage } = gateway;
    const lock = await openLock(config);
    const whole = await checkWholeLog(storage, lock, readKeys(config.keysDir).logKey);
    await lock.close();
    const { problems } = await checkLog(storage.log, { locked: whole.locked });
    expect([...problems, ...(await storage.checkTables())]).toEqual([]);
    expect(whole.lockedSize).toBe(whole.entries.length);
    const found = whole.entries.flatMap((entry, index) => ('nym' in entry ? [[entry.nym, index] as const] : []));
    const told = [...this.#answered].map(([person, index]) => [nymOf(person), index] as const);
    expect(found).toEqual(told.sort(([, a], [, b]) => a - b));
  }
}

const actOf = (person: string): PetitionAct => signed(nymOf(person));

function inPortions<T>(things: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(things.length / 1000) }, (_, i) => [...things.slice(i * 1000, (i + 1) * 1000)]);
}

/** People who come and press, so many at once, until someone is refused. */
function crowd(name: string): Promise<unknown> {
  let person = 0;
  let isOver = false;
  const come = async () => {
    while (!isOver) isOver = !(await memory.press(`${name} ${person++}`)) || isOver;
  };
  return Promise.all(Array.from({ length: IN_FLIGHT }, come));
}

const answers = (more: number) => expect.poll(() => memory.answered, { interval: 1 }).toBeGreaterThanOrEqual(more);

describe('on a PostgreSQL', () => {
  beforeEach(async () => begin(await newDatabase()));
  afterEach(async () => {
    await closeGateway(gateway);
    rmSync(config.dataDir, { recursive: true });
  });

  test(`that is killed under load, nothing that was answered is lost and nobody stands twice, in ${KILLS} rounds`, async () => {
    const roll = dice();
    for (let round = 1; round <= KILLS; round++) {
      const before = memory.answered;
      const pressing = crowd(`${seed()} ${round}`);
      await answers(before + 1);
      await wait(roll(150));
      await server.kill();
      await pressing;
      await server.start();
      expect(gateway.writer.sequencer.stopped).toBeUndefined();
      await expect.poll(() => memory.press(`${seed()} ${round} after`)).toBe(true);
      await memory.askAgain();
      expect(memory.answered).toBeGreaterThan(before + IN_FLIGHT - 1);
    }
    await memory.expectWhole();
  });

  test(`that cuts connections in the middle of whatever they are at, the log goes on without a restart, in ${CUTS} cuts`, async () => {
    const roll = dice();
    const cutter = new pg.Client(`${server.url}/postgres`);
    await cutter.connect();
    const names = [config.databaseUrl, config.lockUrl ?? ''].map((url) => new URL(url).pathname.slice(1));
    let cut = 0;
    let person = 0;
    let isOver = false;
    const come = async () => {
      while (!isOver) {
        const name = `${seed()} ${person++}`;
        while (!(await memory.press(name))) await wait(1);
      }
    };
    const pressing = Promise.all(Array.from({ length: IN_FLIGHT }, come));
    for (let cuts = 0; cuts < CUTS; ) {
      await wait(roll(8));
      const { rowCount } = await cutter.query(CUT_AT_WORK, [names]);
      cut += rowCount ?? 0;
      if ((rowCount ?? 0) > 0) cuts++;
    }
    isOver = true;
    await pressing;
    await cutter.end();
    expect(cut).toBeGreaterThanOrEqual(CUTS);
    expect(gateway.writer.sequencer.stopped).toBeUndefined();
    expect(memory.codes).toEqual(new Set(['storage-unavailable']));
    await memory.askAgain();
    await memory.expectWhole();
  });

  test('that has no connection left, the log goes on once it has', async () => {
    expect(await memory.press('before')).toBe(true);
    const greedy: pg.Client[] = [];
    const grab = async () => {
      for (;;) {
        const client = new pg.Client(`${server.url}/postgres`);
        client.on('error', () => {});
        try {
          await client.connect();
        } catch (error) {
          expect(error).toMatchObject({ code: '53300' });
          return;
        }
        greedy.push(client);
      }
    };
    await grab();
    await greedy[0]!.query(CUT_POOLS, [
      [config.databaseUrl, config.lockUrl ?? ''].map((url) => new URL(url).pathname.slice(1)),
    ]);
    await grab();
    expect(await memory.press('meanwhile')).toBe(false);
    expect(memory.codes).toEqual(new Set(['storage-unavailable']));
    await Promise.all(greedy.map((client) => client.end()));
    await expect.poll(() => memory.press('meanwhile')).toBe(true);
    await memory.askAgain();
    await memory.expectWhole();
  });

  test('whose answers all of our own connections wait for, refuses who comes, and goes on afterwards', async () => {
    expect(await memory.press('before')).toBe(true);
    const holder = new pg.Client(config.databaseUrl);
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE log IN ACCESS EXCLUSIVE MODE');
    const reads = Array.from({ length: 30 }, () => gateway.storage.log.state());
    const pressed = memory.press('meanwhile');
    const settled = await Promise.allSettled(reads);
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
    const codes = settled.map((one) => one.status === 'rejected' && (one.reason as Refusal).code);
    expect(new Set(codes)).toEqual(new Set(['storage-unavailable']));
    expect(await pressed).toBe(false);
    await holder.end();
    expect(await memory.press('meanwhile')).toBe(true);
    await memory.askAgain();
    await memory.expectWhole();
  });
});

const OF_GATEWAY = "FROM pg_stat_activity WHERE datname = ANY ($1) AND application_name = 'paraphe'";
/** Returns once they are gone, and their places free. */
const CUT_POOLS = `SELECT pg_terminate_backend(pid, 60000) ${OF_GATEWAY}`;
const CUT_AT_WORK = `SELECT pg_terminate_backend(pid) ${OF_GATEWAY} AND state <> 'idle'`;

/** A disk of 32 MB, where one may mount; said aloud where not. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'paraphe-small-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', folder]).status === 0) return folder;
  rmSync(folder, { recursive: true });
  console.log('nothing can be mounted here: a PostgreSQL whose disk is full is not tested');
  return undefined;
}

const disk = smallDisk();
describe.runIf(disk !== undefined)('on a PostgreSQL whose disk is full', () => {
  afterAll(() => {
    execFileSync('umount', ['--lazy', disk!]);
    rmSync(disk!, { recursive: true, force: true });
  });

  test('nobody is answered, and signing goes on without a restart once there is room', async () => {
    const [{ folder } = { folder: '' }] = await sql<{ folder: string }>(
      `${server.url}/postgres`,
      "SELECT current_setting('data_directory') AS folder",
    );
    const { uid, gid } = statSync(folder);
    chownSync(disk!, uid, gid);
    await sql(`${server.url}/postgres`, `CREATE TABLESPACE small LOCATION '${disk}'`);
    await begin(await newDatabase('TABLESPACE small'));
    const fill = 'INSERT INTO ballast SELECT repeat(md5(i::text), 50) FROM generate_series(1, 4000) AS i';
    await sql(
      config.databaseUrl,
      'CREATE TABLE ballast (filling text)',
      'ALTER TABLE ballast ALTER filling SET STORAGE PLAIN',
    );
    await expect(
      (async () => {
        for (;;) await sql(config.databaseUrl, fill);
      })(),
    ).rejects.toMatchObject({ code: '53100' });
    await crowd('full');
    expect(memory.codes).toEqual(new Set(['storage-unavailable']));
    await sql(config.databaseUrl, 'DROP TABLE ballast');
    await expect.poll(() => memory.press('roomy')).toBe(true);
    expect(gateway.writer.sequencer.stopped).toBeUndefined();
    await memory.askAgain();
    await memory.expectWhole();
    await closeGateway(gateway);
    await sql(
      `${server.url}/postgres`,
      `DROP DATABASE ${new URL(config.databaseUrl).pathname.slice(1)} WITH (FORCE)`,
      'DROP TABLESPACE small',
    );
    rmSync(config.dataDir, { recursive: true });
  });
});

test('Rachida presses while the database is down, hears that it will pass, logs in again, and has one receipt', async () => {
  const world = await startWorld({ env: { DATABASE_URL: await newDatabase(), LOCK_URL: await newDatabase() } });
  const before = world.browser();
  await sign(before, world, 'trains', 'test', '75');
  const { claims } = await receiptOf(before);
  const rachida = world.browser();
  await logIn(rachida, world, 'trains', 'test');
  await server.kill();
  await expect.poll(async () => (await fetch(`${world.origin}/readyz`)).status).toBe(503);
  await rachida.submit({}, { form: '/confirm' });
  const { status, headers } = rachida.history.at(-1)!;
  expect([status, Number(headers.get('retry-after'))]).toEqual([503, 5]);
  await server.start();
  await expect.poll(async () => (await fetch(`${world.origin}/readyz`)).status).toBe(200);
  await sign(rachida, world, 'trains', 'test');
  expect((await receiptOf(rachida)).claims).toEqual(claims);
  await world.close();
});
