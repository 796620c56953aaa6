/** What the public sees of a log: when it moves on, what keeps it, and that its figures are true for it at every moment. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkLog } from '../../src/log/check-log.ts';
import { LiveFold } from '../../src/log/live-fold.ts';
import { type Cosign, Publisher, type PublisherDependencies } from '../../src/log/publisher.ts';
import type { WitnessFailure } from '../../src/log/witnesses.ts';
import { closed, newNym, PETITION, signed, withdrawn } from '../fakes/acts.ts';
import { LogFolder, NOON, type OpenLog, type PetitionStoreOfLog } from '../fakes/log-folder.ts';
import { dice } from '../fakes/rounds.ts';
import { checkBeginning } from '../fakes/whole-log.ts';

const NEVER_MS = 3_600_000;

let folder: LogFolder;
let log: OpenLog;
beforeEach(async () => {
  folder = await LogFolder.withPetition();
  log = await folder.open();
});
afterEach(() => {
  log.close();
  folder.done();
});

async function reopen(options: Parameters<LogFolder['open']>[0] = {}): Promise<void> {
  log.close();
  log = await folder.open(options);
}

function openPublisher(options: Partial<PublisherDependencies> = {}): Promise<Publisher> {
  const { sequencer, storage } = log;
  const clock = () => NOON;
  return Publisher.open({
    store: storage.log,
    sequencer,
    origin: folder.key.origin,
    clock,
    everyMs: NEVER_MS,
    ...options,
  });
}

const sign = (times = 1) => Promise.all(Array.from({ length: times }, () => log.sequencer.record(signed(newNym()))));
const totalOf = ({ current }: Publisher) => current.figures.get(PETITION)?.total;

const away = (reason: WitnessFailure['reason']): WitnessFailure => ({
  witness: 'witness.example',
  reason,
  detail: 'as a test wants it',
});

/** Witnesses that are there, or not. */
function witnesses(present: { quorum: boolean; failures?: WitnessFailure[] }) {
  const cosign = vi.fn<Cosign>(async (checkpoint) => ({
    note: `${checkpoint}\u2014 witness.example AAAAAAAAAAA=\n`,
    quorum: present.quorum,
    failures: present.failures ?? (present.quorum ? [] : [away('unreachable')]),
  }));
  return cosign;
}

describe('publication', () => {
  test('comes at its interval, and stops', async () => {
    const publisher = await openPublisher({ everyMs: 5 });
    const stop = publisher.start();
    expect(publisher.current).toMatchObject({ size: 0, checkpoint: undefined });
    await sign();
    await expect.poll(() => publisher.current.size).toBe(2);
    stop();
    await publisher.publish(); // one that was under way
    await sign();
    await wait(30);
    expect(publisher.current.size).toBe(2);
  });

  test('is of the log as it was sealed, and its figures stay as they are while more is sealed', async () => {
    const publisher = await openPublisher();
    await sign(3);
    await publisher.publish();
    const { current } = publisher;
    expect(current).toMatchObject({ size: 4, root: log.sequencer.sealed.root, at: NOON });
    expect(current.checkpoint).toBe(log.sequencer.sealed.checkpoint);
    await sign(2);
    expect(log.sequencer.sealed.size).toBe(6);
    expect(publisher.current).toBe(current);
    expect(totalOf(publisher)).toBe(3);
    await publisher.publish();
    expect(totalOf(publisher)).toBe(5);
    expect(current.figures.get(PETITION)?.total).toBe(3);
  });

  test('has at every moment under load exactly the figures of its size', async () => {
    const publisher = await openPublisher({ everyMs: 1 });
    const stop = publisher.start();
    const roll = dice();
    const seen = new Map([[0, publisher.current]]);
    const people = Array.from({ length: 12 }, async () => {
      for (let i = 0; i < 12 || seen.size <= 3; i++) {
        const nym = newNym();
        await log.sequencer.record(signed(nym, ['75', '2A', '974'][roll(3)]));
        if (roll(3) === 0) await log.sequencer.record(withdrawn(nym));
        seen.set(publisher.current.size, publisher.current);
        if (roll(4) === 0) await wait(1);
      }
    });
    await Promise.all(people);
    stop();
    await publisher.publish();
    seen.set(publisher.current.size, publisher.current);
    expect(seen.size).toBeGreaterThan(3);
    const { leaves } = await folder.check();
    const logged = await log.storage.log.entries(0, leaves.length);
    for (const [size, { figures, checkpoint }] of seen) {
      const fold = new LiveFold();
      for (const entry of logged.slice(0, size)) fold.add(entry);
      expect(figures).toEqual(fold.freeze());
      if (checkpoint !== undefined) expect(await checkBeginning(checkpoint, leaves, folder.key)).toBe(size);
    }
  });

  test('of a log that has not grown is not written again', async () => {
    const publish = vi.fn(log.storage.log.publish);
    const publisher = await openPublisher({ store: { ...log.storage.log, publish } });
    await Promise.all([publisher.publish(), publisher.publish()]);
    await publisher.publish();
    expect(publish).toHaveBeenCalledTimes(1);
  });

  test('that fails is reported once, comes the next time, and keeps nobody from signing', async () => {
    let isFull = true;
    const report = vi.fn();
    const store = {
      ...log.storage.log,
      async publish(...args: Parameters<PetitionStoreOfLog['publish']>) {
        if (isFull) throw new Error('SQLITE_FULL');
        return log.storage.log.publish(...args);
      },
    };
    const publisher = await openPublisher({ store, report });
    await publisher.publish();
    await sign();
    await publisher.publish();
    expect(publisher.current.size).toBe(0);
    expect(report.mock.calls).toEqual([[{ trouble: 'SQLITE_FULL', failures: [] }]]);
    isFull = false;
    await publisher.publish();
    expect(publisher.current.size).toBe(2);
    expect(totalOf(publisher)).toBe(1);
    expect(report.mock.calls.slice(1)).toEqual([[{ trouble: undefined, failures: [] }]]);
  });
});

describe('witnesses without a quorum', () => {
  test('delay publication, and signing only once the backlog is full', async () => {
    await reopen({ limits: { backlog: 4 } });
    const present = { quorum: false };
    const report = vi.fn();
    const publisher = await openPublisher({ cosign: witnesses(present), report });
    await sign(3);
    await publisher.publish();
    expect(publisher.current).toMatchObject({ size: 0, checkpoint: undefined });
    expect(report.mock.calls).toEqual([[{ trouble: 'too few witnesses cosigned', failures: [away('unreachable')] }]]);
    await expect(sign()).rejects.toMatchObject({ code: 'overloaded' });
    expect((await folder.check()).entries).toHaveLength(4);
    present.quorum = true;
    await publisher.publish();
    expect(publisher.current.size).toBe(4);
    expect(publisher.current.checkpoint).toMatch(/^\u2014 witness\.example /m);
    expect(report.mock.calls.at(-1)).toEqual([{ trouble: undefined, failures: [] }]);
    await sign();
  });

  test('are asked for the head as it is now, and what is published is what they signed', async () => {
    const answered = Promise.withResolvers<void>();
    const cosign = vi.fn<Cosign>(async (checkpoint) => {
      await answered.promise;
      return { note: checkpoint, quorum: true, failures: [] };
    });
    const publisher = await openPublisher({ cosign });
    await sign();
    const publishing = publisher.publish();
    await sign(2);
    answered.resolve();
    await publishing;
    expect(publisher.current.size).toBe(2);
    expect(totalOf(publisher)).toBe(1);
    await publisher.publish();
    expect(publisher.current.size).toBe(4);
    expect(cosign.mock.calls.map(([, size]) => size)).toEqual([2, 4]);
  });

  test('asked while they are being asked, is of what is sealed by then', async () => {
    const answered = Promise.withResolvers<void>();
    const cosign: Cosign = async (checkpoint) => {
      await answered.promise;
      return { note: checkpoint, quorum: true, failures: [] };
    };
    const publisher = await openPublisher({ cosign });
    void publisher.publish();
    await sign(2);
    const publishing = publisher.publish();
    answered.resolve();
    await publishing;
    expect(publisher.current.size).toBe(3);
  });

  test('one that is missing beside a quorum is reported, and the log is published', async () => {
    const report = vi.fn();
    const cosign = witnesses({ quorum: true, failures: [away('late')] });
    const publisher = await openPublisher({ cosign, report });
    await publisher.publish();
    expect(publisher.current.size).toBe(1);
    expect(report.mock.calls).toEqual([[{ trouble: undefined, failures: [away('late')] }]]);
  });

  test('at a start: the figures are those of what is published, not of what is sealed', async () => {
    await sign(2);
    await (await openPublisher()).publish();
    await sign(3);
    await reopen();
    const present = { quorum: false };
    const publisher = await openPublisher({ cosign: witnesses(present) });
    await publisher.publish();
    expect(log.sequencer.sealed.size).toBe(6);
    expect(publisher.current.size).toBe(3);
    expect(totalOf(publisher)).toBe(2);
    present.quorum = true;
    await publisher.publish();
    expect(publisher.current.size).toBe(6);
    expect(totalOf(publisher)).toBe(5);
  });

  test('count for the backlog also after a start', async () => {
    await sign(2);
    await (await openPublisher()).publish();
    await sign(3);
    await reopen({ limits: { backlog: 4 } });
    await sign();
    await expect(sign()).rejects.toMatchObject({ code: 'overloaded' });
  });
});

describe('the fold', () => {
  test('is kept with a publication, once enough is new, and not before', async () => {
    const fold = new LiveFold();
    const published: (number | undefined)[] = [];
    const state = { size: 0, day: null, petitions: [], cases: [] };
    const store = {
      state: async () => undefined,
      publish: async (...[, , kept]: Parameters<PetitionStoreOfLog['publish']>) => void published.push(kept?.size),
    };
    const sealed = { size: 0, root: new Uint8Array(32), checkpoint: 'a note' };
    const sequencer = { sealed, fold, notePublished: () => {} };
    const publisher = await openPublisher({ store, sequencer });
    for (const size of [19_999, 20_000, 39_999, 40_001]) {
      sealed.size = size;
      fold.restore({ ...state, size });
      await publisher.publish();
    }
    expect(published).toEqual([undefined, 20_000, undefined, 40_001]);
  });

  test('that was kept is where a start goes on from: nothing before it is read again but the right edge', async () => {
    await sign(300);
    const { checkpoint, size } = log.sequencer.sealed;
    await log.storage.log.publish(checkpoint, NOON, log.sequencer.fold.snapshot(), 0);
    await sign(5);
    const reads: number[] = [];
    await reopen({
      store: (real) => ({
        ...real,
        async entries(from, to) {
          reads.push(from);
          return real.entries(from, to);
        },
      }),
    });
    expect(Math.min(...reads)).toBe(256); // the tile of the right edge begins there
    expect(reads).toContain(size);
    expect(log.sequencer.fold.total(PETITION)).toBe(305);
    expect(await log.sequencer.record(closed())).toEqual({ result: 'closed', count: 305 });
    await folder.check();
  });

  test('that was kept ahead of what is published is not used: figures never run ahead', async () => {
    await sign(3);
    await (await openPublisher()).publish();
    await sign(4);
    const { checkpoint } = (await log.storage.log.state())!.publication!;
    await log.storage.log.publish(checkpoint, NOON, log.sequencer.fold.snapshot(), 0);
    await reopen();
    expect(totalOf(await openPublisher())).toBe(3);
    expect(log.sequencer.fold.total(PETITION)).toBe(7);
  });

  test('that was kept wrong gives wrong figures, which fsck finds', async () => {
    await sign(3);
    const { checkpoint } = log.sequencer.sealed;
    const snapshot = log.sequencer.fold.snapshot();
    const wrong = { ...snapshot, petitions: snapshot.petitions.map((one) => ({ ...one, total: 4 })) };
    await log.storage.log.publish(checkpoint, NOON, wrong, 0);
    await reopen();
    expect(totalOf(await openPublisher())).toBe(4);
    const { problems } = await checkLog(log.storage.log);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^the figures that are kept for size 4/);
  });
});
