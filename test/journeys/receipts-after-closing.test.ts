import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Writing, withRegister } from '../../src/log-writer.ts';
import { closePetition } from '../../src/petitions/close-petition.ts';
import { recorded } from '../fakes/recorded.ts';
import { passFranceConnect, receiptOf, sign, startWorld, tallyOf, type World } from '../fakes/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

async function close(slug: string): Promise<void> {
  const close = ({ storage, register }: Writing) => closePetition({ petitions: storage.petitions, register }, slug);
  await withRegister(world.config.storage, () => new Date(), close);
}

test('after closing, Aïcha finds her receipt again, withdraws, and nobody signs any more', async () => {
  const aicha = world.browser();
  await sign(aicha, world, 'trains', 'test', '93');
  const { claims } = await receiptOf(aicha);

  // Someone is on the confirm page while the petition closes.
  const late = world.browser();
  await late.get(`${world.origin}/petitions/trains`);
  await late.submit({}, { form: '/sign' });
  await passFranceConnect(late, 'nom_composé');
  await close('trains');
  await late.submit({ department: '75' }, { form: '/confirm' });
  expect(late.page.status).toBe(409);
  expect(late.page.html).toContain('petition-closed');

  const petition = `${world.origin}/petitions/trains`;
  await expect.poll(async () => (await aicha.get(petition)).html).not.toContain('/petitions/trains/sign');
  const direct = await aicha.tab().post(`${world.origin}/petitions/trains/sign`, {}, world.origin);
  expect([direct.status, direct.html.includes('petition-closed')]).toEqual([409, true]);

  await aicha.submit({}, { form: '/withdraw' });
  await passFranceConnect(aicha, 'test');
  await aicha.submit({}, { form: '/receipt' });
  expect((await receiptOf(aicha)).claims).toEqual(claims);
  expect(await recorded(world, 'trains')).toMatchObject({ total: 1, withdrawn: 0 });

  await aicha.submit({}, { form: '/withdraw' });
  await passFranceConnect(aicha, 'test');
  expect(aicha.page.text).toContain('vous ne pourrez pas la signer de nouveau');
  await aicha.submit({}, { form: '/confirm' });
  expect(aicha.page.text).toContain('on ne peut plus la signer');
  expect(aicha.page.status).toBe(200);
  expect(aicha.page.html).not.toContain('receipt.jwt');
  await expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: 0, withdrawn: 1, by_department: {} });
  const file = await aicha.tab().get(`${aicha.page.url.replace(/\?.*/, '')}/receipt.jwt`);
  expect([file.status, file.html.includes('receipt-withdrawn')]).toEqual([410, true]);
});

test('whoever never signed has nothing to withdraw, and is told so', async () => {
  const other = world.browser();
  await other.get(`${world.origin}/petitions/jardins`);
  await other.submit({}, { form: '/withdraw' });
  await passFranceConnect(other, 'nom_composé');
  expect(other.page.status).toBe(409);
  expect(other.page.html).toContain('not-signed');
  await other.submit({}, { form: '/logout' });
  expect(other.page.url).toBe(`${world.origin}/petitions/jardins`);
});
