/** A person who comes back from the identity provider, stopped at our door; and what is left of them afterwards. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import type { RefusalCode } from '../../src/errors.ts';
import { readKeys } from '../../src/storage/key-folder.ts';
import { openSqliteJourneys } from '../../src/storage/sqlite/storage.ts';
import { type JourneyContent, Journeys } from '../../src/web/journey.ts';
import fr from '../../views/locales/fr.json' with { type: 'json' };
import { Browser, type Page } from '../fakes/browser.ts';
import { GARDENS, logIn, passFranceConnect, startWorld, type World, type WorldOptions } from '../fakes/world.ts';

export type Profile = Pick<WorldOptions, 'env' | 'franceConnect' | 'client'>;

export const FRANCECONNECT: Profile = {};

/** Any OpenID Provider: RS256, client_secret_basic, PKCE, userinfo as plain JSON, no level asked for. */
export const OIDC: Profile = {
  env: {
    IDENTITY_PROFILE: 'oidc',
    IDENTITY_NAME: 'Identité',
    IDENTITY_ID_TOKEN_ALG: 'RS256',
    IDENTITY_USERINFO_ALG: 'none',
  },
  franceConnect: { rules: 'standard' },
  client: { signingAlg: 'RS256', tokenAuth: 'client_secret_basic', userinfo: 'json' },
};

export const OIDC_BEARER_IN_BODY: Profile = { ...OIDC, env: { ...OIDC.env, IDENTITY_BEARER: 'body' } };

/** As above, and the userinfo is signed. */
export const OIDC_SIGNED_USERINFO: Profile = {
  ...OIDC,
  env: { ...OIDC.env, IDENTITY_USERINFO_ALG: 'RS256' },
  client: { ...OIDC.client, userinfo: 'jwt' },
};

export const LOGIN = 'test';
const BIRTHDATE = '1962-08-24';
export const BIRTHDATE_IN_WORDS = '24 août 1962';

/** A world of one petition, which remembers every token that its provider gave. */
export type WatchedWorld = World & AsyncDisposable & { readonly tokens: string[] };

export async function startWatchedWorld(options: WorldOptions = {}): Promise<WatchedWorld> {
  const world = await startWorld({ petitions: [GARDENS], ...options });
  const tokens: string[] = [];
  world.franceConnect.switches.alterations = {
    tokenResponse: (response) => {
      for (const token of [response.access_token, response.id_token]) if (typeof token === 'string') tokens.push(token);
      return response;
    },
  };
  return Object.assign(world, { tokens, [Symbol.asyncDispose]: () => world.close() });
}

export type Arrival = {
  readonly browser: Browser;
  readonly callback: URL;
  readonly journey: { readonly id: string; readonly cookie: string };
};

/** A browser that does not pass our door when the provider sends it back. */
export function waitingBrowser(): Browser {
  return new Browser({ stopAt: (url) => url.pathname === '/login/callback' });
}

/** From the petition's page through the whole login; the callback is known, and not called yet. */
export async function arriveAtDoor(world: World, browser: Browser = waitingBrowser(), login = LOGIN): Promise<Arrival> {
  const before = new Set(journeyCookies(browser).map(({ name }) => name));
  await browser.get(`${world.origin}/petitions/jardins`);
  await browser.submit({}, { form: '/sign' });
  const cookie = journeyCookies(browser).find(({ name }) => !before.has(name));
  if (cookie === undefined) throw new Error(`no journey began: ${browser.page.status} ${browser.page.text}`);
  await passFranceConnect(browser, login);
  const callback = new URL(browser.page.url);
  return { browser, callback, journey: { id: cookie.name.slice('paraphe_'.length), cookie: cookie.value } };
}

/** A callback with other parameters; `undefined` takes one out. */
export function changed({ callback }: Arrival, parameters: Record<string, string | undefined>): URL {
  const url = new URL(callback);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url;
}

/** A browser that still has its journey's cookie, whatever it was told. */
export function keepCookie(world: World, { browser, journey }: Arrival): void {
  browser.jar.set(`paraphe_${journey.id}=${journey.cookie}; Path=/`, new URL(world.origin));
}

/** The whole login, wherever it ends. */
export async function comeBack(world: World): Promise<Arrival & { page: Page }> {
  const arrival = await arriveAtDoor(world);
  return { ...arrival, page: await arrival.browser.get(arrival.callback) };
}

/** A login that nothing disturbs ends on the confirm page. */
export async function expectHealthyLogin(world: World): Promise<void> {
  const browser = new Browser();
  await logIn(browser, world, 'jardins', LOGIN);
  expectConfirmPage(browser.page);
}

export function journeyCookies(browser: Browser) {
  return browser.jar.all.filter(({ name }) => name.startsWith('paraphe_'));
}

export function expectConfirmPage(page: Page): void {
  expect(page.text).toContain(BIRTHDATE_IN_WORDS);
  expect(page.status).toBe(200);
  expect(new URL(page.url).pathname).toBe('/petitions/jardins/confirm');
}

/** A page with a refusal's own words, its code and its status. */
export function expectRefusal(world: World, page: Page, code: RefusalCode, status: number): void {
  const { title, what, next } = fr.refusal[code];
  expect(page.text).toContain(`Code ${code}, statut ${status}`);
  expect(page.status).toBe(status);
  for (const words of [title, what, next]) {
    expect(page.text).toContain(words.replaceAll('{{provider}}', world.config.provider).replace(/\s+/g, ' '));
  }
  expect(page.headers.get('cache-control')).toBe('no-store');
}

/** What waits on the server for a journey, opened with its cookie. */
export async function contentOf(
  world: World,
  { journey }: Arrival,
  clock?: Clock,
): Promise<JourneyContent | undefined> {
  const file = openSqliteJourneys(world.config.storage.dataDir);
  try {
    const { sealingKey } = readKeys(world.config.storage.keysDir);
    const journeys = new Journeys(file.journeys, sealingKey, clock ?? (() => new Date()));
    return await journeys.find(journeys.read(journey.id, journey.cookie));
  } finally {
    file.close();
  }
}

/** Straight from the database: the public figures may be a second old. */
export function storedSignatures(world: World): number {
  const database = new Database(join(world.dataDir, 'paraphe.sqlite'), { readonly: true });
  try {
    return database.prepare<[], number>('SELECT count(*) FROM signatures').pluck().get() ?? Number.NaN;
  } finally {
    database.close();
  }
}

/** Nothing was recorded, nobody is waiting to confirm, and no page or diagnostic line names anyone. */
export async function expectNothingLeft(world: WatchedWorld, arrival: Arrival, page: Page): Promise<void> {
  expect(storedSignatures(world)).toBe(0);
  expect(await contentOf(world, arrival)).not.toMatchObject({ kind: 'identified' });
  expectNoSecrets(world, page.html);
  expectDiscreetDiagnostics(world, arrival);
}

/** A refusal that leaves nothing behind. */
export async function expectRefused(
  world: WatchedWorld,
  arrival: Arrival,
  page: Page,
  code: RefusalCode,
  status: number,
): Promise<void> {
  expectRefusal(world, page, code, status);
  await expectNothingLeft(world, arrival, page);
}

/** No token, `sub` or birth date. */
function expectNoSecrets(world: WatchedWorld, text: string): void {
  const sub = world.franceConnect.subOf(LOGIN, world.config.identity.clientId);
  for (const secret of [...world.tokens, sub, BIRTHDATE, BIRTHDATE_IN_WORDS]) expect(text).not.toContain(secret);
}

/** Nor the callback's code and `state`. */
export function expectDiscreetDiagnostics(world: WatchedWorld, { callback, journey }: Arrival): void {
  const text = world.lines.join('');
  expectNoSecrets(world, text);
  const ofCallback = ['code', 'state'].flatMap((name) => callback.searchParams.get(name) ?? []);
  for (const secret of [...ofCallback, journey.cookie]) expect(text).not.toContain(secret);
}
