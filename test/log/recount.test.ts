import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FoldSnapshot } from '../../src/log/fold.ts';
import { LiveFold } from '../../src/log/live-fold.ts';
import type { DataCheck } from '../../src/log-check.ts';
import { keepRecounting } from '../../src/recount.ts';
import { openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { type OperatedLog, operatedLog } from '../fakes/operated-log.ts';

let log: OperatedLog;
beforeEach(async () => {
  log = await operatedLog(40);
});
afterEach(() => log.done());

async function figures(): Promise<FoldSnapshot> {
  const storage = openSqliteStorage(log.config);
  const fold = await LiveFold.ofStored(storage.log);
  storage.close();
  return fold.snapshot();
}

/** What a recount beside the serving finds, of figures that are served. */
function recount(served: FoldSnapshot): Promise<DataCheck> {
  return new Promise((found, failed) => {
    const stop = keepRecounting(
      { config: log.config, figures: () => served, found: (check) => void stop().then(() => found(check)), failed },
      0,
    );
  });
}

test('figures that are right are found right', async () => {
  expect(await recount(await figures())).toMatchObject({ size: 43, problems: [] });
});

test('a counter that went wrong while serving is found', async () => {
  const served = await figures();
  const [first, ...others] = served.petitions;
  const wrong = { ...served, petitions: [{ ...first!, total: first!.total + 1 }, ...others] };
  const { problems } = await recount(wrong);
  expect(problems).toEqual(['the figures that are kept for size 43 are not those of its entries']);
});

test('a row that was changed behind the gateway is found', async () => {
  const database = new Database(join(log.config.dataDir, 'paraphe.sqlite'));
  database.prepare(`UPDATE entries SET department = '13' WHERE "index" = 20`).run();
  database.close();
  const { problems } = await recount(await figures());
  expect(problems[0]).toBe('entry 20: its row and its leaf in tile 0/0 disagree');
});

test('data that are gone are said to be gone', async () => {
  const served = await figures();
  rmSync(join(log.config.dataDir, 'paraphe.sqlite'));
  await expect(recount(served)).rejects.toThrow('no database');
});
