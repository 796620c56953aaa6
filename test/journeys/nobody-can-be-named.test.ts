/**
 * After a full run (signing, signing again, withdrawing, being refused, failing, giving up), everything that the gateway
 * wrote or said is searched for what would name a person: `sub`, birth date, tokens.
 */
import diagnostics from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Exchange } from '../fakes/browser.ts';
import { findLeaks, type Place, type Secret } from '../fakes/leaks.ts';
import { logIn, receiptOf, sign, startWorld, type World } from '../fakes/world.ts';

let world: World;
const browsers: Browser[] = [];
const accessTokens = new Set<string>();

/** Access tokens never reach a browser: they are seen where they are used, at the provider. */
function noteAccessToken(message: unknown): void {
  const { request } = message as { request: IncomingMessage };
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token !== undefined) accessTokens.add(token);
}

beforeAll(async () => {
  diagnostics.subscribe('http.server.request.start', noteAccessToken);
  world = await startWorld();
  await wholeLife();
});
afterAll(async () => {
  diagnostics.unsubscribe('http.server.request.start', noteAccessToken);
  await world.close();
});

function newBrowser(): Browser {
  const browser = world.browser();
  browsers.push(browser);
  return browser;
}

async function wholeLife(): Promise<void> {
  const adult = newBrowser();
  await sign(adult, world, 'trains', 'test', '75');
  await receiptOf(adult);
  await sign(newBrowser(), world, 'jardins', 'naissance_Algérie');
  await sign(newBrowser(), world, 'trains', 'test');
  await adult.submit({}, { form: '/withdraw' });
  for (let i = 0; i < 4 && adult.page.url.includes('/api/v2/'); i++) {
    await adult.submit(adult.page.html.includes('name="login"') ? { login: 'test', password: '123' } : {});
  }
  await adult.submit({}, { form: '/confirm' });
  await logIn(newBrowser(), world, 'trains', 'moins_18_ans');
  const undecided = newBrowser();
  await logIn(undecided, world, 'trains', 'nom_composé'); // stays on the confirm page: its row waits
  await undecided.submit({ department: '' }, { form: '/confirm' });
  for (const lie of [
    'id-token-invalid-nonce',
    'id-token-missing-acr',
    'userinfo-invalid-sub',
    'id-token-expired',
  ] as const) {
    world.franceConnect.switches.lie = lie;
    await logIn(newBrowser(), world, 'trains', 'plusieurs_prénoms_2');
  }
  world.franceConnect.switches.lie = undefined;
  world.franceConnect.switches.userinfo.status = 500;
  await logIn(newBrowser(), world, 'trains', 'caractères_spéciaux');
  world.franceConnect.switches.userinfo.status = undefined;
}

const ofGateway = ({ url }: Exchange) => url.startsWith(world.origin);

function secrets(): Secret[] {
  const people = world.franceConnect.citizens.flatMap(({ login, birthdate }) => {
    const [year, month, day] = birthdate.split('-');
    const sub = world.franceConnect.subOf(login, world.config.identity.clientId);
    return [
      { name: `sub of ${login}`, value: sub },
      { name: `sub of ${login} without its version`, value: sub.slice(0, 64) },
      { name: `birth date of ${login}`, value: birthdate },
      { name: `French birth date of ${login}`, value: `${day}/${month}/${year}` },
    ];
  });
  const idTokens = browsers.flatMap(({ history }) =>
    history.flatMap(({ url }) => new URL(url).searchParams.get('id_token_hint') ?? []),
  );
  const signatures = idTokens.map((token) => token.split('.')[2] ?? '');
  return [
    ...people,
    ...idTokens.map((value) => ({ name: 'an id_token', value })),
    ...signatures.map((value) => ({ name: 'the signature of an id_token', value })),
    ...[...accessTokens].map((value) => ({ name: 'an access token', value })),
  ];
}

function files(): Place[] {
  return readdirSync(world.dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ name, bytes: readFileSync(join(parentPath, name)) }));
}

/** What the gateway answered, but for what may be there: the id_token_hint of a logout, the confirm page's birth date. */
function answers(): Place[] {
  return browsers.flatMap(({ history }) =>
    history.filter(ofGateway).map(({ method, url, headers, body }) => {
      const location = (headers.get('location') ?? '').replace(/id_token_hint=[^&]+/, '');
      const others = [...headers].filter(([name]) => name !== 'location').flat();
      const shown = new URL(url).pathname.endsWith('/confirm') ? '' : body;
      return {
        name: `${method} ${url.slice(0, 80)}`,
        bytes: Buffer.from([url, location, ...others, shown].join('\n')),
      };
    }),
  );
}

test('the run saw tokens, and people to look for', () => {
  expect(accessTokens.size).toBeGreaterThan(4);
  expect(secrets().filter(({ name }) => name === 'an id_token').length).toBeGreaterThan(3);
  expect(world.franceConnect.citizens.length).toBeGreaterThan(20);
});

test('no file of the data folder names anyone', () => {
  expect(files().map(({ name }) => name)).toEqual(
    expect.arrayContaining(['paraphe.sqlite', 'paraphe.sqlite-wal', 'journeys.sqlite', 'journeys.sqlite-wal']),
  );
  expect(findLeaks(files(), secrets())).toEqual([]);
});

test('no diagnostic line does', () => {
  expect(world.lines.length).toBeGreaterThan(3);
  expect(findLeaks([{ name: 'diagnostics', bytes: Buffer.from(world.lines.join('')) }], secrets())).toEqual([]);
});

test('no answer does, beyond that person’s own confirm page', () => {
  expect(answers().length).toBeGreaterThan(50);
  expect(findLeaks(answers(), secrets())).toEqual([]);
});

test('the confirm page shows its person’s birth date and nothing else of them', () => {
  const confirm = browsers
    .flatMap(({ history }) => history)
    .filter((one) => ofGateway(one) && one.url.includes('/confirm'));
  const withoutDates = secrets().filter(({ name }) => !name.includes('birth date'));
  const places = confirm.map(({ body }) => ({ name: 'confirm', bytes: Buffer.from(body) }));
  expect(findLeaks(places, withoutDates)).toEqual([]);
});

test('a value that is planted is found, in each form', () => {
  const { value: sub } = secrets().find(({ name }) => name === 'sub of test')!;
  const database = new Database(join(world.dataDir, 'paraphe.sqlite'));
  database.exec('CREATE TABLE planted (value)');
  const insert = database.prepare('INSERT INTO planted VALUES (?)');
  for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const) {
    insert.run(`before ${Buffer.from(sub).toString(encoding)} after`);
    expect(findLeaks(files(), secrets())).toContain('sub of test in paraphe.sqlite-wal');
    database.exec('DELETE FROM planted');
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.exec('VACUUM');
    database.pragma('wal_checkpoint(TRUNCATE)');
  }
  const inToken = Buffer.from(`{"a":1,"sub":"${sub}"}`).toString('base64url');
  expect(findLeaks([{ name: 'a payload', bytes: Buffer.from(inToken) }], secrets())).toContain(
    'sub of test in a payload',
  );
  database.exec('DROP TABLE planted');
  database.close();
});
