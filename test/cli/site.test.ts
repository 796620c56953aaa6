/** `paraphe site`, beside a serving gateway. */
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSite } from '../../src/provider/site.ts';
import { command } from '../fakes/command.ts';
import { discover, idOf, type PetitionSite, receiptIn, visitSite } from '../fakes/petition-site.ts';
import { startWorld, type World } from '../fakes/world.ts';

const REDIRECT = 'http://localhost:9/retour';
const ADD = ['--name', 'Ville de Test', '--redirect-uri', REDIRECT, '--petition', 'jardins'];

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const site = (...args: string[]) => command({ DATA_DIR: world.dataDir }, 'site', ...args);
const addJson = async (...args: string[]) =>
  JSON.parse((await site('add', ...args, '--json')).out) as Record<string, string>;

async function asPetitionSite(id: string, auth: client.ClientAuth): Promise<PetitionSite> {
  const configuration = await discover(world, id, auth);
  return { id, secret: '', name: 'Ville de Test', redirectUri: REDIRECT, configuration };
}

test('registers a site that can be served at once, rotates its secret, lists and removes it', async () => {
  const added = await addJson(...ADD, '--auth', 'client_secret_basic');
  expect(Object.keys(added)).toEqual(['client_id', 'client_secret', 'issuer']);
  expect(added.issuer).toBe(`${world.origin}/oidc`); // from the log's name, without ORIGIN
  const { client_id: id = '', client_secret: secret = '' } = added;
  const first = await visitSite(world, await asPetitionSite(id, client.ClientSecretBasic(secret)), 'citoyen-60');
  const { sub } = first.answer.claims()!;

  expect(await site('list')).toMatchObject({ code: 0, out: `${id}  Ville de Test  ${REDIRECT}  jardins\n` });
  expect((await site('list')).out).not.toContain(secret);
  expect(JSON.parse((await site('list', '--json')).out)).toEqual([
    {
      client_id: id,
      name: 'Ville de Test',
      redirect_uris: [REDIRECT],
      auth: 'client_secret_basic',
      jwks_uri: null,
      petitions: ['jardins'],
    },
  ]);

  const rotated = JSON.parse((await site('rotate-secret', id, '--json')).out) as Record<string, string>;
  expect(rotated).toMatchObject({ client_id: id, issuer: added.issuer });
  expect(rotated.client_secret).not.toBe(secret);
  await expect(
    visitSite(world, await asPetitionSite(id, client.ClientSecretBasic(secret)), 'citoyen-60'),
  ).rejects.toThrow();
  const renewed = await asPetitionSite(id, client.ClientSecretBasic(rotated.client_secret));
  expect((await visitSite(world, renewed, 'citoyen-60')).answer.claims()?.sub).toBe(sub); // the person stays the same

  expect((await site('remove', id)).out).toContain('Removed Ville de Test');
  const { status } = await fetch(`${world.origin}/oidc/auth?client_id=${id}&response_type=code&scope=openid`);
  expect(status).toBe(400);
  expect(await site('remove', id)).toMatchObject({ code: 1, err: expect.stringContaining('There is no site') });
});

test('a site signs with the keys that it publishes (private_key_jwt)', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
  const server = createServer((_req, res) =>
    res.setHeader('content-type', 'application/json').end(JSON.stringify(jwks)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const added = await addJson(...ADD, '--auth', 'private_key_jwt', '--jwks-uri', `http://127.0.0.1:${port}/jwks`);
  expect(Object.keys(added)).toEqual(['client_id', 'issuer']);
  const relyingParty = await asPetitionSite(added.client_id!, client.PrivateKeyJwt({ key: privateKey, kid: 'one' }));
  const { answer } = await visitSite(world, relyingParty, 'citoyen-61', { id: await idOf(world, 'jardins') });
  expect(receiptIn(answer)).toMatch(/^ey/);
  const stranger = await generateKeyPair('ES256');
  const thief = await asPetitionSite(added.client_id!, client.PrivateKeyJwt({ key: stranger.privateKey, kid: 'one' }));
  await expect(visitSite(world, thief, 'citoyen-61')).rejects.toMatchObject({ error: 'invalid_client' });
  expect(await site('rotate-secret', added.client_id!)).toMatchObject({
    code: 1,
    err: expect.stringContaining('has no secret'),
  });
  server.close();
});

test('says what is wrong, in one line', async () => {
  const wrong: [string[], RegExp][] = [
    [[], /^Usage: paraphe site add/],
    [['add'], /--auth is one of/],
    [['add', '--auth', 'client_secret_post'], /--auth is one of/],
    [['add', ...ADD, '--petition', 'nothing', '--auth', 'client_secret_basic'], /There is no petition nothing/],
    [['add', ...ADD, '--auth', 'private_key_jwt'], /needs --jwks-uri/],
    [['remove'], /^Usage/],
    [['rotate-secret', 'x'], /There is no site x/],
  ];
  for (const [args, words] of wrong)
    expect(await site(...args)).toMatchObject({ code: 1, err: expect.stringMatching(words) });
  expect(await site('list')).toMatchObject({ code: 0 });
});

describe('what a site may be', () => {
  const good = {
    name: 'Ville',
    redirectUris: ['https://a.example/cb'],
    auth: 'client_secret_basic',
    jwksUri: undefined,
  };

  test.each([
    ['http://a.example/cb', /https/],
    ['https://a.example/cb#x', /fragment/],
    ['https://u:p@a.example/cb', /names a user/],
    ['https://*.a.example/cb', /wildcard|not an address/],
    ['https://A.example/cb', /write it as https:\/\/a\.example\/cb/],
    ['https://a.example', /write it as https:\/\/a\.example\//],
    ['https://a.example/../cb', /write it as/],
    ['/cb', /not an address/],
    ['javascript:alert(1)', /https/],
    [`https://a.example/${'x'.repeat(2000)}`, /not an address/],
  ])('not with the redirect URI %s', (uri, words) => {
    expect(() => parseSite({ ...good, redirectUris: [uri] })).toThrow(words);
  });

  test.each([[''], ['  '], ['a\u202eb'], ['a\nb'], ['x'.repeat(61)]])('not with the name %j', (name) => {
    expect(() => parseSite({ ...good, name })).toThrow(/--name/);
  });

  test('one host, which is its sector', () => {
    const uris = ['https://a.example/cb', 'https://b.example/cb'];
    expect(() => parseSite({ ...good, redirectUris: uris })).toThrow(/one host/);
    expect(parseSite({ ...good, redirectUris: ['http://localhost:3002/cb'] })).toMatchObject({
      auth: 'client_secret_basic',
    });
  });
});
