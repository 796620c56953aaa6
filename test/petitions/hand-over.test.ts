/** Acts handed over: while the database between the processes does not answer, or answers too late; and each to its end. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import type { PetitionAct, PetitionOutcome } from '../../src/petitions/acts.ts';
import { answerRequests, HandOver } from '../../src/petitions/hand-over.ts';
import type { Answer, RequestStore } from '../../src/petitions/ports.ts';

const ACT: PetitionAct = { kind: 'identity-keys', issuer: 'https://idp.example', jwks: Buffer.from('{"keys":[]}') };
const never = () => new Promise<never>(() => {});

/** Nobody writes the log, and there is nothing to collect. */
function silent(store: Partial<RequestStore>): RequestStore {
  return {
    leave: async () => {},
    collect: async () => [],
    withdraw: async () => true,
    waiting: async () => [],
    answer: async () => {},
    sweep: async () => {},
    onAsked: () => () => {},
    onAnswered: () => () => {},
    ...store,
  };
}

afterEach(() => void vi.useRealTimers());

/** @returns what became of each of these acts, each handed over by itself, when all patience is over */
async function afterPatience(store: Partial<RequestStore>, acts: number): Promise<readonly unknown[]> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearInterval', 'performance'] });
  const handOver = new HandOver(silent(store));
  const became: unknown[] = [];
  for (let i = 0; i < acts; i++) {
    handOver.recordAll([ACT]).catch((error: unknown) => became.push(error));
  }
  for (let seconds = 0; seconds < 22; seconds++) {
    await vi.advanceTimersByTimeAsync(1000);
    await turn();
  }
  handOver.close();
  return became;
}

const UNAVAILABLE = expect.objectContaining({ code: 'storage-unavailable' });

test('nobody answers: whoever waits is told so', async () => {
  expect(await afterPatience({}, 1)).toEqual([UNAVAILABLE]);
});

test('who hands over listens only while it waits', async () => {
  let listening = 0;
  let answered = () => {};
  const asked: string[] = [];
  const outcome: PetitionOutcome = { result: 'kept' } as never;
  const handOver = new HandOver(
    silent({
      leave: async (id) => void asked.push(id),
      collect: async (ids) => ids.map((id) => ({ id, outcomes: [outcome] })),
      onAnswered: (told) => {
        listening++;
        answered = told;
        return () => listening--;
      },
    }),
  );
  expect(listening).toBe(0);
  const both = [handOver.recordAll([ACT]), handOver.recordAll([ACT])];
  expect(listening).toBe(1);
  answered();
  expect(await Promise.all(both)).toEqual([[outcome], [outcome]]);
  expect(listening).toBe(0);

  void handOver.recordAll([ACT]);
  handOver.close();
  expect(listening).toBe(0);
  void handOver.recordAll([ACT]);
  expect(listening).toBe(0);
});

test('a database that hangs while acts are left does not make them wait longer, nor end the process', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.prependListener('unhandledRejection', note);
  try {
    expect(await afterPatience({ leave: never }, 1)).toEqual([UNAVAILABLE]);
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
  }
});

test('a database that hangs while one is given up keeps nobody else waiting', async () => {
  let asked = 0;
  const withdraw = () => {
    asked++;
    return new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 500));
  };
  expect(await afterPatience({ withdraw }, 20)).toHaveLength(20);
  expect(asked).toBe(20);
});

test('requests that are taken up together and recorded one after the other are each answered, once', async () => {
  const ids = ['first', 'second', 'third'];
  const recorded = ids.map(() => Promise.withResolvers<PetitionOutcome>());
  const answered: Answer[] = [];
  const store = silent({
    waiting: async (except) => ids.filter((id) => !except.includes(id)).map((id) => ({ id, acts: [ACT] })),
    answer: async (answers) => void answered.push(...answers),
  });
  let asked = 0;
  const record = () => recorded[asked++]?.promise ?? Promise.reject(new Error('asked again'));
  const failures: unknown[] = [];
  answerRequests(store, { record }, (error) => failures.push(error));
  await turn();
  for (const { resolve } of recorded) {
    resolve({ result: 'noted' });
    for (let i = 0; i < 3; i++) await turn();
  }
  expect(answered).toEqual(ids.map((id) => ({ id, outcomes: [{ result: 'noted' }] })));
  expect(failures).toEqual([]);
});
