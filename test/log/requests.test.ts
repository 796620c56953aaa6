/** What a command leaves for the gateway that writes: taken up, answered, and never in the way of what comes after it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PetitionAct, PetitionOutcome } from '../../src/petitions/acts.ts';
import { openStorage, type Storage } from '../../src/storage/open.ts';
import { startWorld, type World } from '../fakes/world.ts';

let world: World;
let storage: Storage;
beforeAll(async () => {
  world = await startWorld();
  storage = await openStorage(world.config.storage);
});
afterAll(async () => {
  await storage.close();
  await world.close();
});

async function leave(...acts: PetitionAct[]): Promise<string> {
  const id = randomUUID();
  await storage.requests.leave(id, acts);
  return id;
}

async function collect(id: string): Promise<readonly PetitionOutcome[] | undefined> {
  return (await storage.requests.collect([id]))[0]?.outcomes;
}

async function ask(...acts: PetitionAct[]): Promise<readonly PetitionOutcome[]> {
  const id = await leave(...acts);
  let outcomes: readonly PetitionOutcome[] | undefined;
  await expect
    .poll(async () => {
      outcomes = await collect(id);
      return outcomes;
    })
    .toBeDefined();
  return outcomes ?? [];
}

const keys = (issuer: string): PetitionAct => ({ kind: 'identity-keys', issuer, jwks: Buffer.from('{"keys":[]}') });
const size = async () => (await storage.log.state())?.size ?? 0;

test('acts are recorded in their order, bytes and all, and each has its outcome', async () => {
  const before = await size();
  const issuer = 'https://idp.example/api/v2';
  expect(await ask(keys(issuer), keys(issuer))).toEqual([{ result: 'noted' }, { result: 'known' }]);
  expect(await size()).toBe(before + 1);
});

test('an act that the log cannot hold is answered with what is wrong, and the next one is recorded', async () => {
  const before = await size();
  const [outcome] = await ask(keys('no issuer at all'));
  expect(outcome).toMatchObject({ result: 'failed', reason: expect.stringContaining('identity-keys') });
  expect(await size()).toBe(before);
  expect(await ask(keys('https://another.example'))).toEqual([{ result: 'noted' }]);
  expect(await storage.requests.waiting([])).toEqual([]);
});

test('a request that is given up is not taken up any more, and one that was answered is not given up', async () => {
  const id = await leave(keys('https://third.example'));
  if (await storage.requests.withdraw(id)) {
    expect(await collect(id)).toBeUndefined();
    return;
  }
  expect(await collect(id)).toEqual([{ result: 'noted' }]);
});
