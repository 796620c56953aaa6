/** A log on a data folder of its own, with the real store and lock: opened and closed as often as a test likes. */
import assert from 'node:assert/strict';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkLog } from '../../src/log/check-log.ts';
import type { LogKey } from '../../src/log/log-key.ts';
import type { LogLock, LogStore } from '../../src/log/ports.ts';
import { Sequencer, type SequencerDependencies } from '../../src/log/sequencer.ts';
import { beginLog } from '../../src/log/standing.ts';
import type { PetitionAct, PetitionOutcome } from '../../src/petitions/acts.ts';
import { createKeys, readKeys } from '../../src/storage/key-folder.ts';
import type { Storage } from '../../src/storage/open.ts';
import { openSqliteLock } from '../../src/storage/sqlite/lock.ts';
import { migrateSqlite, openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { opened, PETITION, petitionNamed } from './acts.ts';
import { checkWholeLog, type WholeLog } from './whole-log.ts';

export type PetitionStoreOfLog = LogStore<PetitionAct, PetitionOutcome>;
export type PetitionSequencer = Sequencer<PetitionAct, PetitionOutcome>;

/** What a test puts between the sequencer and the real thing. */
export type Between = {
  readonly store?: (real: PetitionStoreOfLog) => PetitionStoreOfLog;
  readonly lock?: (real: LogLock) => LogLock;
};
type Options = Between &
  Partial<Pick<SequencerDependencies<PetitionAct, PetitionOutcome>, 'clock' | 'limits' | 'reached'>>;

export type OpenLog = {
  readonly storage: Storage;
  readonly lock: LogLock;
  readonly sequencer: PetitionSequencer;
  close(): void;
};

export const NOON = new Date('2026-11-16T11:00:00Z');

export type Files = ReadonlyMap<string, Uint8Array>;

export class LogFolder {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'paraphe-log-'));
  readonly place = { dataDir: this.dataDir, databaseUrl: 'sqlite:' };
  readonly keysDir = join(this.dataDir, 'keys');
  readonly file = join(this.dataDir, 'paraphe.sqlite');
  readonly key: LogKey;
  #isNew: boolean;

  /** @param files what `files()` of another gave; without them, a folder whose log was never opened */
  constructor(files?: Files) {
    if (files === undefined) {
      createKeys(this.keysDir, 'log.example/log');
      migrateSqlite(this.place);
    } else {
      mkdirSync(this.keysDir);
      for (const [path, bytes] of files) writeFileSync(join(this.dataDir, path), bytes, { mode: 0o600 });
    }
    this.key = readKeys(this.keysDir).logKey;
    this.#isNew = files === undefined;
  }

  static #withPetition: Promise<Files> | undefined;

  /** A folder in which one petition is open: its log has one entry. The first is made, the others are copies. */
  static async withPetition(): Promise<LogFolder> {
    LogFolder.#withPetition ??= makePetition();
    return new LogFolder(await LogFolder.#withPetition);
  }

  /** All that it holds, while nobody has it open. */
  files(): Files {
    const paths = globSync('{*,keys/*}', { cwd: this.dataDir }).filter((path) => path !== 'keys');
    return new Map(paths.map((path) => [path, readFileSync(join(this.dataDir, path))]));
  }

  /** A sequencer that gathers for a millisecond, unless told otherwise. Without the right to write: two may be open. */
  async open({ store, lock, clock = () => NOON, limits, ...rest }: Options = {}): Promise<OpenLog> {
    const storage = openSqliteStorage(this.place);
    const realLock = openSqliteLock(this.dataDir);
    if (this.#isNew) await beginLog(realLock, this.key);
    this.#isNew = false;
    const close = () => {
      storage.close();
      realLock.close();
    };
    try {
      const sequencer = await Sequencer.open<PetitionAct, PetitionOutcome>({
        store: store?.(storage.log) ?? storage.log,
        lock: lock?.(realLock) ?? realLock,
        key: this.key,
        clock,
        limits: { windowMs: 1, ...limits },
        ...rest,
      });
      return { storage, lock: realLock, sequencer, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** Recomputes all of it, as it lies on the disk; `fsck` has to agree. */
  async check(): Promise<WholeLog> {
    const storage = openSqliteStorage(this.place);
    const lock = openSqliteLock(this.dataDir);
    try {
      const whole = await checkWholeLog(storage, lock, this.key);
      const { problems } = await checkLog(storage.log, { locked: whole.locked });
      assert.deepEqual([...problems, ...(await storage.checkTables())], []);
      return whole;
    } finally {
      storage.close();
      lock.close();
    }
  }

  done(): void {
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

async function makePetition(): Promise<Files> {
  const folder = new LogFolder();
  const log = await folder.open();
  await log.sequencer.record(opened(petitionNamed('une', PETITION)));
  log.close();
  const files = folder.files();
  folder.done();
  return files;
}
