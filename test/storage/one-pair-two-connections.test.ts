/**
 * One person, one signature, below the domain: the database decides, whoever asks first and over whichever connection.
 * Nothing above it is here: no recorder, no single flight, no looking first.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parisDay } from '../../src/clock.ts';
import { LiveFold } from '../../src/log/live-fold.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import type { Recording } from '../../src/petitions/acts.ts';
import type { PetitionId } from '../../src/petitions/petition.ts';
import type { StoragePlace } from '../../src/storage/open.ts';
import { migrateSqlite, openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { opened, petitionNamed } from '../fakes/acts.ts';
import { dice, rounds } from '../fakes/rounds.ts';
import { writtenLog } from '../fakes/written-log.ts';
import { dropUniqueness } from './without-uniqueness.ts';

const DEPARTMENTS = ['01', '2A', '75', '974', '99'];
const PAIRS = rounds(40, 2000);
const CONNECTIONS = 2;
const TODAY = parisDay(new Date());

let place: StoragePlace;
let file: string;
let petition: PetitionId;

beforeEach(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-'));
  place = { databaseUrl: 'sqlite:', dataDir };
  file = join(dataDir, 'paraphe.sqlite');
  migrateSqlite(place);
  const storage = openSqliteStorage(place);
  const log = await writtenLog(storage.log);
  const opening = petitionNamed('bancs', '01m7k8m0n1ew6076n6rar3zv8a');
  await log.write(TODAY, opened(opening));
  petition = opening.id;
  storage.close();
});

afterEach(() => rmSync(place.dataDir, { recursive: true, force: true }));

describe('two connections that record one pair of petition and nym', () => {
  it('in one process: the first signs, the second finds that signature, and one row stands', async () => {
    const [first, second] = [openSqliteStorage(place), openSqliteStorage(place)];
    try {
      const [recording] = recordingsOf(1);
      const other = { ...recording!, department: '33' };
      const [one] = await (await writtenLog(first.log)).write(TODAY, recording!);
      const [two] = await (await writtenLog(second.log)).write(TODAY, other);
      expect(one).toMatchObject({ result: 'signed' });
      expect(two).toEqual({ ...one, result: 'already-signed' });
      expect(rowsByPair()).toEqual([1]);
    } finally {
      first.close();
      second.close();
    }
  });

  it('in two threads, at the same instant, pair after pair: one of the two signs, and one row stands for each', async () => {
    const recordings = recordingsOf(PAIRS);
    const results = await recordAtOnce(recordings);
    for (const [index] of recordings.entries()) {
      expect(results.map((of) => of[index]).sort()).toEqual(['already-signed', 'signed']);
    }
    expect(rowsByPair()).toEqual(recordings.map(() => 1));
    const storage = openSqliteStorage(place);
    const figures = (await LiveFold.ofStored(storage.log)).freeze().get(petition);
    storage.close();
    expect(figures?.total).toBe(PAIRS);
    expect([...(figures?.byDepartment.values() ?? [])].reduce((sum, count) => sum + count, 0)).toBe(PAIRS);
  });

  it('negative control: without the primary key both sign, and two rows stand for each', async () => {
    dropUniqueness(file);
    const recordings = recordingsOf(5);
    const results = await recordAtOnce(recordings);
    expect(results.flat()).toEqual(Array(CONNECTIONS * 5).fill('signed'));
    expect(rowsByPair()).toEqual(recordings.map(() => 2));
  });
});

function recordingsOf(count: number): Recording[] {
  const roll = dice();
  return Array.from({ length: count }, () => ({
    kind: 'signed',
    petition,
    nym: nymFromBytes(Uint8Array.from({ length: 32 }, () => roll(256))),
    department: DEPARTMENTS[roll(DEPARTMENTS.length)],
  }));
}

/** What each connection, in a thread of its own, was told of each recording. */
async function recordAtOnce(recordings: readonly Recording[]): Promise<string[][]> {
  const barrier = new SharedArrayBuffer(4);
  const workerData = { place, recordings, today: TODAY, parties: CONNECTIONS, barrier };
  const script = join(import.meta.dirname, 'one-pair.worker.ts');
  const workers = Array.from({ length: CONNECTIONS }, () => new Worker(script, { workerData, execArgv: [] }));
  try {
    return await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as string[]));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** How many rows stand for each pair. */
function rowsByPair(): number[] {
  const database = new Database(file, { readonly: true });
  try {
    return database.prepare('SELECT count(*) FROM signatures GROUP BY petition, nym').pluck().all() as number[];
  } finally {
    database.close();
  }
}
