/** A rotation of the receipt keys beside a gateway that serves: nobody ever gets a receipt whose key is not published. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDiagnostics } from '../../src/diagnostics.ts';
import { loadReceiptKeys } from '../../src/receipt/keys.ts';
import { followReceiptKeys } from '../../src/storage/followed-receipt-keys.ts';
import { createKeys, rotateKeys } from '../../src/storage/key-folder.ts';

let folder: string;
let followed: Awaited<ReturnType<typeof followReceiptKeys>>;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
  folder = mkdtempSync(join(tmpdir(), 'paraphe-keys-'));
  createKeys(folder, 'log.example/log');
  followed = await followReceiptKeys(folder, createDiagnostics('silent'));
});
afterEach(() => {
  followed.stop();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const signing = () => followed.current().kid;
const published = () => followed.current().jwks.keys.map(({ kid }) => kid);

/** The gateway's next look at the file; what it reads there is loaded a moment later. */
async function look(count: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(2000);
  await expect.poll(published).toHaveLength(count);
}

test('a new key is published before it signs, long enough for everyone who verifies to have fetched it', async () => {
  const before = signing();
  const { kid } = await loadReceiptKeys(rotateKeys(folder));
  await look(2);
  expect(published()).toEqual([kid, before]);
  expect(signing()).toBe(before);
  await vi.advanceTimersByTimeAsync(89_000);
  expect(signing()).toBe(before);
  await vi.advanceTimersByTimeAsync(1000);
  expect([signing(), published()]).toEqual([kid, [kid, before]]);
});

test('a key that is replaced before it signs never does', async () => {
  const before = signing();
  rotateKeys(folder);
  await look(2);
  await vi.advanceTimersByTimeAsync(60_000);
  const { kid } = await loadReceiptKeys(rotateKeys(folder));
  await look(3);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signing()).toBe(before);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(signing()).toBe(kid);
});

test('a key that leaked, and is taken out of what is published, signs no more', async () => {
  const { active } = rotateKeys(folder);
  const { kid } = await loadReceiptKeys({ active, retired: [] });
  writeFileSync(join(folder, 'receipt-keys.json'), JSON.stringify({ active, retired: [] }));
  await vi.advanceTimersByTimeAsync(2000);
  await expect.poll(signing).toBe(kid);
  expect(published()).toEqual([kid]);
});
