/**
 * The lock: data that are older than it, that are not its own, or that someone else writes meanwhile are refused, and
 * nothing is signed that could fork the log.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { LogConflict } from '../../src/log/ports.ts';
import { openLogWriter } from '../../src/log-writer.ts';
import { openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { parseSignedCheckpoint } from '../../src/tlog/checkpoint.ts';
import { keysSeen, newNym, signed } from '../fakes/acts.ts';
import { LogFolder, NOON, type PetitionStoreOfLog } from '../fakes/log-folder.ts';
import { checkBeginning } from '../fakes/whole-log.ts';

let folder: LogFolder;
const others: LogFolder[] = [];
beforeEach(async () => {
  folder = await LogFolder.withPetition();
});
afterEach(() => {
  for (const one of [folder, ...others.splice(0)]) one.done();
});

function copyOf(one: LogFolder): LogFolder {
  const copy = new LogFolder(one.files());
  others.push(copy);
  return copy;
}

async function sign(one: LogFolder, times: number): Promise<void> {
  const { sequencer, close } = await one.open();
  for (let i = 0; i < times; i++) await sequencer.record(signed(newNym()));
  close();
}

const lockFile = (one: LogFolder) => join(one.dataDir, 'lock.sqlite');

/** What the data and the lock hold, in their own words. */
function contentOf(one: LogFolder): unknown {
  const [data, lock] = [new Database(one.file), new Database(lockFile(one))];
  try {
    const heads = [data.prepare('SELECT size, root FROM log').get(), lock.prepare('SELECT * FROM lock').get()];
    return [...heads, data.prepare('SELECT count(*) FROM entries').get()];
  } finally {
    data.close();
    lock.close();
  }
}

async function expectRefused(one: LogFolder, words: RegExp): Promise<void> {
  const before = contentOf(one);
  const refusal = await one.open().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(SetupError);
  expect((refusal as SetupError).message).toMatch(words);
  expect((refusal as SetupError).message).not.toContain('\n');
  expect(contentOf(one)).toEqual(before);
}

const headOf = (checkpoint: string) => parseSignedCheckpoint(Buffer.from(checkpoint)).checkpoint;

describe('data that the lock does not know', () => {
  test('a backup that is put back is refused, and says what to do; what came after it is still there to go on from', async () => {
    await sign(folder, 2);
    const backup = copyOf(folder);
    await sign(folder, 3);
    const newest = copyOf(folder);
    copyFileSync(backup.file, folder.file);
    await expectRefused(
      folder,
      /^The data end at entry 3 and the log has signed 6: .*`paraphe recover --mirror <folder>`/,
    );
    copyFileSync(newest.file, folder.file);
    await sign(folder, 1);
    expect((await folder.check()).entries).toHaveLength(7);
  });

  test('a backup of the time before the first entry as well', async () => {
    const empty = new LogFolder();
    others.push(empty);
    const log = await empty.open();
    log.close();
    const backup = copyOf(empty);
    const again = await empty.open();
    await again.sequencer.record(keysSeen('{"keys":[]}'));
    again.close();
    copyFileSync(backup.file, empty.file);
    await expectRefused(empty, /^The data end at entry 0 and the log has signed 1: /);
  });

  test('the keys of another log', async () => {
    const other = new LogFolder();
    others.push(other);
    copyFileSync(join(other.keysDir, 'log-key'), join(folder.keysDir, 'log-key'));
    await expectRefused(copyOf(folder), /^The data are those of the log log\.example\/log .*belong together/);
  });

  test('data without their lock', async () => {
    await sign(folder, 1);
    rmSync(lockFile(folder));
    const refusal = folder.open();
    await expect(refusal).rejects.toThrow(
      /^The data hold a log of 2 entries and the lock is missing, .*`paraphe recover --mirror <folder>`/,
    );
    await expect(refusal).rejects.toThrow(SetupError);
    await expect(folder.open()).rejects.toThrow('the lock is missing'); // looking did not make one
  });

  test('the lock of another log', async () => {
    const other = new LogFolder();
    others.push(other);
    const { close } = await other.open();
    close();
    copyFileSync(lockFile(other), lockFile(folder));
    await expectRefused(folder, /^The log is damaged: the lock holds no checkpoint of this log/);
  });

  test('the lock of the same log in another life: as many entries, others', async () => {
    const other = copyOf(folder);
    await sign(folder, 2);
    await sign(other, 2);
    copyFileSync(lockFile(other), lockFile(folder));
    await expectRefused(folder, /^The log is damaged: the lock has signed another log of 3 entries/);
    await sign(other, 3);
    const { close } = await folder.open().catch(() => ({ close() {} }));
    close();
    await expectRefused(folder, /^The log is damaged: the lock has signed another log of 3 entries/);
  });

  test('a lock that is torn, or no database', async () => {
    const lock = new Database(lockFile(folder));
    const text = lock.prepare('SELECT checkpoint FROM lock').pluck().get() as string;
    lock.prepare('UPDATE lock SET checkpoint = ?').run(text.slice(0, -3));
    lock.close();
    await expectRefused(folder, /^The log is damaged: the lock holds no checkpoint of this log/);
    writeFileSync(lockFile(folder), 'not a database, whatever it was before'.repeat(100));
    for (const suffix of ['-wal', '-shm']) rmSync(lockFile(folder) + suffix, { force: true });
    const refusal = await folder.open().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(SetupError);
    expect((refusal as SetupError).message).toMatch(/^Cannot open [^\n]*lock\.sqlite: [^\n]*$/);
  });

  test('data that are ahead of the lock are signed, and the log goes on', async () => {
    const before = copyOf(folder);
    await sign(folder, 3);
    copyFileSync(lockFile(before), lockFile(folder));
    const { sequencer, close } = await folder.open();
    expect(sequencer.sealed.size).toBe(4);
    await sequencer.record(signed(newNym()));
    close();
    expect((await folder.check()).lockedSize).toBe(5);
  });
});

describe('two writers', () => {
  const writer = (one: LogFolder) => {
    const storage = openSqliteStorage(one.place);
    const options = { place: one.place, storage, key: one.key, clock: () => NOON };
    return { storage, opening: openLogWriter(options) };
  };

  test('only one has the right to write, and gives it on when it stops', async () => {
    const first = writer(folder);
    const { close } = await first.opening;
    const second = writer(folder);
    await expect(second.opening).rejects.toThrow(
      /^Another process writes the log in [^\n]*: one gateway serves[^\n]*$/,
    );
    await close();
    const third = writer(folder);
    await (await third.opening).close();
    for (const { storage } of [first, second, third]) storage.close();
  });

  test('asking for it in vain within the same process does not let a third process in', async () => {
    const first = writer(folder);
    const { close } = await first.opening;
    const second = writer(folder);
    await expect(second.opening).rejects.toThrow('Another process');
    // POSIX: a process that closes any descriptor of a file gives up all its locks on it.
    const script = `import { holdSqliteWriter } from ${JSON.stringify(join(import.meta.dirname, '../../src/storage/sqlite/lock.ts'))};
      holdSqliteWriter(process.argv[1]); console.log('held');`;
    const said = await new Promise<string>((resolve) => {
      const args = ['--input-type=module', '-e', script, folder.dataDir];
      execFile(process.execPath, args, (_error, stdout, stderr) => resolve(stdout + stderr));
    });
    expect(said).toContain('Another process writes the log');
    await close();
    for (const { storage } of [first, second]) storage.close();
  });

  test('without that right: the second to write finds a conflict, stops for good and forks nothing', async () => {
    const [one, two] = [await folder.open(), await folder.open()];
    await one.sequencer.record(signed(newNym()));
    const answers = await Promise.allSettled([
      two.sequencer.record(signed(newNym())),
      ...Array.from({ length: 5 }, () => two.sequencer.record(signed(newNym()))),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'log-stopped' } });
    expect(two.sequencer.stopped).toBeInstanceOf(LogConflict);
    await expect(two.sequencer.record(signed(newNym()))).rejects.toMatchObject({ code: 'log-stopped' });
    expect(await one.sequencer.record(signed(newNym()))).toMatchObject({ result: 'signed', signature: { index: 2 } });
    const checkpoints = [one.sequencer.sealed.checkpoint, two.sequencer.sealed.checkpoint];
    one.close();
    two.close();
    const { leaves, lockedSize } = await folder.check();
    expect(lockedSize).toBe(3);
    for (const checkpoint of checkpoints) await checkBeginning(checkpoint, leaves, folder.key);
  });

  test('those who waited behind a conflict are not written either', async () => {
    const [one, two] = [await folder.open(), await folder.open({ limits: { batch: 1, windowMs: 0 } })];
    await one.sequencer.record(signed(newNym()));
    const answers = await Promise.allSettled([1, 2, 3].map(() => two.sequencer.record(signed(newNym()))));
    for (const answer of answers) expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'log-stopped' } });
    expect(await one.sequencer.record(signed(newNym()))).toMatchObject({ result: 'signed' });
    one.close();
    two.close();
    expect((await folder.check()).entries).toHaveLength(3);
  });

  test('one that opens between commit and lock signs what the other wrote, who then stops', async () => {
    const committed = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    const one = await folder.open({
      lock: (real) => ({
        read: () => real.read(),
        async swap(expected, next) {
          committed.resolve();
          await opened.promise;
          return real.swap(expected, next);
        },
      }),
    });
    const nym = newNym();
    const answer = one.sequencer.record(signed(nym));
    await committed.promise;
    const two = await folder.open();
    expect(two.sequencer.sealed.size).toBe(2);
    await two.sequencer.record(signed(newNym()));
    opened.resolve();
    await expect(answer).rejects.toMatchObject({ code: 'log-stopped' });
    expect(await two.sequencer.record(signed(nym))).toMatchObject({
      result: 'already-signed',
      signature: { index: 1 },
    });
    one.close();
    two.close();
    expect((await folder.check()).entries).toHaveLength(3);
  });

  test('negative control: with a lock that always agrees and a store that ignores sizes, one size has two roots', async () => {
    const careless = {
      lock: () => ({ read: async () => first, swap: async () => true }),
      store: (real: PetitionStoreOfLog): PetitionStoreOfLog => ({
        ...real,
        async append(batch, acts) {
          const size = (await real.state())?.size ?? 0;
          return real.append({ ...batch, size }, acts);
        },
      }),
    };
    const { sequencer, close } = await folder.open();
    const first = sequencer.sealed.checkpoint;
    close();
    const [one, two] = [await folder.open(careless), await folder.open(careless)];
    await one.sequencer.record(signed(newNym()));
    await two.sequencer.record(signed(newNym()));
    const [left, right] = [headOf(one.sequencer.sealed.checkpoint), headOf(two.sequencer.sealed.checkpoint)];
    expect(left.size).toBe(right.size);
    expect(left.root).not.toEqual(right.root);
    one.close();
    two.close();
    await expect(folder.check()).rejects.toThrow();
  });
});
