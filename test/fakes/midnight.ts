import { setTimeout as wait } from 'node:timers/promises';
import { parisDay } from '../../src/clock.ts';

const MINUTE = 60_000;

/** For what is the same on one day only: where the day in Paris ends within a minute, waits until it has. */
export async function awayFromMidnight(): Promise<void> {
  const today = parisDay(new Date());
  if (parisDay(new Date(Date.now() + MINUTE)) === today) return;
  while (parisDay(new Date()) === today) await wait(500);
}
