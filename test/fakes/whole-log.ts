/**
 * Everything that must be true of a log at rest, recomputed the long way from its entries: leaves, every tile, the root,
 * the checkpoints in lock and publication, the rules, and the rows that say who has signed. Shares no code with the
 * sequencer, and throws at the first thing that is wrong.
 */
import assert from 'node:assert/strict';
import { type Entry, encodeEntry } from '../../src/log/entry.ts';
import { Fold, type FoldSnapshot } from '../../src/log/fold.ts';
import { LiveFold } from '../../src/log/live-fold.ts';
import type { LogKey } from '../../src/log/log-key.ts';
import { NymTable } from '../../src/log/nym-table.ts';
import type { LogLock } from '../../src/log/ports.ts';
import { hashing } from '../../src/node-crypto.ts';
import type { PetitionId } from '../../src/petitions/petition.ts';
import type { Storage } from '../../src/storage/open.ts';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { rootOf } from '../../src/tlog/merkle.ts';
import { TILE_WIDTH, tilesOfLevel } from '../../src/tlog/tile.ts';

export type WholeLog = {
  readonly entries: readonly Entry[];
  readonly leaves: readonly Uint8Array[];
  readonly fold: FoldSnapshot;
  /** The checkpoint in the lock, and its size. */
  readonly locked: string;
  readonly lockedSize: number;
};

export async function checkWholeLog(storage: Storage, lock: LogLock, key: LogKey): Promise<WholeLog> {
  const state = await storage.log.state();
  assert.ok(state, 'a log');
  const logged = await storage.log.entries(0, Number.MAX_SAFE_INTEGER);
  assert.equal(logged.length, state.size, 'as many entries as the head says');

  const nyms = new NymTable();
  const fold = new Fold(nyms);
  for (const [index, { entry, before }] of logged.entries()) {
    const about = 'nym' in entry ? nyms.get(entry.petition, entry.nym) : undefined;
    assert.deepEqual(before, about, `what came before entry ${index}`);
    assert.equal(fold.addBytes(encodeEntry(entry)), undefined);
  }
  assert.deepEqual((await LiveFold.ofStored(storage.log)).snapshot(), fold.snapshot(), 'the fold that was kept');

  const leaves = logged.map(({ entry }) => hashing.leaf(encodeEntry(entry)));
  await checkTiles(storage, leaves);
  assert.deepEqual(bytes(state.root), bytes(rootOf(hashing, leaves)), 'the root');

  const locked = await lock.read();
  assert.ok(locked, 'a checkpoint in the lock');
  const lockedSize = await checkBeginning(locked, leaves, key);
  if (state.publication !== undefined) await checkBeginning(state.publication.checkpoint, leaves, key);

  for (const { entry } of logged) {
    if (!('nym' in entry)) continue;
    const found = await storage.signatures.find(entry.petition as PetitionId, entry.nym, state.size);
    assert.equal(found?.state, nyms.get(entry.petition, entry.nym)?.state, `the row of ${entry.nym}`);
  }
  return { entries: logged.map(({ entry }) => entry), leaves, fold: fold.snapshot(), locked, lockedSize };
}

async function checkTiles(storage: Storage, leaves: readonly Uint8Array[]): Promise<void> {
  let hashes = leaves;
  for (let level = 0; hashes.length > 0; level++) {
    const above: Uint8Array[] = [];
    for (const { index, width } of tilesOfLevel(0, hashes.length)) {
      const expected = hashes.slice(index * TILE_WIDTH, index * TILE_WIDTH + width);
      assert.deepEqual(bytes(await storage.log.tile(level, index)), Buffer.concat(expected), `tile ${level}/${index}`);
      if (width === TILE_WIDTH) above.push(rootOf(hashing, expected));
    }
    hashes = above;
  }
}

/** That a checkpoint is of the first leaves. @returns their number */
export async function checkBeginning(checkpoint: string, leaves: readonly Uint8Array[], key: LogKey): Promise<number> {
  const { size, root } = (await openCheckpoint(Buffer.from(checkpoint), key.origin, [key.verifier])).checkpoint;
  assert.ok(size <= leaves.length, `a checkpoint of ${size} entries, where the log has ${leaves.length}`);
  assert.deepEqual(bytes(root), bytes(rootOf(hashing, leaves.slice(0, size))), `the root of ${size} entries`);
  return size;
}

const bytes = (hash: Uint8Array | undefined) => Buffer.from(hash ?? []);
