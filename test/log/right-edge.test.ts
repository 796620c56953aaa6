/**
 * Before the first write after a start, what the next entries will rest on is recomputed from what lies below it. Data
 * that a disk or a hand has changed there are refused in one line, and nothing is signed.
 */
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { newNym, signed, withdrawn } from '../fakes/acts.ts';
import { type Files, LogFolder } from '../fakes/log-folder.ts';
import { dice } from '../fakes/rounds.ts';
import { flipped } from '../tlog/crypto.ts';

/** A level-1 tile with one hash, a full tile below it, and a right edge of 44 entries, of which the last is a withdrawal. */
const SIZE = 300;
const LEVEL_1 = 2 ** 44;

const wholes = new Map<number, Files>();

async function whole(size: number): Promise<Files> {
  const folder = await LogFolder.withPetition();
  const { sequencer, close } = await folder.open({ limits: { batch: 1000 } });
  const nyms = Array.from({ length: size - 2 }, newNym);
  await Promise.all(nyms.map((nym) => sequencer.record(signed(nym))));
  await sequencer.record(withdrawn(nyms[0]!));
  close();
  const files = folder.files();
  folder.done();
  return files;
}

beforeAll(async () => {
  for (const size of [257, SIZE]) wholes.set(size, await whole(size));
});

/** Opens a copy of a log after something was changed in it. @returns what it says, or what it signed */
async function openChanged(change: (data: Database.Database) => void, size = SIZE): Promise<unknown> {
  const folder = new LogFolder(wholes.get(size));
  const data = new Database(folder.file);
  try {
    change(data);
  } finally {
    data.close();
  }
  const before = await locked(folder);
  try {
    const { sequencer, close } = await folder.open();
    close();
    return sequencer.sealed;
  } catch (error) {
    expect(await locked(folder)).toBe(before);
    return error;
  } finally {
    folder.done();
  }
}

async function locked(folder: LogFolder): Promise<unknown> {
  const lock = new Database(`${folder.dataDir}/lock.sqlite`, { readonly: true });
  try {
    return lock.prepare('SELECT checkpoint FROM lock').pluck().get();
  } finally {
    lock.close();
  }
}

function expectRefusal(answer: unknown, words: RegExp): void {
  expect(answer).toBeInstanceOf(SetupError);
  expect((answer as SetupError).message).toMatch(words);
  expect((answer as SetupError).message).toMatch(/^[^\n]*Run `paraphe fsck`; nothing is signed meanwhile\.$/);
}

function flipBit(data: Database.Database, table: string, column: string, where: string, bit: number): void {
  const row = data
    .prepare(`SELECT "${column}" AS value, typeof("${column}") AS type FROM ${table} WHERE ${where}`)
    .get();
  const { value } = row as { value: number | string | Buffer };
  const next =
    typeof value === 'number'
      ? Number(BigInt(value) ^ (1n << BigInt(bit)))
      : typeof value === 'string'
        ? Buffer.from(flipped(Buffer.from(value), bit)).toString('latin1')
        : flipped(value, bit);
  data.prepare(`UPDATE ${table} SET "${column}" = ? WHERE ${where}`).run(next);
}

describe('a log that was left alone', () => {
  test.each([257, SIZE])('of %i entries is opened, and goes on', async (size) => {
    expect(await openChanged(() => {}, size)).toMatchObject({ size });
  });
});

describe('one bit turned over', () => {
  test('in a partial tile', async () => {
    const roll = dice();
    for (const [place, width] of [
      [1, 44],
      [LEVEL_1, 1],
    ] as const) {
      const bit = roll(width * 256);
      const answer = await openChanged((data) => flipBit(data, 'tiles', 'hashes', `place = ${place}`, bit));
      expectRefusal(answer, /^The log is damaged: tile [01]\/[01] is not what lies below it/);
    }
  });

  test('in the full tile below a level-1 partial', async () => {
    const bit = dice()(256 * 256);
    const answer = await openChanged((data) => flipBit(data, 'tiles', 'hashes', 'place = 0', bit));
    expectRefusal(answer, /^The log is damaged: tile 1\/0 is not what lies below it/);
  });

  test.each([
    ['kind', 8],
    ['day', 53],
    ['petition', 8],
    ['nym', 256],
    ['department', 16],
  ])('in the %s of an entry of the right edge, whatever that makes of the row', async (column, bits) => {
    const roll = dice();
    const chosen = new Set([0, bits - 1, ...Array.from({ length: 4 }, () => roll(bits))]);
    for (const bit of chosen) {
      const answer = await openChanged((data) => {
        data.pragma('foreign_keys = OFF');
        flipBit(data, 'entries', column, '"index" = 280', bit);
      });
      expectRefusal(
        answer,
        /^The log is damaged: (tile 0\/1 is not what lies below it|entry 280 cannot be read|entry-form)/,
      );
    }
  });

  test('in the root', async () => {
    const bit = dice()(256);
    expectRefusal(
      await openChanged((data) => flipBit(data, 'log', 'root', 'id = 1', bit)),
      /another root than the stored one/,
    );
  });
});

describe('something missing or too much', () => {
  test.each([257, SIZE])('at the end of a log of %i: the last entry', async (size) => {
    const answer = await openChanged((data) => data.exec(`DELETE FROM entries WHERE "index" = ${size - 1}`), size);
    expectRefusal(answer, /^The log is damaged: tile 0\/1 is not what lies below it/);
  });

  test('the last entry, where a fold that was kept knows of it', async () => {
    const folder = new LogFolder(wholes.get(257));
    const log = await folder.open();
    const { checkpoint } = log.sequencer.sealed;
    await log.storage.log.publish(checkpoint, new Date(), log.sequencer.fold.snapshot(), 0);
    log.close();
    const data = new Database(folder.file);
    data.exec('DELETE FROM entries WHERE "index" = 256');
    data.close();
    expectRefusal(await folder.open().catch((error: unknown) => error), /tile 0\/1 is not what lies below it/);
    folder.done();
  });

  test('a tile', async () => {
    for (const place of [0, 1, LEVEL_1]) {
      const answer = await openChanged((data) => data.exec(`DELETE FROM tiles WHERE place = ${place}`));
      expectRefusal(answer, /^The log is damaged: tile [01]\/[01] is missing/);
    }
  });

  test('an entry behind the head, or a head before its entries', async () => {
    const behind = await openChanged((data) =>
      data.exec(`INSERT INTO entries ("index", kind, day, petition, nym, department)
        SELECT ${SIZE}, kind, day, petition, nym, department FROM entries WHERE "index" = 280`),
    );
    expectRefusal(behind, /there are entries behind the head/);
    const short = await openChanged((data) => data.exec('UPDATE log SET size = 299'));
    expectRefusal(short, /another root than the stored one/);
    const long = await openChanged((data) => data.exec('UPDATE log SET size = 301'));
    expectRefusal(long, /tile 0\/1 is missing/);
  });
});

describe('elsewhere', () => {
  test('the day of the last entry, or a fold that was kept and is torn, is refused in one line', async () => {
    const day = await openChanged((data) => flipBit(data, 'entries', 'day', `"index" = ${SIZE - 1}`, 52));
    expectRefusal(day, /^The log is damaged/);
    const fold = await openChanged((data) => data.exec(`INSERT INTO fold (id, snapshot) VALUES (1, '{"si')`));
    expectRefusal(fold, /^The log is damaged/);
  });

  test('an entry that the fold cannot take is refused in one line', async () => {
    for (const [column, bit] of [
      ['kind', 7],
      ['day', 52],
    ] as const) {
      const answer = await openChanged((data) => flipBit(data, 'entries', column, '"index" = 17', bit));
      expect(answer).toBeInstanceOf(SetupError);
      expect((answer as SetupError).message).toMatch(/^[^\n]*`paraphe fsck`[^\n]*$/);
    }
  });
});
