/** `paraphe fsck`: whatever is changed behind the gateway's back in what the log commits to, it says so and where. */

import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { destroyPseudonyms } from '../../src/destroy-pseudonyms.ts';
import { checkData } from '../../src/log-check.ts';
import type { PetitionAct } from '../../src/petitions/acts.ts';
import { openedEntry } from '../../src/petitions/petition.ts';
import { type OperatedLog, operatedLog, registerSiteOf } from '../fakes/operated-log.ts';

let log: OperatedLog;
let copy: string;
beforeAll(async () => {
  log = await operatedLog(600);
  const [une, autre] = log.petitions;
  await log.sign(3); // a batch of their own, so that the entries that the tests name are nobody's who changes
  const [a, b, c] = log.nyms.slice(-3);
  const about = (kind: 'withdrawn' | 'signed', nym = a!): PetitionAct => ({
    kind,
    petition: une!.id,
    nym,
    department: '2A',
  });
  await log.record(about('withdrawn'), { kind: 'invalidated', petition: une!.id, nym: b!, ground: 'fraud' });
  await log.record(about('signed'));
  await log.record(about('withdrawn', c));
  await log.record({ kind: 'petition-closed', petition: autre!.id });
  await registerSiteOf(log.config);
  await destroyPseudonyms(log.config, 'autre', { clock: log.clock, followed: async () => {} });
  await log.publish();
  keepFold();
  copy = mkdtempSync(join(tmpdir(), 'paraphe-fsck-'));
  for (const file of ['paraphe.sqlite', 'lock.sqlite']) {
    checkpointed(join(log.config.dataDir, file)); // one file, without the log that is written ahead
    copyFileSync(join(log.config.dataDir, file), join(copy, file));
  }
});
afterAll(() => {
  log.done();
  rmSync(copy, { recursive: true });
});

/** As a gateway does after many entries. */
function keepFold(): void {
  const database = new Database(join(log.config.dataDir, 'paraphe.sqlite'));
  expect(database.prepare('SELECT count(*) FROM fold').pluck().get()).toBe(0);
  database.prepare('INSERT INTO fold (id, snapshot) VALUES (1, ?)').run(JSON.stringify(foldAtThree()));
  database.close();
}

function foldAtThree() {
  const [une, autre] = log.petitions;
  const opened = (petition: typeof une) => openedEntry(petition!, petition!.opened);
  const none = {
    closed: null,
    destroyed: null,
    total: 0,
    byDay: [],
    byDepartment: [],
    withdrawn: 0,
    invalidated: [],
  };
  return {
    size: 3,
    day: une!.opened,
    petitions: [
      { opened: opened(une), ...none },
      { opened: opened(autre), ...none },
    ],
    cases: [],
  };
}

function checkpointed(file: string): void {
  const database = new Database(file);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}

async function problemsAfter(change: (database: Database.Database) => void): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'paraphe-fsck-'));
  for (const file of ['paraphe.sqlite', 'lock.sqlite']) copyFileSync(join(copy, file), join(folder, file));
  const database = new Database(join(folder, 'paraphe.sqlite'));
  database.pragma('foreign_keys = OFF');
  database.pragma('ignore_check_constraints = ON');
  change(database);
  database.close();
  const config = { ...log.config, dataDir: folder };
  const { problems } = await checkData(config);
  rmSync(folder, { recursive: true });
  return problems;
}

test('a log that nobody touched is whole, closings, withdrawals and all', async () => {
  expect(await problemsAfter(() => {})).toEqual([]);
});

describe('a changed cell is found, in every column that the log commits to', () => {
  const flip = (value: unknown): unknown => {
    if (Buffer.isBuffer(value)) {
      const changed = Buffer.from(value);
      changed[changed.length >> 1]! ^= 1;
      return changed;
    }
    if (typeof value === 'number') return value + 1;
    return typeof value === 'string' ? value.replace(/.$/su, (last) => (last === 'x' ? 'y' : 'x')) : 1;
  };
  const COLUMNS: readonly [string, string, string][] = [
    ['entries', '"index"', '"index" = (SELECT max("index") FROM entries)'],
    ...['kind', 'day', 'petition', 'nym', 'department', 'evidence'].map((column): [string, string, string] => [
      'entries',
      column,
      '"index" = 300',
    ]),
    ['entries', 'ground', 'ground IS NOT NULL'],
    ['entries', 'count', 'count IS NOT NULL'],
    ['entries', 'previous', '"index" = (SELECT max("index") FROM entries WHERE kind = 3)'],
    ['entries', 'previous', 'kind = 2 AND previous IS NOT NULL'],
    ['entries', 'previous', 'kind = 4'],
    ['signatures', 'nym', 'entry = 200'],
    ['signatures', 'entry', 'entry = 200'],
    ['signatures', 'petition', 'entry = 200'],
    ['tiles', 'hashes', 'place = 0'],
    ['tiles', 'hashes', 'place = 2'],
    ['tiles', 'hashes', 'place = 17592186044416'],
    ['tiles', 'place', 'place = 17592186044416'],
    ['log', 'origin', '1'],
    ['log', 'vkey', '1'],
    ['log', 'size', '1'],
    ['log', 'root', '1'],
    ['publication', 'checkpoint', '1'],
    ['identity_keys', 'hash', '1'],
    ['identity_keys', 'issuer', '1'],
    ['identity_keys', 'jwks', '1'],
    ['identity_keys', 'entry', '1'],
    ...[
      'id',
      'title',
      'text',
      'statement',
      'closes',
      'min_age',
      'departments',
      'acr',
      'issuer',
      'client_id',
      'nym_key',
      'wrapped_secret',
      'opening',
    ].map((column): [string, string, string] => ['petitions', column, "slug = 'une'"]),
    ['petitions', 'closing', "slug = 'autre'"],
    ['petitions', 'destruction', "slug = 'autre'"],
    ['log', 'key_id', '1'],
    ['sites', 'wrapped_key', '1'],
    ['sites', 'sealed_secret', '1'],
  ];
  test.each(COLUMNS)('%s.%s where %s', async (table, column, where) => {
    const problems = await problemsAfter((database) => {
      const before = database.prepare(`SELECT ${column} FROM ${table} WHERE ${where} LIMIT 1`).pluck().get();
      const changed = database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(flip(before));
      expect(changed.changes).toBe(1);
    });
    expect(problems).not.toEqual([]);
  });
});

describe('what is wrong is named', () => {
  test('a row whose département was changed: the entry and its tile', async () => {
    const [first] = await problemsAfter((database) => {
      database.prepare(`UPDATE entries SET department = '13' WHERE "index" = 300`).run();
    });
    expect(first).toBe('entry 300: its row and its leaf in tile 0/1 disagree');
  });

  test('a signature that was taken out with its entry and a tree that was made anew: every head that was signed', async () => {
    const problems = await problemsAfter((database) => {
      database.prepare('DELETE FROM signatures WHERE entry = 200').run();
      database.prepare('DELETE FROM entries WHERE "index" = 200').run();
    });
    expect(problems[0]).toBe('entry 200 is missing');
  });

  test('a person who signs twice, with leaves and tiles to fit: the rule, and the heads', async () => {
    const problems = await problemsAfter((database) => {
      const nym = database.prepare('SELECT nym FROM entries WHERE "index" = 300').pluck().get();
      database.prepare('UPDATE entries SET nym = ? WHERE "index" = 301').run(nym);
    });
    expect(problems.some((problem) => /^entry 301 breaks the rule signed-twice/.test(problem))).toBe(true);
  });

  test('a secret that is there again though the log says that it was destroyed', async () => {
    const problems = await problemsAfter((database) => {
      const secret = database.prepare("SELECT wrapped_secret FROM petitions WHERE slug = 'une'").pluck().get();
      database.prepare("UPDATE petitions SET wrapped_secret = ? WHERE slug = 'autre'").run(secret);
    });
    expect(problems[0]).toMatch(/^entry \d+ destroyed the pseudonyms of a petition whose secret is still there/);
  });

  test('figures that were kept wrong', async () => {
    const problems = await problemsAfter((database) => {
      const snapshot = foldAtThree();
      (snapshot.petitions[0] as { total: number }).total = 1;
      database.prepare('UPDATE fold SET snapshot = ?').run(JSON.stringify(snapshot));
    });
    expect(problems).toEqual(['the figures that are kept for size 3 are not those of its entries']);
  });

  test('data that are older than the lock', async () => {
    const [first] = await problemsAfter((database) => {
      const size = database.prepare('SELECT size FROM log').pluck().get() as number;
      database.prepare('DELETE FROM entries WHERE "index" = ?').run(size - 1);
      database.prepare('UPDATE petitions SET closing = NULL').run();
      database.prepare('UPDATE log SET size = size - 1').run();
    });
    expect(first).toMatch(/^what is published is a checkpoint of \d+ entries, and the data end at \d+/);
  });

  test('a file that is no database any more', async () => {
    const [first] = await problemsAfter((database) => {
      const file = openSync(database.name, 'r+');
      for (let page = 8; page < 20; page++) writeSync(file, randomBytes(4096), 0, 4096, page * 4096);
      closeSync(file);
    });
    expect(first).toMatch(/database|malformed|page/i);
  });
});
