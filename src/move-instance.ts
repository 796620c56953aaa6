/**
 * Moves an instance into an empty database of the other kind, log and all. Guarantees: the data arrive whole or not at all,
 * and at no instant can both sign. The order of it:
 *   1. the right to write is held on both sides, and the log is verified where it is, as a start does;
 *   2. every row is copied, in a transaction of the new database that is not committed;
 *   3. the old data are marked as moved, if the log still has that size: nobody opens them any more;
 *   4. the lock moves, if its place changes: first it is in the new place, then no longer in the old one;
 *   5. the new database commits.
 * Whatever stops it before 3 leaves the old gateway as it was; after 3, neither can serve, and the same command again ends
 * the move. After 5 the new one serves.
 */
import type { StorageConfig } from './config.ts';
import { SetupError } from './errors.ts';
import { openLogWriter } from './log-writer.ts';
import { checkOwner } from './storage/key-encryption-key.ts';
import { readKeys } from './storage/key-folder.ts';
import type { MoveSource, MoveTarget } from './storage/moving.ts';
import {
  holdKeyFolder,
  holdWriter,
  isPostgres,
  migrateStorage,
  nameOfPlace,
  openArriving,
  openLeaving,
  openLock,
  readLock,
  WriterBusy,
} from './storage/open.ts';

export type MoveStep = 'copied' | 'left' | 'lock-there' | 'lock-moved' | 'arrived';

export type MoveOptions = {
  readonly progress?: (done: number, all: number) => void;
  /** Told each step as it is reached, for tests that stop the move there. */
  readonly reached?: (step: MoveStep) => void;
};

export type Moved = { readonly rows: number; readonly size: number; readonly from: string; readonly to: string };

const clock = () => new Date();

/**
 * @param config keys and lock, which stay where they are; where `lockUrl` is new, the lock moves there from the data folder
 * @throws SetupError when a gateway serves, the target holds data, or the log does not agree with itself or its lock
 */
export async function moveInstance(
  config: StorageConfig,
  addresses: { readonly from: string; readonly to: string },
  options: MoveOptions = {},
): Promise<Moved> {
  const from = { ...config, databaseUrl: addresses.from };
  const to = { ...config, databaseUrl: addresses.to };
  if (isPostgres(from) === isPostgres(to)) {
    throw new SetupError('It moves between SQLite and PostgreSQL: a file is copied, a database dumped and restored.');
  }
  checkOwner(config.keysDir);
  const release = holdKeyFolder(config.keysDir); // what is copied stays under the key that it was under
  return move(config, from, to, options).finally(release);
}

async function move(
  config: StorageConfig,
  from: StorageConfig,
  to: StorageConfig,
  { progress, reached }: MoveOptions,
): Promise<Moved> {
  await migrateStorage(to);
  const key = readKeys(config.keysDir).logKey;
  const lock = await findLock(from, to);
  const leaving = await openLeaving(from, to);
  try {
    const writer = await openLogWriter({
      place: from,
      lockPlace: lock.isNew ? besideData(from) : to,
      storage: leaving.storage,
      key,
      clock,
    }).catch(sayStop);
    try {
      const { size, checkpoint } = writer.sequencer.sealed;
      const arriving = await arrive(to);
      try {
        const rows = await copy(leaving.source, arriving.target, progress);
        reached?.('copied');
        if (!(await leaving.source.leave(nameOfPlace(to), size))) {
          throw new SetupError('Another process has written meanwhile: nothing has moved. Begin again.');
        }
        reached?.('left');
        if (lock.isNew) await setLock(to, checkpoint);
        reached?.('lock-there');
        await clearLock(from, checkpoint);
        reached?.('lock-moved');
        await arriving.target.commit();
        reached?.('arrived');
        return { rows, size, from: nameOfPlace(from), to: nameOfPlace(to) };
      } finally {
        await arriving.close();
      }
    } finally {
      await writer.close();
    }
  } finally {
    await leaving.close();
  }
}

function sayStop(error: unknown): never {
  if (error instanceof WriterBusy) throw new SetupError(`${error.message} Stop it first: an instance moves at rest.`);
  throw error;
}

/** Where the lock of a place is while no LOCK_URL names another. */
const besideData = (place: StorageConfig): StorageConfig => ({ ...place, lockUrl: undefined });

/** Whether the lock is still beside the old data, or where it will be already. @throws SetupError for two that differ */
async function findLock(from: StorageConfig, to: StorageConfig): Promise<{ isNew: boolean }> {
  const there = await readLock(to);
  const here = await readLock(besideData(from));
  if (there !== undefined && here !== undefined && there !== here) {
    throw new SetupError(
      'There is one lock beside the old data and another where it would move: one of them belongs to another instance. Nothing has moved.',
    );
  }
  return { isNew: there === undefined };
}

async function arrive(to: StorageConfig): Promise<{ target: MoveTarget; close(): Promise<void> }> {
  const writer = await holdWriter(to, () => {}).catch(sayStop);
  const target = await openArriving(to).catch(async (error: unknown) => {
    await writer.release();
    throw error;
  });
  const close = async () => {
    await target.close();
    await writer.release();
  };
  const occupied = await target.occupied();
  if (occupied === undefined) return { target, close };
  await close();
  throw new SetupError(
    `${nameOfPlace(to)} is not empty (table ${occupied}): an instance moves into an empty database. (If an earlier move there was cut short at its very end, it has arrived: \`paraphe fsck\` tells.)`,
  );
}

async function copy(source: MoveSource, target: MoveTarget, progress: MoveOptions['progress']): Promise<number> {
  const counts = new Map<string, number>();
  for (const table of source.tables) counts.set(table.name, await source.count(table));
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let done = 0;
  for (const table of source.tables) {
    const before = done;
    for await (const rows of source.rows(table)) {
      await target.add(table, rows);
      done += rows.length;
      progress?.(done, all);
    }
    if (done - before !== counts.get(table.name)) throw new RangeError(`table ${table.name} changed while it was read`);
  }
  return done;
}

async function setLock(to: StorageConfig, checkpoint: string): Promise<void> {
  const lock = await openLock(to);
  try {
    if (!(await lock.swap(undefined, checkpoint))) throw new SetupError('The lock was taken meanwhile: begin again.');
  } finally {
    await lock.close();
  }
}

/** Beside the old data no lock stays that is in its new place. */
async function clearLock(from: StorageConfig, checkpoint: string): Promise<void> {
  if ((await readLock(besideData(from))) === undefined) return;
  const lock = await openLock(besideData(from));
  await lock.clear(checkpoint).finally(() => lock.close());
}
