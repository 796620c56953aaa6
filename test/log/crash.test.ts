/**
 * A process that writes the log is killed: at each step of a commit and of a publication, and at any instant under load.
 * Whoever had been answered by then, as another process noted it, is in the log once; asking again gives the same answer;
 * and every checkpoint that was ever seen is of a beginning of what follows.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Publisher } from '../../src/log/publisher.ts';
import { LogReader } from '../../src/log/reader.ts';
import { hashing } from '../../src/node-crypto.ts';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { verifyConsistency } from '../../src/tlog/merkle-proof.ts';
import { type LogChild, startLogChild } from '../fakes/log-child.ts';
import { LogFolder, NOON, type OpenLog } from '../fakes/log-folder.ts';
import { dice, rounds, seed } from '../fakes/rounds.ts';
import { actsOf, type DyingStep } from './crash.worker.ts';

const ROUNDS = rounds(3, 100);

let folder: LogFolder;
let memory: Memory;
let child: LogChild | undefined;
beforeEach(async () => {
  folder = await LogFolder.withPetition();
  memory = new Memory();
});
afterEach(() => {
  child?.process.kill('SIGKILL');
  folder.done();
});

/** What someone outside has seen of a log, and never forgets. */
class Memory {
  readonly #answered = new Map<string, number>();
  readonly #checkpoints = new Set<string>();
  #published = 0;

  get answered(): number {
    return this.#answered.size;
  }

  async take({ said }: LogChild): Promise<void> {
    for (const line of said) {
      if (line.what === 'answered') this.takeAnswer(line.act, line.index);
      if (line.what === 'sealed' || line.what === 'published') this.#checkpoints.add(line.checkpoint);
      if (line.what === 'published') await this.#takePublished(line.checkpoint);
    }
  }

  takeAnswer(act: string, index: number): void {
    expect(this.#answered.get(act) ?? index, act).toBe(index);
    this.#answered.set(act, index);
  }

  async #takePublished(checkpoint: string): Promise<void> {
    const { size } = await headOf(checkpoint);
    expect(size).toBeGreaterThanOrEqual(this.#published);
    this.#published = size;
  }

  /** Opens the log again: that it converges, and that nothing that was seen is gone. */
  async expectKept(): Promise<OpenLog> {
    const log = await folder.open();
    const { storage, sequencer } = log;
    const { publication, size: stored } = (await storage.log.state()) ?? {};
    expect(sequencer.sealed.size).toBe(stored); // what the crash left unsigned is signed
    if (publication !== undefined) {
      this.#checkpoints.add(publication.checkpoint);
      await this.#takePublished(publication.checkpoint);
    }
    const publisher = await Publisher.open({
      store: storage.log,
      sequencer,
      origin: folder.key.origin,
      clock: () => NOON,
      everyMs: 1000,
    });
    await publisher.publish();
    expect(publisher.current).toMatchObject({ size: sequencer.sealed.size, root: sequencer.sealed.root });
    await this.#takePublished(publisher.current.checkpoint ?? '');
    const reader = new LogReader({
      files: storage.log,
      vkey: folder.key.vkey,
      published: () => publisher.current,
      refresh: () => publisher.refresh(),
      sealed: async () => sequencer.sealed,
    });
    const { size, root } = sequencer.sealed;
    for (const checkpoint of this.#checkpoints) {
      const old = await headOf(checkpoint);
      const proof = await reader.consistency(old.size, size);
      verifyConsistency(hashing, { oldSize: old.size, oldRoot: old.root, size, root, proof });
    }
    this.#checkpoints.clear(); // what is consistent with the last one is consistent with what follows from it
    this.#checkpoints.add(sequencer.sealed.checkpoint);
    return log;
  }

  /** Asks again for all that these people may have asked; then everything is there, once, where it was said to be. */
  async askAgain({ sequencer }: OpenLog, name: string, people: number): Promise<void> {
    await Promise.all(
      Array.from({ length: people }, async (_, person) => {
        const acts = actsOf(name, person);
        // What was answered last, if nothing can have been asked after it; else what was asked next.
        const from = acts.findLastIndex(({ id }) => this.#answered.has(id)) + 1;
        for (const { id, act } of acts.slice(Math.min(from, acts.length - 1))) {
          const outcome = await sequencer.record(act);
          const isKnown = this.#answered.has(id);
          if (isKnown) expect(outcome.result).toMatch(/^already-/);
          if ('signature' in outcome) this.takeAnswer(id, outcome.signature.index);
        }
      }),
    );
  }

  /** All of the log, recomputed: exactly what was answered is in it, each once. */
  async expectWhole(): Promise<void> {
    const { entries } = await folder.check();
    const found = entries.flatMap((entry, index) => ('nym' in entry ? [[`${entry.kind} ${entry.nym}`, index]] : []));
    const answered = [...this.#answered].sort(([, a], [, b]) => a - b);
    expect(found).toEqual(answered);
  }
}

async function headOf(checkpoint: string) {
  return (await openCheckpoint(Buffer.from(checkpoint), folder.key.origin, [folder.key.verifier])).checkpoint;
}

describe('killed at a step of its own', () => {
  const STEPS: readonly DyingStep[] = ['committed', 'signed', 'sealed', 'answered', 'publishing', 'published'];

  test.each(STEPS)('%s', async (step) => {
    const people = 60;
    // However fast the machine, there are five batches or more, and two publications: at the start, and of what came then.
    const dies = { step, at: step === 'publishing' || step === 'published' ? 2 : 3 };
    child = startLogChild(folder, { name: step, people, inFlight: 25, dies });
    expect(await child.ended()).toBe('SIGKILL');
    await memory.take(child);
    const log = await memory.expectKept();
    await memory.askAgain(log, step, people);
    log.close();
    await memory.expectWhole();
  });
});

describe('killed at any instant under load', () => {
  test(`loses nothing that was answered, and counts nothing twice, in ${ROUNDS} rounds`, async () => {
    const roll = dice();
    for (let round = 1; round <= ROUNDS; round++) {
      const name = `${seed()} ${round}`;
      const people = 100_000;
      child = startLogChild(folder, { name, people, inFlight: 50 + roll(151) });
      expect(await child.hears(({ what }) => what === 'answered')).toBe(true);
      await wait(roll(120));
      child.process.kill('SIGKILL');
      expect(await child.ended()).toBe('SIGKILL');
      const before = memory.answered;
      await memory.take(child);
      expect(memory.answered).toBeGreaterThan(before);
      const log = await memory.expectKept();
      // Whoever may have asked: those who were answered, and as many behind them as can have been under way.
      const asked = child.said.filter(({ what }) => what === 'answered').length + 201;
      await memory.askAgain(log, name, asked);
      log.close();
      await memory.expectWhole();
    }
  });
});
