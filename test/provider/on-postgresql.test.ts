/** Petition sites on PostgreSQL: the command registers one beside the gateway, a person signs for it, and nothing is left readable. */
import { decodeJwt } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../fakes/command.ts';
import { discover, idOf, receiptIn, visitSite } from '../fakes/petition-site.ts';
import { newDatabase, sql } from '../fakes/postgres.ts';
import { startWorld, type World } from '../fakes/world.ts';

const REDIRECT = 'http://localhost:9/retour';

let world: World;
let databaseUrl: string;
let env: Record<string, string>;
beforeAll(async () => {
  databaseUrl = await newDatabase();
  const lockUrl = await newDatabase();
  world = await startWorld({ env: { DATABASE_URL: databaseUrl, LOCK_URL: lockUrl } });
  env = { DATA_DIR: world.dataDir, DATABASE_URL: databaseUrl, LOCK_URL: lockUrl };
});
afterAll(() => world.close());

test('a site is registered, served, and removed', async () => {
  const add = ['add', '--name', 'Ville', '--redirect-uri', REDIRECT, '--petition', 'jardins', '--json'];
  const { out } = await command(env, 'site', ...add, '--auth', 'client_secret_basic');
  const { client_id: id, client_secret: secret } = JSON.parse(out) as { client_id: string; client_secret: string };
  const configuration = await discover(world, id, client.ClientSecretBasic(secret));
  const site = { id, secret, name: 'Ville', redirectUri: REDIRECT, configuration };
  const petition = { id: await idOf(world, 'jardins') };
  const first = await visitSite(world, site, 'test', petition);
  const second = await visitSite(world, site, 'test', petition);
  expect(decodeJwt(receiptIn(second.answer))).toEqual(decodeJwt(receiptIn(first.answer)));
  expect(second.answer.claims()?.sub).toBe(first.answer.claims()?.sub);

  type Row = { id: Buffer; content: Buffer };
  const rows = await sql<Row>(databaseUrl, 'SELECT id, content FROM provider_rows');
  expect(rows.length).toBeGreaterThanOrEqual(4); // a code and a token for each visit
  const bytes = Buffer.concat(rows.flatMap(({ id: name, content }) => [name, content]));
  for (const { answer } of [first, second]) {
    for (const value of [answer.claims()!.sub, answer.access_token, id]) expect(bytes.includes(value)).toBe(false);
  }
  expect((await command(env, 'site', 'remove', id)).code).toBe(0);
  expect((await command(env, 'site', 'list')).out).toContain('No site is registered');
});
