/** A petition site asks for signatures and logins, with `openid-client`, over HTTP. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyReceipt } from '../../src/receipt/verify.ts';
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
import { recorded } from '../fakes/recorded.ts';
import { receiptOf, sign, startWorld, tallyOf, type World } from '../fakes/world.ts';

let world: World;
let site: PetitionSite;
let gardens: string;
let trains: string;
beforeAll(async () => {
  world = await startWorld();
  site = await openSite(world);
  [gardens, trains] = await Promise.all([idOf(world, 'jardins'), idOf(world, 'trains')]);
});
afterAll(() => world.close());

describe('someone signs for a site', () => {
  test('sees the site’s name and the text, and the site gets the receipt', async () => {
    const browser = browserOf(world, site);
    const visit = await beginVisit(site, trains);
    await arrive(browser, visit, 'citoyen-1');
    expect(browser.page.url).toContain('/petitions/trains/confirm?journey=');
    expect(browser.page.text).toContain('Ville de Test saura');
    expect(browser.page.text).toContain('Nous demandons ceci');
    await browser.submit({ department: '75' }, { form: '/confirm' });
    expect(new URL(browser.page.url).searchParams.get('iss')).toBe(`${world.origin}/oidc`);
    const answer = await finishVisit(site, visit, browser);

    expect(answer.authorization_details).toEqual([
      { type: 'petition_signature', petition: trains, receipt: expect.any(String) },
    ]);
    const { claims } = await verifyReceipt(receiptIn(answer), {
      issuer: world.origin,
      audience: site.id,
      petition: trains,
    });
    expect(claims).toMatchObject({ aud: site.id, department: '75', iss: world.origin });
    await expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: 1, by_department: { 75: 1 } });
    expect(browser.jar.all).toEqual([]);
  });

  test('gets an ES256 id_token that says who, how sure and since when, and nothing else', async () => {
    const { answer } = await visitSite(world, site, 'citoyen-2', { id: gardens });
    const { kid, ...header } = decodeProtectedHeader(answer.id_token ?? '');
    expect(header).toEqual({ alg: 'ES256' });
    const keys = (await (await fetch(`${world.origin}/oidc/jwks`)).json()) as { keys: { kid: string }[] };
    expect(keys.keys.map((key) => key.kid)).toContain(kid);
    const { sub, acr, auth_time: authTime, ...rest } = answer.claims()!;
    expect(sub).toMatch(/^[\w-]{43}$/);
    expect(acr).toBe('eidas1');
    expect(Math.abs(Number(authTime) - Date.now() / 1000)).toBeLessThan(60);
    expect(Object.keys(rest).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'nonce']);
    expect(Object.keys(answer).sort()).toEqual(
      ['access_token', 'authorization_details', 'expires_in', 'id_token', 'scope', 'token_type'].sort(),
    );
    expect(await client.fetchUserInfo(site.configuration, answer.access_token, sub)).toMatchObject({ sub });
  });

  test('who has signed already gives the same receipt again, and is counted once', async () => {
    const first = await visitSite(world, site, 'citoyen-3', { id: gardens });
    const second = await visitSite(world, site, 'citoyen-3', { id: gardens });
    expect(decodeJwt(receiptIn(second.answer))).toEqual(decodeJwt(receiptIn(first.answer)));
    expect(second.answer.claims()?.sub).toBe(first.answer.claims()?.sub);
    await expect.poll(() => tallyOf(world, 'jardins')).toMatchObject({ total: 2 }); // with the one before
  });

  test('who signed at the gateway gives a receipt that differs in its audience alone', async () => {
    const direct = world.browser();
    await sign(direct, world, 'jardins', 'citoyen-4');
    const { claims } = await receiptOf(direct);
    const { answer } = await visitSite(world, site, 'citoyen-4', { id: gardens });
    const { aud, ...same } = decodeJwt(receiptIn(answer));
    expect(aud).toBe(site.id);
    expect(same).toEqual(claims);
  });

  test('a mistake on the page is mended there', async () => {
    const browser = browserOf(world, site);
    const visit = await beginVisit(site, trains);
    await arrive(browser, visit, 'citoyen-5');
    await browser.submit({}, { form: '/confirm' });
    expect(browser.page.status).toBe(422);
    await browser.submit({ department: '2A' }, { form: '/confirm' });
    expect(decodeJwt(receiptIn(await finishVisit(site, visit, browser)))).toMatchObject({ department: '2A' });
  });

  test('through a pushed request (PAR)', async () => {
    const browser = browserOf(world, site);
    const plain = await beginVisit(site, gardens);
    const parameters = new URLSearchParams(plain.url.search);
    const url = await client.buildAuthorizationUrlWithPAR(site.configuration, parameters);
    expect(url.searchParams.get('request_uri')).toMatch(/^urn:ietf:params:oauth:request_uri:/);
    await arrive(browser, { ...plain, url }, 'citoyen-6');
    await browser.submit({}, { form: '/confirm' });
    expect(decodeJwt(receiptIn(await finishVisit(site, plain, browser)))).toMatchObject({ petition: gardens });
  });

  test('in the language that the site asks for', async () => {
    const browser = browserOf(world, site);
    await arrive(browser, await beginVisit(site, gardens, { ui_locales: 'en-GB fr' }), 'citoyen-7');
    expect(browser.page.text).toContain('What Ville de Test will know');
  });
});

describe('someone logs in at a site', () => {
  test('sees which site and what it will know; the site gets a pseudonym, the same at each visit', async () => {
    const browser = browserOf(world, site);
    const visit = await beginVisit(site);
    await arrive(browser, visit, 'citoyen-8');
    expect(browser.page.url).toContain('/login/confirm?journey=');
    expect(browser.page.text).toContain('Se connecter à Ville de Test');
    await browser.submit({}, { form: '/confirm' });
    const answer = await finishVisit(site, visit, browser);
    expect(answer.authorization_details).toBeUndefined();
    expect(browser.jar.all).toEqual([]);
    const again = await visitSite(world, site, 'citoyen-8');
    expect(again.answer.claims()?.sub).toBe(answer.claims()?.sub);
    const other = await visitSite(world, site, 'citoyen-9');
    expect(other.answer.claims()?.sub).not.toBe(answer.claims()?.sub);
  });

  test('logs out at FranceConnect on the way back, so that the next person on this computer is asked', async () => {
    const { browser } = await visitSite(world, site, 'citoyen-8');
    const asked = browser.history.filter(({ url }) => url.includes('/session/end'));
    expect(asked.length).toBeGreaterThan(0);
    await browser.get((await beginVisit(site)).url);
    expect(browser.page.url).toContain('/api/v2/');
    await passTo(browser);
    expect(browser.page.html).toContain('name="login"');
  });
});

/** From FranceConnect's first page to the one where one logs in. */
async function passTo(browser: ReturnType<typeof browserOf>): Promise<void> {
  for (let pages = 0; pages < 3 && !browser.page.html.includes('name="login"'); pages++) await browser.submit();
}

describe('someone does not come back with what the site asked for', () => {
  async function comeBack(login: string, petition: string | undefined) {
    const browser = browserOf(world, site);
    const visit = await beginVisit(site, petition);
    await arrive(browser, visit, login);
    const { status, text } = browser.page;
    await browser.submit({}, { form: '/logout' });
    const answer = Object.fromEntries(new URL(browser.page.url).searchParams);
    expect(browser.page.url.startsWith(site.redirectUri)).toBe(true);
    expect(answer).toMatchObject({ state: visit.state, iss: `${world.origin}/oidc` });
    expect(browser.jar.all).toEqual([]);
    return { status, text, answer };
  }

  test('too young: says so on a page, and the site hears a standard error', async () => {
    const { status, text, answer } = await comeBack('moins_18_ans', trains);
    expect(status).toBe(403);
    expect(text).toContain('Revenir sur Ville de Test');
    expect(answer).toMatchObject({
      error: 'access_denied',
      error_description: 'the person is below the minimum age of the petition',
    });
  });

  test('"this is not me" on the confirm page is giving up', async () => {
    const before = await recorded(world, 'jardins');
    const { answer } = await comeBack('citoyen-20', gardens);
    expect(answer).toMatchObject({ error: 'access_denied', error_description: 'the person gave up' });
    expect((await recorded(world, 'jardins')).total).toBe(before.total);
  });

  test('the same on the login’s page', async () => {
    const { answer } = await comeBack('citoyen-20', undefined);
    expect(answer).toMatchObject({ error: 'access_denied' });
  });

  test('giving up at FranceConnect', async () => {
    const browser = browserOf(world, site);
    await browser.get((await beginVisit(site, gardens)).url);
    await browser.follow('Revenir');
    expect(browser.page.status).toBe(403);
    await browser.submit({}, { form: '/logout' });
    expect(new URL(browser.page.url).searchParams.get('error')).toBe('access_denied');
    expect(browser.jar.all.filter(({ name }) => name.includes('paraphe'))).toEqual([]);
  });
});
