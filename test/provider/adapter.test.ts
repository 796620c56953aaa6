/** The library’s storage over a real journeys' file: a code serves once, and what it gave is worth nothing without its row. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Adapter } from 'oidc-provider';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { sealedAdapter } from '../../src/provider/adapter.ts';
import { SealedRows } from '../../src/provider/sealed-rows.ts';
import { openSqliteJourneys } from '../../src/storage/sqlite/storage.ts';

const folder = mkdtempSync(join(tmpdir(), 'paraphe-adapter-'));
const waiting = openSqliteJourneys(folder);
const rows = new SealedRows(waiting.providerRows);
const factory = sealedAdapter(rows, { token: 120 }, async (id) => ({ client_id: id }));
const of = (kind: string) => (factory as (kind: string) => Adapter)(kind);
afterAll(async () => {
  await waiting.close();
  rmSync(folder, { recursive: true });
});

afterEach(() => void vi.useRealTimers());

const newCode = (code: string) =>
  of('AuthorizationCode').upsert(code, { accountId: 'someone', clientId: 'site', exp: 1000 }, 60);

test('of those who consume a code at one instant one does, and the others take the grant away', async () => {
  await newCode('one');
  const answers = await Promise.allSettled([1, 2, 3].map(() => of('AuthorizationCode').consume('one')));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { error: 'invalid_grant' } });
  expect(await of('AuthorizationCode').find('one')).toBeUndefined();
  expect(await of('Grant').find('one')).toBeUndefined();
});

test('the grant of a code is its row, and goes alone', async () => {
  await newCode('two');
  await newCode('three');
  const code = await of('AuthorizationCode').find('two');
  const grant = await of('Grant').find(String(code?.grantId));
  expect(grant).toMatchObject({ accountId: 'someone', clientId: 'site', exp: 1120 });
  await of('AuthorizationCode').consume('two');
  expect(await of('Grant').find(String(code?.grantId))).toEqual(grant);
  await of('Grant').destroy(String(code?.grantId));
  expect(await of('Grant').find('two')).toBeUndefined();
  expect(await of('AuthorizationCode').find('two')).toBeUndefined();
  expect(await of('Grant').find('three')).toBeDefined();
});

test('a grant outlives its code by the life of a token, and not longer', async () => {
  await newCode('a minute');
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: now + 178_000 });
  expect(await of('Grant').find('a minute')).toBeDefined();
  vi.setSystemTime(now + 181_000);
  expect(await of('Grant').find('a minute')).toBeUndefined();
});

test('a code that was consumed says so', async () => {
  await newCode('four');
  await of('AuthorizationCode').consume('four');
  expect(await of('AuthorizationCode').find('four')).toMatchObject({ consumed: expect.any(Number) });
});

test('sessions are kept nowhere, and a kind does not find another’s row', async () => {
  await of('Session').upsert('session', { accountId: 'someone', uid: 'uid' }, 60);
  expect(await of('Session').find('session')).toBeUndefined();
  expect(await of('Session').findByUid('uid')).toBeUndefined();
  await newCode('five');
  expect(await of('AccessToken').find('five')).toBeUndefined();
});
