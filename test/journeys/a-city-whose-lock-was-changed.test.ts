/** `paraphe serve --workers`: a writer that finds that it must not go on ends, and the next one reads how things stand. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStorage } from '../../src/storage/open.ts';
import { Serving } from '../fakes/serving.ts';
import { sign, startWorld, TRAINS, type World } from '../fakes/world.ts';

let world: World;
let serving: Serving;
beforeAll(async () => {
  world = await startWorld({ petitions: [TRAINS] });
  await world.stop();
  serving = await new Serving(world.env, '--workers', '1').ready();
});
afterAll(async () => {
  await serving.stop();
  await world.close();
});

test('the lock is changed under it and put right again: people sign as before, and the operator reads what it was', async () => {
  const lock = new Database(join(world.dataDir, 'lock.sqlite'));
  const checkpoint = lock.prepare('SELECT checkpoint FROM lock').pluck().get();
  lock.prepare("UPDATE lock SET checkpoint = 'of another log'").run();
  const storage = await openStorage(world.config.storage);
  const act = { kind: 'identity-keys', issuer: 'https://idp.example', jwks: Buffer.from('{"keys":[]}') } as const;
  await storage.requests.leave('any', [act]);
  await storage.close();
  await expect.poll(() => serving.out).toContain('it could not begin');
  expect(serving.out).toContain('The lock holds another checkpoint than the one that this process put there.');
  expect(serving.out).toMatch(
    /"reason":"The log is damaged: the lock holds no checkpoint of this log[^"]*paraphe fsck/,
  );
  lock.prepare('UPDATE lock SET checkpoint = ?').run(checkpoint);
  lock.close();
  await expect.poll(() => serving.children('writer').length).toBe(1);
  await expect
    .poll(
      async () => {
        const browser = world.browser();
        await sign(browser, world, 'trains', 'citoyen-1', '69');
        return browser.page.status;
      },
      { timeout: 90_000 },
    )
    .toBe(200);
});
