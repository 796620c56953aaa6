/** Work that runs once at a time, as those see it who ask for it at any moment. */
import { expect, test } from 'vitest';
import { OneAtATime } from '../src/one-at-a-time.ts';

// A run ends within a few microtasks: each of them is a moment to ask in.
test.each(Array.from({ length: 12 }, (_, i) => i))(
  'whoever asks %i microtasks later is told after a run that began later',
  async (later) => {
    let begun = 0;
    const gate = Promise.withResolvers<void>();
    const one = new OneAtATime(async () => {
      begun++;
      await gate.promise;
    });
    const first = one.run();
    gate.resolve();
    for (let microtask = 0; microtask < later; microtask++) await null;
    const before = begun;
    await one.run();
    expect(begun).toBeGreaterThan(before);
    await first;
  },
);

test('a run that failed is told to whoever asked, and the next one begins anew', async () => {
  let fails = true;
  const one = new OneAtATime(async () => {
    if (fails) throw new Error('away');
  });
  await expect(one.run()).rejects.toThrow('away');
  fails = false;
  await one.run();
  await one.idle();
});
