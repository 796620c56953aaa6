/**
 * Who writes the log. A process that serves holds the right to write for as long as it can; a command takes it when nobody
 * does, and otherwise leaves its acts for the one who does, and waits for what becomes of them.
 */
import type { Clock } from './clock.ts';
import type { StorageConfig } from './config.ts';
import { Refusal, SetupError } from './errors.ts';
import type { LogKey } from './log/log-key.ts';
import { Sequencer, type SequencerDependencies } from './log/sequencer.ts';
import { beginLog } from './log/standing.ts';
import type { PetitionAct, PetitionOutcome } from './petitions/acts.ts';
import { HandOver } from './petitions/hand-over.ts';
import type { Register, RequestStore } from './petitions/ports.ts';
import { readKeys } from './storage/key-folder.ts';
import { holdWriter, openLock, openStorage, type Storage, type StoragePlace, WriterBusy } from './storage/open.ts';

export type LogWriter = {
  readonly sequencer: Sequencer<PetitionAct, PetitionOutcome>;
  /** Of the right to write; see `Batch`. */
  readonly epoch: number;
  close(): Promise<void>;
};

type Options = Partial<Pick<SequencerDependencies<PetitionAct, PetitionOutcome>, 'limits' | 'reached' | 'stopped'>>;

/** Begins the log of a key that was just made. @throws SetupError when the folder has the lock of another */
export async function createLog(place: StoragePlace, key: LogKey): Promise<void> {
  const lock = await openLock(place);
  await beginLog(lock, key).finally(() => lock.close());
}

type Opening = {
  readonly place: StoragePlace;
  /** Where the lock is, if not where `place` says. */
  readonly lockPlace?: StoragePlace;
  readonly storage: Storage;
  readonly key: LogKey;
  readonly clock: Clock;
};

/** @throws SetupError when another process writes, or the log cannot go on from where its data and its lock are */
export async function openLogWriter(
  { place, lockPlace = place, storage, key, clock }: Opening,
  options: Options = {},
): Promise<LogWriter> {
  const lost = Promise.withResolvers<Error>();
  const writer = await holdWriter(place, lost.resolve);
  try {
    const lock = await openLock(lockPlace);
    try {
      const { epoch } = writer;
      const sequencer = await Sequencer.open({ store: storage.log, lock, key, clock, epoch, ...options });
      void lost.promise.then((error) => sequencer.stop(error));
      return {
        sequencer,
        epoch,
        async close() {
          await sequencer.drain();
          await lock.close();
          await writer.release();
        },
      };
    } catch (error) {
      await lock.close();
      throw error;
    }
  } catch (error) {
    await writer.release();
    throw error;
  }
}

export type Writing = { readonly storage: Storage; readonly register: Register & BulkRegister };
type BulkRegister = { recordAll(acts: readonly PetitionAct[]): Promise<readonly PetitionOutcome[]> };

/** Works on the data with the log at hand, whoever writes it. */
export async function withRegister<T>(
  config: StorageConfig,
  clock: Clock,
  work: (writing: Writing) => Promise<T>,
): Promise<T> {
  const storage = await openStorage(config);
  try {
    const writer = await takeWriter(config, storage, clock);
    if (writer === undefined) return await throughOther(storage.requests, (register) => work({ storage, register }));
    const { sequencer } = writer;
    const recordAll = (acts: readonly PetitionAct[]) => Promise.all(acts.map((act) => sequencer.record(act)));
    return await work({ storage, register: { record: (act) => sequencer.record(act), recordAll } }).finally(() =>
      writer.close(),
    );
  } finally {
    await storage.close();
  }
}

async function takeWriter(config: StorageConfig, storage: Storage, clock: Clock): Promise<LogWriter | undefined> {
  try {
    return await openLogWriter({ place: config, storage, key: readKeys(config.keysDir).logKey, clock });
  } catch (error) {
    if (error instanceof WriterBusy) return undefined;
    throw error;
  }
}

const PATIENCE_MS = 30_000;

/** Through the process that writes. */
async function throughOther<T>(
  requests: RequestStore,
  work: (register: Register & BulkRegister) => Promise<T>,
): Promise<T> {
  const handOver = new HandOver(requests, { patienceMs: PATIENCE_MS });
  const recordAll = async (acts: readonly PetitionAct[]): Promise<readonly PetitionOutcome[]> => {
    const outcomes = await handOver.recordAll(acts).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      throw new SetupError(
        'Another process writes the log and took no notice: if it is a gateway, see its diagnostics.',
        { cause: error },
      );
    });
    const failed = outcomes.find((outcome) => outcome.result === 'failed');
    if (failed !== undefined) throw new SetupError(`The gateway could not record it: ${failed.reason}.`);
    return outcomes;
  };
  try {
    const record = async (act: PetitionAct): Promise<PetitionOutcome> => {
      const [outcome] = await recordAll([act]);
      if (outcome === undefined) throw new RangeError('one act has one outcome');
      return outcome;
    };
    return await work({ recordAll, record });
  } finally {
    handOver.close();
  }
}
