/**
 * One person, one signature, below the domain: the database decides, whoever asks first and over whichever connection.
 * Nothing above it is here: no recorder, no single flight, no looking first.
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parisDay } from '../../src/clock.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { openPetition } from '../../src/petitions/open-petition.ts';
import type { PetitionId } from '../../src/petitions/petition.ts';
import { parsePetitionFile } from '../../src/petitions/petition-file.ts';
import type { Recording } from '../../src/petitions/signature.ts';
import { migrateStorage, openStorage, type StoragePlace } from '../../src/storage/open.ts';
import { dice, rounds } from '../fakes/rounds.ts';
import { dropUniqueness } from './without-uniqueness.ts';

const DEPARTMENTS = ['01', '2A', '75', '974', '99'];
const PAIRS = rounds(40, 2000);
const CONNECTIONS = 2;

let place: StoragePlace;
let file: string;
let petition: PetitionId;

beforeEach(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-'));
  place = { databaseUrl: 'sqlite:', dataDir };
  file = join(dataDir, 'paraphe.sqlite');
  migrateStorage(place);
  const storage = openStorage(place);
  const text = '---\nslug: bancs\ntitle: Des bancs publics\nmin_age: 16\ndepartments: true\n---\nDes bancs.\n';
  const deps = {
    petitions: storage.petitions,
    keyEncryptionKey: createSecretKey(randomBytes(32)),
    clock: () => new Date(),
  };
  const collecting = { issuer: 'https://fc.example.org', clientId: 'test', acr: 'eidas1' };
  petition = (await openPetition(deps, parsePetitionFile(text, 'test'), collecting)).id;
  storage.close();
});

afterEach(() => rmSync(place.dataDir, { recursive: true, force: true }));

describe('two connections that record one pair of petition and nym', () => {
  it('in one process: the first signs, the second finds that signature, and one row stands', async () => {
    const [first, second] = [openStorage(place), openStorage(place)];
    try {
      const [recording] = recordingsOf(1);
      const other = { ...recording!, department: '33' };
      const [one, two] = await Promise.all([first.signatures.record([recording!]), second.signatures.record([other])]);
      expect(one.map(({ result }) => result)).toEqual(['signed']);
      expect(two.map(({ result }) => result)).toEqual(['already-signed']);
      expect(two[0]?.signature).toEqual(one[0]?.signature);
      expect(await first.signatures.tally(petition)).toEqual(await second.signatures.tally(petition));
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
    const storage = openStorage(place);
    const tally = await storage.signatures.tally(petition);
    storage.close();
    expect(tally.total).toBe(PAIRS);
    expect([...tally.byDepartment.values()].reduce((sum, count) => sum + count, 0)).toBe(PAIRS);
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
  const day = parisDay(new Date());
  return Array.from({ length: count }, () => ({
    kind: 'signed',
    petition,
    nym: nymFromBytes(Uint8Array.from({ length: 32 }, () => roll(256))),
    department: DEPARTMENTS[roll(DEPARTMENTS.length)],
    day,
  }));
}

/** What each connection, in a thread of its own, was told of each recording. */
async function recordAtOnce(recordings: readonly Recording[]): Promise<string[][]> {
  const barrier = new SharedArrayBuffer(4);
  const workerData = { place, recordings, parties: CONNECTIONS, barrier };
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
