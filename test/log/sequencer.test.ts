/** The one writer on the real store and lock: what an answer rests on, what a batch is, and what each failure leaves. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Refusal } from '../../src/errors.ts';
import type { LogLock } from '../../src/log/ports.ts';
import type { Step } from '../../src/log/sequencer.ts';
import type { PetitionOutcome } from '../../src/petitions/acts.ts';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import {
  closed,
  invalidated,
  keysSeen,
  newNym,
  opened,
  PETITION,
  petitionNamed,
  signed,
  withdrawn,
} from '../fakes/acts.ts';
import { LogFolder, NOON, type OpenLog, type PetitionStoreOfLog } from '../fakes/log-folder.ts';

/** Longer than any test: what is answered was not answered by the clock. */
const NEVER_MS = 3_600_000;

let folder: LogFolder;
let log: OpenLog | undefined;
beforeEach(async () => {
  folder = await LogFolder.withPetition();
});
afterEach(() => {
  log?.close();
  log = undefined;
  folder.done();
});

async function open(options: Parameters<LogFolder['open']>[0] = {}): Promise<OpenLog> {
  log = await folder.open(options);
  return log;
}

const resultOf = ({ result }: PetitionOutcome) => result;

function indexOf(outcome: PetitionOutcome): number {
  if (!('signature' in outcome)) throw new Error(`no signature: ${outcome.result}`);
  return outcome.signature.index;
}

async function lockedSize(lock: LogLock): Promise<number> {
  const note = Buffer.from((await lock.read()) ?? '');
  return (await openCheckpoint(note, folder.key.origin, [folder.key.verifier])).checkpoint.size;
}

/** A lock that keeps a swap waiting until it is let go. */
function heldLock() {
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const lock = (real: LogLock): LogLock => ({
    read: () => real.read(),
    async swap(expected, next) {
      asked.resolve();
      await held.promise;
      return real.swap(expected, next);
    },
  });
  return { lock, asked: asked.promise, letGo: () => held.resolve() };
}

/** Counts the batches that a store takes. */
function counting(batches: number[]) {
  return (real: PetitionStoreOfLog): PetitionStoreOfLog => ({
    ...real,
    async append(batch, acts) {
      batches.push(acts.length);
      return real.append(batch, acts);
    },
  });
}

describe('an answer', () => {
  test('comes only after the lock holds the checkpoint that covers it', async () => {
    const held = heldLock();
    const steps: Step[] = [];
    const { sequencer, lock, storage } = await open({ lock: held.lock, reached: (step) => steps.push(step) });
    let isAnswered = false;
    const answer = sequencer.record(signed(newNym())).finally(() => {
      isAnswered = true;
    });
    await held.asked;
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    expect(isAnswered).toBe(false);
    expect(steps).toEqual(['committed', 'signed']);
    expect((await storage.log.state())?.size).toBe(2);
    expect(await lockedSize(lock)).toBe(1);
    expect(sequencer.sealed.size).toBe(1);
    held.letGo();
    expect(indexOf(await answer)).toBe(1);
    expect(await lockedSize(lock)).toBe(2);
    expect(steps).toEqual(['committed', 'signed', 'sealed', 'answered']);
  });

  test('whenever it comes, in whatever batch, the lock covers it', async () => {
    const { sequencer, lock } = await open({ limits: { batch: 7 } });
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        const index = indexOf(await sequencer.record(signed(newNym())));
        expect(await lockedSize(lock)).toBeGreaterThan(index);
      }),
    );
    expect((await folder.check()).entries).toHaveLength(61);
  });

  test('to the same act asked twice at once is the same, and there is one entry', async () => {
    const batches: number[] = [];
    const { sequencer } = await open({ store: counting(batches) });
    const nym = newNym();
    const [one, two] = await Promise.all([sequencer.record(signed(nym)), sequencer.record(signed(nym, '13'))]);
    expect(one).toMatchObject({ result: 'signed', signature: { department: '75' } });
    expect(two).toBe(one);
    expect(await sequencer.record(signed(nym, '13'))).toEqual({ ...one, result: 'already-signed' });
    expect(batches).toEqual([1, 1]);
    expect((await folder.check()).entries).toHaveLength(2);
  });

  test('to one who asks while the same is being recorded is that it was', async () => {
    const held = heldLock();
    const { sequencer } = await open({ lock: held.lock });
    const nym = newNym();
    const first = sequencer.record(signed(nym));
    await held.asked;
    const second = sequencer.record(signed(nym));
    held.letGo();
    expect([resultOf(await first), resultOf(await second)]).toEqual(['signed', 'already-signed']);
  });
});

describe('a batch', () => {
  test('closes after its time', async () => {
    const batches: number[] = [];
    const { sequencer } = await open({ store: counting(batches), limits: { windowMs: 5 } });
    await Promise.all([1, 2, 3].map(() => sequencer.record(signed(newNym()))));
    expect(batches).toEqual([3]);
  });

  test('closes when it is full, whatever its time', async () => {
    const batches: number[] = [];
    const { sequencer } = await open({ store: counting(batches), limits: { windowMs: NEVER_MS, batch: 4 } });
    const answered = vi.fn();
    const acts = Array.from({ length: 9 }, () => sequencer.record(signed(newNym())).then(answered));
    await Promise.all(acts.slice(0, 8));
    expect(batches).toEqual([4, 4]);
    expect(answered).toHaveBeenCalledTimes(8);
    await sequencer.drain();
    expect(batches).toEqual([4, 4, 1]);
    expect(answered).toHaveBeenCalledTimes(9);
  });

  test('holds at most one entry of a nym: what is asked of it in a row happens in a row', async () => {
    const batches: number[] = [];
    const { sequencer } = await open({ store: counting(batches) });
    const [nym, other] = [newNym(), newNym()];
    const outcomes = await Promise.all([
      sequencer.record(signed(nym)),
      sequencer.record(withdrawn(nym)),
      sequencer.record(invalidated(nym)),
      sequencer.record(signed(other)),
    ]);
    expect(outcomes.map(resultOf)).toEqual(['signed', 'withdrawn', 'not-active', 'signed']);
    expect(batches).toEqual([2, 1, 1]);
  });

  test('of an act that is about no nym holds that act alone, and keeps its place among the others', async () => {
    const batches: number[] = [];
    const { sequencer } = await open({ store: counting(batches) });
    const outcomes = await Promise.all([
      sequencer.record(signed(newNym())),
      sequencer.record(signed(newNym())),
      sequencer.record(closed()),
      sequencer.record(signed(newNym())),
      sequencer.record(keysSeen('{"keys":[]}')),
      sequencer.record(keysSeen('{"keys":[1]}')),
    ]);
    expect(outcomes.map(resultOf)).toEqual(['signed', 'signed', 'closed', 'petition-closed', 'noted', 'noted']);
    expect(batches).toEqual([2, 1, 1, 1, 1]);
    const { entries } = await folder.check();
    expect(entries.map(({ kind }) => kind)).toEqual([
      'petition-opened',
      'signed',
      'signed',
      'petition-closed',
      'identity-keys',
      'identity-keys',
    ]);
    expect(entries[3]).toMatchObject({ count: 2 });
  });

  test('does not tell who came first: any place in the log is as likely as any other', async () => {
    const [BATCHES, WIDTH] = [100, 8];
    const { sequencer } = await open({ limits: { windowMs: NEVER_MS, batch: WIDTH } });
    const late = Array<number>(WIDTH).fill(0);
    let inversions = 0;
    for (let batch = 0; batch < BATCHES; batch++) {
      const outcomes = await Promise.all(Array.from({ length: WIDTH }, () => sequencer.record(signed(newNym()))));
      const order = outcomes.map((outcome) => indexOf(outcome) - 1 - batch * WIDTH);
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      for (const [came, place] of order.entries()) late[came]! += place >= WIDTH / 2 ? 1 : 0;
      inversions += order.flatMap((place, i) => order.slice(i + 1).filter((later) => later < place)).length;
    }
    // A fair shuffle turns round half of all pairs, 1,400, with a standard deviation of 40; and puts whoever comes first,
    // second or last into the later half as often as not, 50 times, with one of 5. One run in ten million is outside.
    expect(Math.abs(inversions - (BATCHES * WIDTH * (WIDTH - 1)) / 4)).toBeLessThan(240);
    for (const times of late) expect(Math.abs(times - BATCHES / 2)).toBeLessThan(30);
  });

  test('carries today, and no earlier day than the last when the clock is set back, also after a restart', async () => {
    let now = NOON;
    const clock = () => now;
    const dayOf = async (at: string) => {
      now = new Date(at);
      const outcome = await log!.sequencer.record(signed(newNym()));
      return 'signature' in outcome ? outcome.signature.day : undefined;
    };
    await open({ clock });
    expect(await dayOf('2026-11-17T22:59:59Z')).toBe('2026-11-17');
    expect(await dayOf('2026-11-17T23:00:00Z')).toBe('2026-11-18'); // midnight in Paris
    expect(await dayOf('2026-11-16T11:00:00Z')).toBe('2026-11-18');
    log?.close();
    await open({ clock });
    expect(await dayOf('2026-11-17T11:00:00Z')).toBe('2026-11-18');
    expect(await dayOf('2026-11-19T11:00:00Z')).toBe('2026-11-19');
    await folder.check();
  });
});

describe('closing a petition', () => {
  test('carries the count of the fold, withdrawn and invalidated left out', async () => {
    const { sequencer } = await open();
    const nyms = Array.from({ length: 6 }, newNym);
    await Promise.all(nyms.map((nym) => sequencer.record(signed(nym))));
    await sequencer.record(withdrawn(nyms[0]!));
    await sequencer.record(invalidated(nyms[1]!));
    expect(await sequencer.record(closed())).toEqual({ result: 'closed', count: 4 });
    await sequencer.record(withdrawn(nyms[2]!));
    expect(await sequencer.record(closed())).toEqual({ result: 'already-closed', count: 4 });
    expect((await folder.check()).fold.petitions).toMatchObject([{ total: 3, withdrawn: 2 }]);
  });

  test('counts what was recorded and never answered', async () => {
    let isFailing = true;
    const { sequencer } = await open({
      lock: (real) => ({
        read: () => real.read(),
        swap(expected, next) {
          if (isFailing) throw new Refusal('storage-unavailable', 'SQLITE_FULL');
          return real.swap(expected, next);
        },
      }),
    });
    await expect(sequencer.record(signed(newNym()))).rejects.toThrow('storage-unavailable');
    isFailing = false;
    expect(await sequencer.record(closed())).toEqual({ result: 'closed', count: 1 });
    await folder.check();
  });
});

describe('too much at once', () => {
  test('is refused when the queue is full, and nobody who was let in is lost', async () => {
    const held = heldLock();
    const { sequencer } = await open({ lock: held.lock, limits: { windowMs: 0, batch: 2, queue: 3 } });
    const waiting = [newNym(), newNym()].map((nym) => sequencer.record(signed(nym)));
    await held.asked; // two are being recorded
    const queued = [newNym(), newNym(), newNym()];
    waiting.push(...queued.map((nym) => sequencer.record(signed(nym))));
    await expect(sequencer.record(signed(newNym()))).rejects.toMatchObject({ code: 'overloaded' });
    waiting.push(sequencer.record(signed(queued[0]!))); // the same act takes no place
    held.letGo();
    expect(new Set((await Promise.all(waiting)).map(indexOf))).toEqual(new Set([1, 2, 3, 4, 5]));
    expect(resultOf(await sequencer.record(signed(newNym())))).toBe('signed');
    expect((await folder.check()).entries).toHaveLength(7);
  });

  test('is refused while too much waits for publication, until it is published', async () => {
    const { sequencer } = await open({ limits: { backlog: 3 } });
    expect(sequencer.sealed.size).toBe(1);
    await sequencer.record(signed(newNym()));
    await sequencer.record(signed(newNym()));
    const nym = newNym();
    await expect(sequencer.record(signed(nym))).rejects.toMatchObject({ code: 'overloaded' });
    await expect(sequencer.record(keysSeen('{}'))).rejects.toMatchObject({ code: 'overloaded' });
    expect((await folder.check()).entries).toHaveLength(3);
    sequencer.notePublished(1);
    expect(resultOf(await sequencer.record(signed(nym)))).toBe('signed');
    await expect(sequencer.record(signed(newNym()))).rejects.toMatchObject({ code: 'overloaded' });
  });
});

describe('a queue that is never empty', () => {
  test('leaves everyone else their turn between two batches', async () => {
    const { sequencer } = await open({ limits: { batch: 4 } });
    let turns = 0;
    let isDone = false;
    const others = (async () => {
      while (!isDone) turns += (await setImmediate(1)) ?? 0;
    })();
    const askers = Array.from({ length: 12 }, async () => {
      for (let i = 0; i < 10; i++) await sequencer.record(signed(newNym()));
    });
    await Promise.all(askers);
    isDone = true;
    await others;
    expect(turns).toBeGreaterThanOrEqual(20);
  });
});

describe('draining', () => {
  test('answers everyone who has asked, before the time of their batch', async () => {
    const { sequencer } = await open({ limits: { windowMs: NEVER_MS, batch: 2 } });
    const answers = Promise.all([1, 2, 3, 4, 5].map(() => sequencer.record(signed(newNym()))));
    await sequencer.drain();
    expect((await answers).map(resultOf)).toEqual(Array(5).fill('signed'));
    await sequencer.drain();
  });
});

describe('a log that never was', () => {
  test('begins with a signed checkpoint of nothing, and its first petition is its first entry', async () => {
    const fresh = new LogFolder();
    const { sequencer, lock, close } = await fresh.open();
    expect(sequencer.sealed.size).toBe(0);
    expect(await lock.read()).toBe(sequencer.sealed.checkpoint);
    await sequencer.record(opened(petitionNamed('une', PETITION)));
    close();
    expect((await fresh.check()).entries).toHaveLength(1);
    fresh.done();
  });
});
