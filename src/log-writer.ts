/**
 * Who writes the log. A gateway holds the right to write for as long as it serves; a command takes it when no gateway
 * does, and otherwise leaves its acts for the gateway and waits for what becomes of them.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import type { StorageConfig } from './config.ts';
import { Refusal, SetupError } from './errors.ts';
import type { LogKey } from './log/log-key.ts';
import { beginLog, Sequencer, type SequencerDependencies } from './log/sequencer.ts';
import type { PetitionAct, PetitionOutcome } from './petitions/acts.ts';
import type { Register, RequestStore } from './petitions/ports.ts';
import { readKeys } from './storage/key-folder.ts';
import { holdWriter, openLock, openStorage, type Storage, type StoragePlace, WriterBusy } from './storage/open.ts';

export type LogWriter = {
  readonly sequencer: Sequencer<PetitionAct, PetitionOutcome>;
  close(): Promise<void>;
};

type Options = Partial<Pick<SequencerDependencies<PetitionAct, PetitionOutcome>, 'limits' | 'reached'>>;

/** Begins the log of a key that was just made. @throws SetupError when the folder has the lock of another */
export async function createLog(place: StoragePlace, key: LogKey): Promise<void> {
  const lock = await openLock(place);
  await beginLog(lock, key).finally(() => lock.close());
}

/** @throws SetupError when another process writes, or the log cannot go on from where its data and its lock are */
export async function openLogWriter(
  { place, storage, key, clock }: { place: StoragePlace; storage: Storage; key: LogKey; clock: Clock },
  options: Options = {},
): Promise<LogWriter> {
  const lost = Promise.withResolvers<Error>();
  const writer = await holdWriter(place, lost.resolve);
  try {
    const lock = await openLock(place);
    try {
      const sequencer = await Sequencer.open({ store: storage.log, lock, key, clock, ...options });
      void lost.promise.then((error) => sequencer.stop(error));
      return {
        sequencer,
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
    if (writer === undefined) return await work({ storage, register: throughGateway(storage.requests) });
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

const ASK_MS = 100;
const PATIENCE_MS = 30_000;

function throughGateway(requests: RequestStore): Register & BulkRegister {
  const recordAll = async (acts: readonly PetitionAct[]): Promise<readonly PetitionOutcome[]> => {
    const id = await requests.leave(acts);
    for (let waited = 0; ; waited += ASK_MS) {
      const outcomes = await requests.collect(id);
      if (outcomes !== undefined) {
        const failed = outcomes.find((outcome) => outcome.result === 'failed');
        if (failed !== undefined) throw new SetupError(`The gateway could not record it: ${failed.reason}.`);
        return outcomes;
      }
      if (waited >= PATIENCE_MS && (await requests.withdraw(id))) {
        throw new SetupError(
          'Another process writes the log and took no notice: if it is a gateway, see its diagnostics.',
        );
      }
      await wait(ASK_MS);
    }
  };
  return {
    recordAll,
    async record(act) {
      const [outcome] = await recordAll([act]);
      if (outcome === undefined) throw new Refusal('storage-unavailable', 'a request without an outcome');
      return outcome;
    },
  };
}

/** Takes up what commands leave, until the returned function is called. @param failed told what went wrong, once each time */
export function answerRequests(
  requests: RequestStore,
  register: Register,
  failed: (error: unknown) => void,
): () => Promise<void> {
  let round: Promise<void> | undefined;
  const timer = setInterval(() => {
    round ??= answerWaiting(requests, register)
      .catch(failed)
      .finally(() => {
        round = undefined;
      });
  }, ASK_MS);
  return async () => {
    clearInterval(timer);
    await round;
  };
}

async function answerWaiting(requests: RequestStore, register: Register): Promise<void> {
  for (const { id, acts } of await requests.waiting()) {
    // Recorded before it is answered: after a crash in between, every act finds itself done.
    await requests.answer(id, await Promise.all(acts.map((act) => record(register, act))));
  }
}

/** What passes by itself is tried again with the next round; what does not is an answer, or it would come back for ever. */
async function record(register: Register, act: PetitionAct): Promise<PetitionOutcome> {
  try {
    return await register.record(act);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return { result: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
