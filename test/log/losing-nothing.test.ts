/**
 * Failures of storage and lock at every step of a commit, on the real store and lock. Whoever was answered is in the log
 * once and stays there; whoever was not may ask again and hears the truth; and the log goes on without a restart.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Refusal } from '../../src/errors.ts';
import type { Entry } from '../../src/log/entry.ts';
import type { LogLock } from '../../src/log/ports.ts';
import type { Nym } from '../../src/person/nym.ts';
import type { PetitionAct, PetitionOutcome } from '../../src/petitions/acts.ts';
import { invalidated, newNym, nymOf, PETITION, signed, withdrawn } from '../fakes/acts.ts';
import { LogFolder, type OpenLog, type PetitionSequencer, type PetitionStoreOfLog } from '../fakes/log-folder.ts';
import { checkBeginning } from '../fakes/whole-log.ts';

/** Where something goes wrong, once. */
const FAULTS = [
  'before append',
  'inside append',
  'after append',
  'before swap',
  'after swap',
  'state',
  'entries',
  'tile',
  'lock',
] as const;
type Fault = (typeof FAULTS)[number];

/** A store and a lock in which one thing goes wrong, when it is armed; every checkpoint that went into the lock. */
class Faults {
  #armed: Fault[] = [];
  readonly signed: string[] = [];

  arm(...faults: readonly Fault[]): void {
    this.#armed = [...faults];
  }

  #meet(fault: Fault): void {
    if (this.#armed[0] !== fault) return;
    this.#armed.shift();
    throw new Refusal('storage-unavailable', fault);
  }

  readonly store = (real: PetitionStoreOfLog): PetitionStoreOfLog => ({
    ...real,
    append: async (batch, acts) => {
      this.#meet('before append');
      const grow: typeof batch.grow = (entries) => {
        const grown = batch.grow(entries);
        this.#meet('inside append');
        return grown;
      };
      const appended = await real.append({ ...batch, grow }, acts);
      this.#meet('after append');
      return appended;
    },
    state: async () => {
      this.#meet('state');
      return real.state();
    },
    entries: async (from, to) => {
      this.#meet('entries');
      return real.entries(from, to);
    },
    tile: async (level, index) => {
      this.#meet('tile');
      return real.tile(level, index);
    },
  });

  readonly lock = (real: LogLock): LogLock => ({
    read: async () => {
      this.#meet('lock');
      return real.read();
    },
    swap: async (expected, next) => {
      this.#meet('before swap');
      const swapped = await real.swap(expected, next);
      if (swapped) this.signed.push(next);
      this.#meet('after swap');
      return swapped;
    },
  });
}

let folder: LogFolder;
beforeEach(async () => {
  folder = await LogFolder.withPetition();
});
afterEach(() => folder.done());

describe('a failure', () => {
  const WRITES = ['before append', 'inside append', 'after append', 'before swap', 'after swap'] as const;
  const READS = ['state', 'entries', 'tile', 'lock'] as const;

  test.each(WRITES)('%s: nobody of the batch is answered, the next act works, and the log is whole', async (fault) => {
    const faults = new Faults();
    const { sequencer, close } = await folder.open(faults);
    const nyms = [newNym(), newNym(), newNym()];
    faults.arm(fault);
    const answers = await Promise.allSettled(nyms.map((nym) => sequencer.record(signed(nym))));
    expect(answers.map((answer) => answer.status === 'rejected' && answer.reason.code)).toEqual(
      Array(3).fill('storage-unavailable'),
    );
    expect(sequencer.stopped).toBeUndefined();
    const next = newNym();
    expect(await sequencer.record(signed(next))).toMatchObject({ result: 'signed' });

    const wasRecorded = fault === 'after append' || fault.endsWith('swap');
    const again = await Promise.all(nyms.map((nym) => sequencer.record(signed(nym))));
    expect(new Set(again.map(({ result }) => result))).toEqual(new Set([wasRecorded ? 'already-signed' : 'signed']));
    close();
    const { entries, lockedSize } = await folder.check();
    expect(lockedSize).toBe(5);
    expect(nymsOf(entries).sort()).toEqual([...nyms, next].sort());
  });

  test.each(READS.flatMap((read) => WRITES.map((write) => [write, read] as const)))(
    '%s and then of reading %s back: the act after that works, and the log is whole',
    async (write, read) => {
      const faults = new Faults();
      const { sequencer, close } = await folder.open(faults);
      faults.arm(write, read);
      const nym = newNym();
      await expect(sequencer.record(signed(nym))).rejects.toThrow(write);
      await expect(sequencer.record(signed(nym))).rejects.toThrow(read);
      expect(await sequencer.record(signed(nym))).toMatchObject({ signature: { state: 'active', index: 1 } });
      close();
      expect(nymsOf((await folder.check()).entries)).toEqual([nym]);
    },
  );

  test('that is none of storage, but a bug, is told as it is, and leaves the log whole', async () => {
    const { sequencer, close } = await folder.open({
      store: (real) => ({
        ...real,
        append: async (batch, acts) => {
          const { entries } = await real.append(batch, acts);
          return { outcomes: [], entries };
        },
      }),
    });
    await expect(sequencer.record(signed(newNym()))).rejects.toThrow('without an outcome');
    close();
    expect((await folder.check()).lockedSize).toBe(2);
  });
});

/** What is asked, in rounds: in each, of each person at most one thing; and what goes wrong meanwhile. */
const PEOPLE = Array.from({ length: 6 }, (_, i) => nymOf(`person ${i}`));
const rounds = fc.array(
  fc.record({
    acts: fc.uniqueArray(
      fc.record({ person: fc.nat(PEOPLE.length - 1), kind: fc.constantFrom('signed', 'signed', 'withdrawn') }),
      { selector: ({ person }) => person, maxLength: 5 },
    ),
    invalidates: fc.option(fc.nat(PEOPLE.length - 1), { freq: 8 }),
    faults: fc.array(fc.constantFrom(...FAULTS), { maxLength: 3 }),
    batch: fc.constantFrom(1, 2, 256),
    reopens: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
);

describe('whatever fails, and whenever it is opened again', () => {
  test('the log is the fold of what was answered, and everything answered is in it exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async (asked) => {
        const own = await LogFolder.withPetition();
        const faults = new Faults();
        const answered = new Map<number, { kind: string; nym: Nym }>();
        const state = new Map<Nym, string>();
        let changes = 0;
        let log: OpenLog | undefined;
        try {
          log = await own.open({ ...faults, limits: { batch: 2 } });
          for (const { acts, invalidates, faults: armed, batch, reopens } of asked) {
            if (reopens) log = await reopen(own, log, faults, batch);
            faults.arm(...armed);
            const asks: PetitionAct[] = acts
              .filter(({ person }) => person !== invalidates)
              .map(({ person, kind }) => (kind === 'signed' ? signed(PEOPLE[person]!) : withdrawn(PEOPLE[person]!)));
            if (invalidates !== null) asks.push(invalidated(PEOPLE[invalidates]!));
            for (const outcome of await untilAnswered(log.sequencer, asks)) {
              if (!('signature' in outcome)) continue;
              const { index, nym, state: as } = outcome.signature;
              const entry = { kind: as === 'active' ? 'signed' : 'withdrawn', nym };
              expect(answered.get(index) ?? entry).toEqual(entry);
              answered.set(index, entry);
            }
            for (const act of asks) if (apply(state, act)) changes++;
          }
        } finally {
          log?.close();
        }
        faults.arm();
        const { entries, leaves, fold, lockedSize } = await own.check();
        expect(lockedSize).toBe(entries.length);
        expect(entries).toHaveLength(1 + changes);
        for (const [index, entry] of answered) expect(entries[index]).toMatchObject(entry);
        expect(fold.petitions[0]).toMatchObject({
          total: [...state.values()].filter((kind) => kind === 'signed').length,
          withdrawn: [...state.values()].filter((kind) => kind === 'withdrawn').length,
        });
        let before = 0;
        for (const checkpoint of faults.signed) {
          const size = await checkBeginning(checkpoint, leaves, own.key);
          expect(size).toBeGreaterThan(before);
          before = size;
        }
        own.done();
      }),
      { numRuns: 40 },
    );
  });
});

/** Closes and opens it until nothing is in the way any more. */
async function reopen(folder: LogFolder, log: OpenLog, faults: Faults, batch: number): Promise<OpenLog> {
  log.close();
  for (;;) {
    try {
      return await folder.open({ ...faults, limits: { batch } });
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal);
    }
  }
}

/** Asks all at once, and those who got no answer again. */
async function untilAnswered(sequencer: PetitionSequencer, acts: readonly PetitionAct[]): Promise<PetitionOutcome[]> {
  const outcomes: PetitionOutcome[] = [];
  for (let asking = acts; asking.length > 0; ) {
    const answers = await Promise.allSettled(asking.map((act) => sequencer.record(act)));
    asking = asking.filter((_, i) => answers[i]?.status === 'rejected');
    for (const answer of answers) {
      if (answer.status === 'fulfilled') outcomes.push(answer.value);
      else expect(answer.reason).toMatchObject({ code: 'storage-unavailable' });
    }
  }
  return outcomes;
}

/** The rules, once more: whether an act changes anything. */
function apply(state: Map<Nym, string>, act: PetitionAct): boolean {
  if (!('nym' in act)) return false;
  const before = state.get(act.nym);
  const changes = act.kind === 'signed' ? before !== 'signed' && before !== 'invalidated' : before === 'signed';
  if (changes) state.set(act.nym, act.kind);
  return changes;
}

function nymsOf(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => ('nym' in entry && entry.petition === PETITION ? [entry.nym] : []));
}
