/** What a visit is tied to, and keys that change in the middle of one. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { computeNonce } from '../../src/person/nonce.ts';
import { verifySiteReceipt } from '../../src/receipt/verify.ts';
import { rotateKeys } from '../../src/storage/rotate-receipt-keys.ts';
import { Journeys, tiesOf } from '../../src/web/journey.ts';
import {
  arrive,
  beginVisit,
  browserOf,
  finishVisit,
  idOf,
  openSite,
  type PetitionSite,
  receiptIn,
  visitSite,
} from '../fakes/petition-site.ts';
import { startWorld, type World } from '../fakes/world.ts';

let world: World;
let site: PetitionSite;
beforeAll(async () => {
  world = await startWorld();
  site = await openSite(world);
});
afterAll(() => world.close());

test('a login for a site is bound to that site, with no statement', () => {
  const journeys = new Journeys({} as never, createSecretKey(randomBytes(32)), () => new Date());
  const visit = { id: site.id, uid: 'x'.repeat(21) };
  const journey = journeys.begin({ action: 'login', petition: undefined, site: visit }, 'fr');
  expect(tiesOf(journey).nonce).toBe(computeNonce('login', site.id, new Uint8Array(32), journey.derived.nonceSalt));
  expect(journeys.read(journey.id, journey.cookie)).toEqual(journey);
  expect(() => journeys.read(journey.id, journey.cookie.replace(site.id, '01m7k9sch6k0rxc1vw3v2ry0yr'))).toThrow(
    'journey-unknown',
  );
});

test('a code of before a rotation is redeemed after it, and tokens of before it verify on', async () => {
  const gardens = await idOf(world, 'jardins');
  const before = await visitSite(world, site, 'citoyen-70', { id: gardens });
  const browser = browserOf(world, site);
  const visit = await beginVisit(site, gardens);
  await arrive(browser, visit, 'citoyen-71');
  await browser.submit({}, { form: '/confirm' });
  const kids = async (path: string) =>
    ((await (await fetch(world.origin + path)).json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  await rotateKeys(world.config.storage.keysDir);
  const after = await finishVisit(site, visit, browser);
  const signedWith = (jws = '') => decodeProtectedHeader(jws).kid;
  expect(signedWith(after.id_token)).not.toBe(signedWith(before.answer.id_token));
  expect(await kids('/oidc/jwks')).toEqual([signedWith(after.id_token), signedWith(before.answer.id_token)]);
  expect(await kids('/.well-known/jwks.json')).toEqual(await kids('/oidc/jwks'));
  for (const answer of [before.answer, after]) {
    const options = { issuer: world.origin, clientId: site.id, petition: gardens };
    expect((await verifySiteReceipt(receiptIn(answer), options)).claims.aud).toBe(site.id);
  }
});
