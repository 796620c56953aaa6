/** Receipt keys that are rotated under gateways that serve. */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { generateReceiptKeys, loadReceiptKeys } from '../../src/receipt/keys.ts';
import { followReceiptKeys } from '../../src/storage/followed-keys.ts';
import { createKeys, readReceiptKeys, receiptKeysChanged } from '../../src/storage/key-folder.ts';
import { rotateKeys } from '../../src/storage/rotate-receipt-keys.ts';

const silent = { info: vi.fn(), warn: vi.fn() };
let folder: string;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  folder = mkdtempSync(join(tmpdir(), 'paraphe-keys-'));
  createKeys(folder, 'petitions.example.org/log');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** Two gateways on one folder, and their next looks at it. */
async function twoGateways() {
  const one = await followReceiptKeys(folder, silent as never);
  const other = await followReceiptKeys(folder, silent as never);
  const kids = [one, other].map((keys) => () => keys.current().jwks.keys.map(({ kid }) => kid));
  const signing = () => [one, other].map((keys) => keys.current().kid);
  async function looked(): Promise<void> {
    const { kid, jwks } = await loadReceiptKeys(readReceiptKeys(folder));
    vi.advanceTimersByTime(1_000);
    await vi.waitFor(() => {
      for (const published of kids) expect(published()).toEqual(jwks.keys.map((key) => key.kid));
      expect(signing()).toEqual([kid, kid]);
    }, 30_000);
  }
  return { kids, signing, looked };
}

test('a new key is published by every process before any signs with it', async () => {
  const { kids, signing, looked } = await twoGateways();
  const [before] = signing();
  let steps = 0;
  const rotated = await rotateKeys(folder, async () => {
    await looked();
    if (++steps > 1) return;
    expect(signing()).toEqual([before, before]);
    for (const published of kids) expect(published()).toHaveLength(2);
  });
  const { kid } = await loadReceiptKeys(rotated);
  expect(kid).not.toBe(before);
  expect(signing()).toEqual([kid, kid]);
  for (const published of kids) expect(published()).toEqual([kid, before]);
});

test('of the key before only the public half is left', async () => {
  await rotateKeys(folder, async () => {});
  const { active, retired } = readReceiptKeys(folder);
  expect(active.d).toBeDefined();
  expect(retired.map(({ d }) => d)).toEqual([undefined]);
});

test('two rotations at once leave one key that signs, and every one published', async () => {
  const last = Promise.withResolvers<void>();
  const first = rotateKeys(folder, () => last.promise);
  const between = await rotateKeys(folder, async () => {});
  last.resolve();
  const published = await loadReceiptKeys(readReceiptKeys(folder));
  expect(published.kid).toBe((await loadReceiptKeys(between)).kid);
  const { kid, jwks } = await loadReceiptKeys(await first);
  expect(jwks.keys.map((key) => key.kid)).toEqual([
    kid,
    ...published.jwks.keys.map((key) => key.kid).filter((one) => one !== kid),
  ]);
  expect(jwks.keys).toHaveLength(3);
});

test('a rotation in the very moment in which a gateway starts is seen', async () => {
  const starting = followReceiptKeys(folder, silent as never);
  await rotateKeys(folder, async () => {}); // the file's time was noted, and the file read, before this
  const keys = await starting;
  const { kid } = await loadReceiptKeys(readReceiptKeys(folder));
  vi.advanceTimersByTime(1_000);
  await vi.waitFor(() => expect(keys.current().kid).toBe(kid), 30_000);
});

test('a file that cannot be read is told, and the keys at hand serve on', async () => {
  const keys = await followReceiptKeys(folder, silent as never);
  const before = keys.current();
  writeFileSync(join(folder, 'receipt-keys.json'), '{');
  vi.advanceTimersByTime(1_000);
  await vi.waitFor(() => expect(silent.warn).toHaveBeenCalled(), 30_000);
  expect(keys.current()).toBe(before);
});

test('a change is seen though the file keeps its number and its time', () => {
  const file = join(folder, 'receipt-keys.json');
  utimesSync(file, 60, 60);
  const before = receiptKeysChanged(folder);
  writeFileSync(file, JSON.stringify(generateReceiptKeys()));
  utimesSync(file, 60, 60);
  expect(receiptKeysChanged(folder)).not.toBe(before);
});
