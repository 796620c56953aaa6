/** How often SQLite's requests are looked for, since nobody tells of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { sqliteRequestStore } from '../../src/storage/sqlite/request-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'paraphe-requests-'));
const store = sqliteRequestStore(join(folder, 'requests.sqlite'));

afterEach(() => {
  vi.useRealTimers();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

test('ten times a second while nobody asks, and often while somebody does', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  let looks = 0;
  const stop = store.onAsked(() => {
    looks++;
    void store.waiting([]);
  });
  const looksWithin = async (seconds: number) => {
    const before = looks;
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    return looks - before;
  };
  expect(await looksWithin(1)).toBe(10);

  await store.leave('one', []);
  await vi.advanceTimersByTimeAsync(100); // the look that finds it
  expect(await looksWithin(0.1)).toBeGreaterThan(8);
  await store.withdraw('one');
  expect(await looksWithin(4)).toBeGreaterThan(350);
  await looksWithin(2);
  expect(await looksWithin(1)).toBe(10);

  stop();
  expect(await looksWithin(1)).toBe(0);
});
