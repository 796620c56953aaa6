/** Receipt keys that are rotated under a gateway that serves. */
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { followReceiptKeys } from '../../src/storage/followed-receipt-keys.ts';
import { createKeys, rotateKeys } from '../../src/storage/key-folder.ts';

const silent = { info: vi.fn(), warn: vi.fn() };
let folder: string;
let minute = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  folder = mkdtempSync(join(tmpdir(), 'paraphe-keys-'));
  createKeys(folder, 'petitions.example.org/log');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const file = () => join(folder, 'receipt-keys.json');
/** Files that are written within one tick of the clock would bear one time. */
const touch = () => utimesSync(file(), 0, ++minute * 60);
function rotate(): void {
  rotateKeys(folder);
  touch();
}
const follow = () => followReceiptKeys(folder, silent as never);
const kids = (keys: Awaited<ReturnType<typeof follow>>) => keys.current().jwks.keys.map(({ kid }) => kid);

test('a new key is published while the one before still signs, and signs three seconds later', async () => {
  const keys = await follow();
  const before = keys.current().kid;
  rotate();
  await vi.advanceTimersByTimeAsync(1_100);
  await vi.waitFor(() => expect(kids(keys)).toHaveLength(2));
  expect(keys.current().kid).toBe(before);
  expect(kids(keys)[0]).toBe(before); // whoever signs comes first
  await vi.advanceTimersByTimeAsync(3_000);
  await vi.waitFor(() => expect(keys.current().kid).not.toBe(before));
  expect(kids(keys)).toEqual([keys.current().kid, before]);
  keys.stop();
});

test('of two rotations one after the other the later key signs', async () => {
  const keys = await follow();
  rotate();
  await vi.advanceTimersByTimeAsync(1_100);
  await vi.waitFor(() => expect(kids(keys)).toHaveLength(2));
  rotate();
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.waitFor(() => expect(kids(keys)).toHaveLength(3));
  const last = kids(keys)[1];
  await vi.advanceTimersByTimeAsync(10_000);
  await vi.waitFor(() => expect(keys.current().kid).toBe(last));
  keys.stop();
});

test('a key that leaked, and was taken out of the file, signs nothing more once that is seen', async () => {
  const keys = await follow();
  const before = keys.current().kid;
  rotateKeys(folder);
  const { active } = JSON.parse(readFileSync(file(), 'utf8'));
  writeFileSync(file(), JSON.stringify({ active, retired: [] }));
  touch();
  await vi.advanceTimersByTimeAsync(1_100);
  await vi.waitFor(() => expect(keys.current().kid).not.toBe(before));
  expect(kids(keys)).toEqual([keys.current().kid]);
  keys.stop();
});

test('a rotation in the very moment in which a gateway starts is seen', async () => {
  const starting = follow();
  rotate(); // the file's time was noted, and the file read, before this
  const keys = await starting;
  const first = keys.current().kid;
  await vi.advanceTimersByTimeAsync(10_000);
  await vi.waitFor(() => expect(keys.current().kid).not.toBe(first));
  keys.stop();
});

test('a file that cannot be read is told, and the keys at hand serve on', async () => {
  const keys = await follow();
  const before = keys.current();
  writeFileSync(file(), '{');
  touch();
  await vi.advanceTimersByTimeAsync(1_100);
  expect(silent.warn).toHaveBeenCalled();
  expect(keys.current()).toBe(before);
  keys.stop();
});
