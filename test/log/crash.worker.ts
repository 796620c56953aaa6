/**
 * A process that writes a log and dies of it, where it is told to or when it is killed. What it was answered it says at
 * once, in one line, to whoever started it: a line that was written outlives the process.
 */
import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Refusal, SetupError } from '../../src/errors.ts';
import type { LogStore } from '../../src/log/ports.ts';
import { Publisher } from '../../src/log/publisher.ts';
import type { Step } from '../../src/log/sequencer.ts';
import { openLogWriter } from '../../src/log-writer.ts';
import type { PetitionAct, PetitionOutcome } from '../../src/petitions/acts.ts';
import { readKeys } from '../../src/storage/key-folder.ts';
import { openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { nymOf, signed, withdrawn } from '../fakes/acts.ts';

export type DyingStep = Step | 'publishing' | 'published';

export type Order = {
  readonly dataDir: string;
  readonly keysDir: string;
  /** Nyms are made from it. */
  readonly name: string;
  /** How many people sign; every seventh of them withdraws afterwards. */
  readonly people: number;
  readonly inFlight: number;
  /** Dies when it reaches the step for the `at`-th time. */
  readonly dies?: { readonly step: DyingStep; readonly at: number };
};

/** What it says, a line each. */
export type Said =
  | { readonly what: 'answered'; readonly act: string; readonly result: string; readonly index: number }
  | { readonly what: 'refused'; readonly code: string }
  | { readonly what: 'sealed' | 'published'; readonly checkpoint: string }
  /** It was sent SIGUSR2: what it says from now on, it does from now on. */
  | { readonly what: 'marked' }
  | { readonly what: 'done' }
  /** It ends, in words. */
  | { readonly what: 'stopped'; readonly why: string };

export const actsOf = (name: string, person: number): readonly { readonly id: string; readonly act: PetitionAct }[] => {
  const nym = nymOf(`${name} ${person}`);
  const signs = { id: `signed ${nym}`, act: signed(nym) };
  return person % 7 === 6 ? [signs, { id: `withdrawn ${nym}`, act: withdrawn(nym) }] : [signs];
};

if (process.argv[2] !== undefined) {
  try {
    await run(JSON.parse(process.argv[2]) as Order);
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof Refusal)) throw error;
    say({ what: 'stopped', why: error.message });
    process.exit(1);
  }
}

async function run({ dataDir, keysDir, name, people, inFlight, dies }: Order): Promise<void> {
  let left = dies?.at ?? 0;
  const reach = (step: DyingStep) => {
    if (step === dies?.step && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
  const place = { dataDir, databaseUrl: 'sqlite:' };
  const { log: store, ...storage } = openSqliteStorage(place);
  const log: LogStore<PetitionAct, PetitionOutcome> = {
    ...store,
    async publish(checkpoint, at, fold, epoch) {
      reach('publishing');
      await store.publish(checkpoint, at, fold, epoch);
      say({ what: 'published', checkpoint });
      reach('published');
    },
  };
  let isOpen = false;
  const writer = await openLogWriter(
    { place, storage: { ...storage, log }, key: readKeys(keysDir).logKey, clock: () => new Date() },
    {
      limits: { windowMs: 2, batch: 16 },
      reached(step) {
        if (isOpen && step === 'sealed') say({ what: 'sealed', checkpoint: sequencer.sealed.checkpoint });
        reach(step);
      },
    },
  );
  const { sequencer } = writer;
  isOpen = true;
  say({ what: 'sealed', checkpoint: sequencer.sealed.checkpoint });
  const { origin } = readKeys(keysDir).logKey;
  const publisher = await Publisher.open({ store: log, sequencer, origin, clock: () => new Date(), everyMs: 10 });
  await publisher.publish();
  const stopPublishing = publisher.start();

  let isStopping = false;
  process.once('SIGTERM', () => {
    isStopping = true;
  });

  process.on('SIGUSR2', () => say({ what: 'marked' }));

  let next = 0;
  const asking = Array.from({ length: inFlight }, async () => {
    while (next < people && !isStopping) {
      for (const { id, act } of actsOf(name, next++)) await untilAnswered(id, act);
    }
  });
  await Promise.all(asking);
  say({ what: 'done' });
  while (!isStopping) await wait(5);
  stopPublishing();
  await publisher.publish();
  await writer.close();
  storage.close();

  async function untilAnswered(id: string, act: PetitionAct): Promise<void> {
    while (!isStopping) {
      try {
        const outcome = await sequencer.record(act);
        if (!('signature' in outcome)) throw new Error(`${id}: ${outcome.result}`);
        say({ what: 'answered', act: id, result: outcome.result, index: outcome.signature.index });
        return;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        say({ what: 'refused', code: error.code });
        await wait(10);
      }
    }
  }
}

function say(line: Said): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
