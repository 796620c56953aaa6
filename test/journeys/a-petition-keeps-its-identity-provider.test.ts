import { expect, test } from 'vitest';
import { openTestPetition, startWorld, tallyOf } from '../fakes/world.ts';

test('a petition that was opened for another issuer or client collects nothing here: every sub would be another', async () => {
  const world = await startWorld();
  const front = (slug: string) => `slug: ${slug}\ntitle: Une pétition d’ailleurs\nmin_age: 0\ndepartments: false`;
  const { identity } = world.config;
  const elsewhere = { ...world.config, identity: { ...identity, issuer: 'https://idp.example' } };
  const asAnother = { ...world.config, identity: { ...identity, clientId: 'another' } };
  await expect(openTestPetition(elsewhere, front('issuer'))).rejects.toThrow('collects for'); // beside a gateway: a mistake
  await world.restart(async () => {
    await openTestPetition(elsewhere, front('issuer'));
    await openTestPetition(asAnother, front('client'));
  });
  for (const slug of ['issuer', 'client']) {
    await expect.poll(async () => (await fetch(`${world.origin}/petitions/${slug}`)).status).toBe(200); // once published
    for (const act of ['sign', 'withdraw']) {
      const response = await fetch(`${world.origin}/petitions/${slug}/${act}`, { method: 'POST', redirect: 'manual' });
      expect(response.status).toBe(503);
      expect(await response.text()).toContain('petition-not-collecting');
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect(await tallyOf(world, slug)).toMatchObject({ total: 0 });
  }
  await world.close();
});
