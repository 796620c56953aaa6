/**
 * One of several processes on one PostgreSQL: it asks for signatures without end, and says what it was answered, in one line
 * each, to whoever started it: a line that was written outlives the process.
 */
import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { readServeConfig } from '../../src/config.ts';
import type { Diagnostics } from '../../src/diagnostics.ts';
import { Refusal } from '../../src/errors.ts';
import { Member } from '../../src/member.ts';
import { readKeys } from '../../src/storage/key-folder.ts';
import { openStorage } from '../../src/storage/open.ts';
import { nymOf, signed } from '../fakes/acts.ts';

export type MemberOrder = {
  readonly env: Readonly<Record<string, string>>;
  /** Nyms are made from it: those who share it ask for the same people. */
  readonly name: string;
  readonly inFlight: number;
};

/** What it says, a line each. */
export type MemberSaid =
  | { readonly what: 'answered'; readonly nym: string; readonly index: number }
  | { readonly what: 'refused'; readonly code: string }
  | { readonly what: 'published'; readonly checkpoint: string }
  | { readonly what: 'told'; readonly words: string }
  | { readonly what: 'ended' };

if (process.argv[2] !== undefined) await run(JSON.parse(process.argv[2]) as MemberOrder);

async function run({ env, name, inFlight }: MemberOrder): Promise<void> {
  const config = readServeConfig(env);
  const storage = await openStorage(config.storage);
  const tell = (_facts: unknown, words: string) => say({ what: 'told', words });
  const diagnostics: Diagnostics = { debug: tell, info: tell, warn: tell, error: tell };
  const { logKey } = readKeys(config.storage.keysDir);
  const clock = () => new Date();
  const member = await Member.open({ config, storage, logKey, clock, diagnostics, role: 'any', metrics: undefined });
  let isStopping = false;
  process.once('SIGTERM', () => {
    isStopping = true;
  });
  let told = '';
  const watching = setInterval(() => {
    const { checkpoint = '' } = member.published;
    if (checkpoint !== told) say({ what: 'published', checkpoint });
    told = checkpoint;
  }, 20);

  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (!isStopping) await untilAnswered(`${name} ${next++}`);
    }),
  );
  clearInterval(watching);
  await member.close();
  await storage.close();
  say({ what: 'ended' });

  async function untilAnswered(person: string): Promise<void> {
    const nym = nymOf(person);
    while (!isStopping) {
      try {
        const outcome = await member.record(signed(nym));
        if (!('signature' in outcome)) throw new Error(outcome.result);
        say({ what: 'answered', nym, index: outcome.signature.index });
        return await wait(5);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        say({ what: 'refused', code: error.code });
        await wait(20);
      }
    }
  }
}

function say(line: MemberSaid): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
