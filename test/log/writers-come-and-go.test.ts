/**
 * Three processes on one PostgreSQL, under load, and the one that writes is killed, or stopped and woken, or robbed of its
 * right: another takes over, and what anyone was answered is in the log, once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readServeConfig } from '../../src/config.ts';
import { createLog, withRegister } from '../../src/log-writer.ts';
import { hashing } from '../../src/node-crypto.ts';
import { createKeys, readKeys } from '../../src/storage/key-folder.ts';
import { openLock, openStorage } from '../../src/storage/open.ts';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { rootOf } from '../../src/tlog/merkle.ts';
import { opened, PETITION, petitionNamed } from '../fakes/acts.ts';
import { newDatabase, newPlace, type PostgresPlace, sql } from '../fakes/postgres.ts';
import { dice, rounds, seed } from '../fakes/rounds.ts';
import { checkWholeLog } from '../fakes/whole-log.ts';
import type { MemberOrder, MemberSaid } from './member.worker.ts';

/** In every other one of them the writer is killed. */
const ROUNDS = rounds(3, 100);
const WORKER = join(import.meta.dirname, 'member.worker.ts');

let place: PostgresPlace;
let env: Record<string, string>;
let members: Member[] = [];
beforeEach(async () => {
  place = await newPlace();
  env = {
    DATA_DIR: place.dataDir,
    DATABASE_URL: place.databaseUrl,
    LOCK_URL: await newDatabase(),
    ORIGIN: 'https://log.example',
    PUBLISH_EVERY: '50ms',
    IDENTITY_ISSUER: 'https://idp.example',
    IDENTITY_CLIENT_ID: 'client',
    IDENTITY_CLIENT_SECRET: 'a-secret-of-the-tests',
  };
  const { storage } = readServeConfig(env);
  createKeys(storage.keysDir, 'log.example/log');
  await createLog(storage, readKeys(storage.keysDir).logKey);
  const open = opened(petitionNamed('une', PETITION));
  await withRegister(
    storage,
    () => new Date(),
    ({ register }) => register.record(open),
  );
});
afterEach(() => {
  for (const { process } of members) process.kill('SIGKILL');
  members = [];
  place.done();
});

class Member {
  readonly process: ChildProcess;
  readonly said: MemberSaid[] = [];
  readonly ended: Promise<unknown>;
  isLeading = false;
  #isDead = false;

  constructor(order: Omit<MemberOrder, 'env'>) {
    this.process = spawn(process.execPath, [WORKER, JSON.stringify({ ...order, env })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: this.process.stdout ?? process.stdin });
    lines.on('line', (line) => {
      const one = JSON.parse(line) as MemberSaid;
      this.said.push(one);
      if (one.what !== 'told') return;
      if (one.words === 'this process writes the log') this.isLeading = !this.#isDead;
      if (one.words === 'this process writes the log no more') this.isLeading = false;
    });
    this.ended = Promise.all([once(this.process, 'exit'), once(lines, 'close')]);
  }

  /** What it has said is still read: it does not lead any more. */
  kill(): void {
    this.#isDead = true;
    this.isLeading = false;
    this.process.kill('SIGKILL');
  }

  get answered(): number {
    return this.said.filter(({ what }) => what === 'answered').length;
  }
}

const until = (condition: () => boolean) => expect.poll(condition, { interval: 20 }).toBe(true);
const leaders = () => members.filter(({ isLeading }) => isLeading);

/** People who are asked for by one process alone, and people whom all of them ask for. */
function start(round: number): Member {
  const name = members.length % 2 === 0 ? `${seed()} everyone ${round}` : `${seed()} ${round} ${members.length}`;
  const member = new Member({ name, inFlight: 20 });
  members.push(member);
  return member;
}

test(`what was answered stands, once, in ${ROUNDS} rounds`, async () => {
  const roll = dice();
  const alive: Member[] = [start(0), start(0), start(0)];
  await until(() => alive.every(({ answered }) => answered > 0));
  const pauses: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    await until(() => leaders().length === 1);
    const [leader] = leaders() as [Member];
    await wait(roll(300));
    const others = alive.filter((one) => one !== leader);
    const how = (round + 3) % 4;
    const before = performance.now();
    if (how === 0) {
      leader.process.kill('SIGSTOP');
      await until(() => others.some(({ isLeading }) => isLeading));
      pauses.push(performance.now() - before);
      leader.process.kill('SIGCONT');
      await until(() => !leader.isLeading);
    } else if (how % 2 === 1) {
      leader.kill();
      alive.splice(alive.indexOf(leader), 1, start(round));
      await until(() => others.some(({ isLeading }) => isLeading) || alive.some(({ isLeading }) => isLeading));
      pauses.push(performance.now() - before);
    } else {
      // Robbed while it is alive and writing: for a moment two believe that they write.
      await sql(place.databaseUrl, "UPDATE lease SET renewed = '-infinity'");
      const follower = others[roll(others.length)] as Member;
      if (!follower.isLeading) {
        follower.kill(); // and one that only follows dies too
        alive.splice(alive.indexOf(follower), 1, start(round));
      }
    }
    const answered = alive.map((one) => one.answered);
    await until(() => alive.every((one, i) => one.answered > (answered[i] ?? 0)));
  }
  for (const { process } of alive) process.kill('SIGTERM');
  await Promise.all(members.map(({ ended }) => ended));
  console.log(`another wrote after ${Math.round(Math.min(...pauses))} to ${Math.round(Math.max(...pauses))} ms`);
  await expectWhole();
});

/** All of the log, recomputed: everything that anyone was told is in it, where it was said to be, and nothing twice. */
async function expectWhole(): Promise<void> {
  const { storage: config } = readServeConfig(env);
  const storage = await openStorage(config);
  const lock = await openLock(config);
  try {
    const { logKey } = readKeys(config.keysDir);
    const { entries, leaves } = await checkWholeLog(storage, lock, logKey);
    expect(await storage.checkTables()).toEqual([]);
    const said = members.flatMap((member) => member.said);
    const wrong = said.filter((line) => {
      if (line.what !== 'answered') return false;
      const entry = entries[line.index];
      return entry?.kind !== 'signed' || entry.nym !== line.nym;
    });
    expect(wrong).toEqual([]);
    const nyms = entries.flatMap((entry) => ('nym' in entry ? [entry.nym] : []));
    expect(new Set(nyms).size).toBe(nyms.length);
    const checkpoints = new Set(said.flatMap((line) => (line.what === 'published' ? [line.checkpoint] : [])));
    for (const checkpoint of checkpoints) {
      const note = Buffer.from(checkpoint);
      const { size, root } = (await openCheckpoint(note, logKey.origin, [logKey.verifier])).checkpoint;
      expect(Buffer.from(rootOf(hashing, leaves.slice(0, size))).equals(root), `a fork at ${size}`).toBe(true);
    }
  } finally {
    await lock.close();
    await storage.close();
  }
}
