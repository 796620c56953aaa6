/** The library's storage over a real journeys' file: a code serves once, a grant goes with all that stands on it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Adapter } from 'oidc-provider';
import { afterAll, expect, test } from 'vitest';
import { sealedAdapter } from '../../src/provider/adapter.ts';
import { SealedRows } from '../../src/provider/sealed-rows.ts';
import { openSqliteJourneys } from '../../src/storage/sqlite/storage.ts';

const folder = mkdtempSync(join(tmpdir(), 'paraphe-adapter-'));
const waiting = openSqliteJourneys(folder);
const factory = sealedAdapter(new SealedRows(waiting.providerRows), async (id) => ({ client_id: id }));
const of = (kind: string) => (factory as (kind: string) => Adapter)(kind);
afterAll(async () => {
  await waiting.close();
  rmSync(folder, { recursive: true });
});

async function granted(grantId: string): Promise<void> {
  await of('Grant').upsert(grantId, { accountId: 'someone' }, 60);
  await of('AuthorizationCode').upsert(`code of ${grantId}`, { grantId }, 60);
  await of('AccessToken').upsert(`token of ${grantId}`, { grantId }, 60);
}

const left = async (grantId: string) => [
  await of('Grant').find(grantId),
  await of('AuthorizationCode').find(`code of ${grantId}`),
  await of('AccessToken').find(`token of ${grantId}`),
];

test('of those who consume a code at one instant one does, and the others take all that it gave', async () => {
  await granted('one');
  const answers = await Promise.allSettled([1, 2, 3].map(() => of('AuthorizationCode').consume('code of one')));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { error: 'invalid_grant' } });
  expect(await left('one')).toEqual([undefined, undefined, undefined]);
});

test('revoking a grant takes its code, its token and itself, and nobody else’s', async () => {
  await granted('two');
  await granted('three');
  await of('AccessToken').revokeByGrantId('two');
  expect(await left('two')).toEqual([undefined, undefined, undefined]);
  expect((await left('three')).every((row) => row !== undefined)).toBe(true);
});

test('a code that was consumed says so', async () => {
  await granted('four');
  await of('AuthorizationCode').consume('code of four');
  expect(await of('AuthorizationCode').find('code of four')).toMatchObject({ consumed: expect.any(Number) });
});

test('sessions are kept nowhere, and a kind does not find another’s row', async () => {
  await of('Session').upsert('session', { accountId: 'someone', uid: 'uid' }, 60);
  expect(await of('Session').find('session')).toBeUndefined();
  expect(await of('Session').findByUid('uid')).toBeUndefined();
  await granted('five');
  expect(await of('AccessToken').find('five')).toBeUndefined();
});
