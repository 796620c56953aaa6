import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { dayFromNumber } from '../../src/clock.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import type { PetitionId } from '../../src/petitions/petition.ts';
import type { SignatureStore } from '../../src/petitions/ports.ts';
import { Recorder } from '../../src/petitions/recorder.ts';
import type { Outcome, Recording } from '../../src/petitions/signature.ts';

const recording = (): Recording => ({
  kind: 'signed',
  petition: '01m7k8m0n1ew6076n6rar3zv8a' as PetitionId,
  nym: nymFromBytes(randomBytes(32)),
  department: undefined,
  day: dayFromNumber(20_000),
});

/** A store that commits when it is told to, so that a test can stand between the asking and the commit. */
function heldStore() {
  const commits: { batch: readonly Recording[]; commit: () => void; fail: (error: Error) => void }[] = [];
  const record = (batch: readonly Recording[]) =>
    new Promise<readonly Outcome[]>((resolve, reject) => {
      const outcomes = batch.map((one): Outcome => ({ result: 'signed', signature: { ...one, state: 'active' } }));
      commits.push({ batch, commit: () => resolve(outcomes), fail: reject });
    });
  return { commits, store: { record } as unknown as SignatureStore };
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 20));
const limits = { windowMs: 2, batch: 3, queue: 5 };

describe('the recorder', () => {
  test('answers after the commit that holds a recording, each with its own outcome', async () => {
    const { commits, store } = heldStore();
    const recorder = new Recorder(store, limits);
    const asked = [recording(), recording()];
    const answered: Outcome[] = [];
    const answers = asked.map((one) => recorder.record(one).then((outcome) => void answered.push(outcome)));
    await soon();
    expect(commits.map(({ batch }) => batch)).toEqual([asked]);
    expect(answered).toEqual([]);
    commits[0]!.commit();
    await Promise.all(answers);
    expect(answered.map(({ signature }) => signature?.nym)).toEqual(asked.map(({ nym }) => nym));
  });

  test('commits a full batch at once and keeps the rest for the next', async () => {
    const { commits, store } = heldStore();
    const recorder = new Recorder(store, { ...limits, windowMs: 60_000 });
    const answers = [recording(), recording(), recording(), recording()].map((one) => recorder.record(one));
    await soon();
    expect(commits.map(({ batch }) => batch.length)).toEqual([3]);
    commits[0]!.commit();
    const drained = recorder.drain();
    await soon();
    expect(commits.map(({ batch }) => batch.length)).toEqual([3, 1]);
    commits[1]!.commit();
    await drained;
    await Promise.all(answers);
  });

  test('refuses what it cannot hold, and answers what it took', async () => {
    const { commits, store } = heldStore();
    const recorder = new Recorder(store, limits);
    const first = [recording(), recording(), recording()].map((one) => recorder.record(one));
    const waiting = Array.from({ length: 5 }, () => recorder.record(recording()));
    await expect(recorder.record(recording())).rejects.toMatchObject({ code: 'overloaded' });
    for (let i = 0; i < 3; i++) {
      await soon();
      commits[i]?.commit();
    }
    expect(await Promise.all([...first, ...waiting])).toHaveLength(8);
  });

  test('tells everyone in a batch that failed, and goes on', async () => {
    const { commits, store } = heldStore();
    const recorder = new Recorder(store, limits);
    const lost = [recorder.record(recording()), recorder.record(recording())];
    await soon();
    commits[0]!.fail(new Error('disk'));
    for (const answer of lost) await expect(answer).rejects.toThrow('disk');
    const next = recorder.record(recording());
    await soon();
    commits[1]!.commit();
    expect((await next).result).toBe('signed');
  });
});
