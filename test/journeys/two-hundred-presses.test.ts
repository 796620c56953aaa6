/**
 * Sam presses "sign" two hundred times at once: many times in one browser, and in many browsers in which Sam is logged in.
 * One signature stands, and every press leads to its one receipt.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import type { Browser } from '../fakes/browser.ts';
import { newDatabase, sql } from '../fakes/postgres.ts';
import { dice, rounds } from '../fakes/rounds.ts';
import { Serving } from '../fakes/serving.ts';
import { logIn, receiptOf, startWorld, TRAINS, tallyOf, type World } from '../fakes/world.ts';

const PRESSES = 200;
const BROWSERS = 12;
const ROUNDS = rounds(2, 100);
const DEPARTMENTS = ['01', '13', '2A', '31', '59', '75', '974', '99'];

let world: World;
let processes: Serving | undefined;
afterEach(async () => {
  await processes?.stop();
  processes = undefined;
  await world.close();
});

const GATEWAYS = [
  { what: 'one gateway, on SQLite', start: () => startWith({}) },
  {
    what: 'three processes and one that writes, on PostgreSQL',
    async start() {
      const started = await startWith({ DATABASE_URL: await newDatabase(), LOCK_URL: await newDatabase() });
      await started.stop();
      processes = await new Serving(started.env, '--workers', '3').ready();
      return started;
    },
  },
];

function startWith(env: Record<string, string>): Promise<World> {
  return startWorld({ petitions: [TRAINS], env: { POSTS_PER_MINUTE: '1000000', ...env } });
}

describe.each(GATEWAYS)('two hundred presses of one person at once, at $what', ({ start }) => {
  it(`leave one row, one count and one receipt, in ${ROUNDS} rounds`, async () => {
    world = await start();
    const roll = dice();
    const firstCitizen = 1 + roll(9_000_000);
    for (let round = 1; round <= ROUNDS; round++) {
      const browsers = await logInEverywhere(`citoyen-${firstCitizen + round}`);
      const pressed = await pressAtOnce(browsers, roll);
      expect(pressed.filter(({ status }) => status >= 400)).toEqual([]);

      // A press that found the outcome ended its browser's journey; where each was sent to log out, the page still knows it.
      const waiting = browsers.filter(
        (_, at) => !pressed.some((press) => press.at === at && press.receipt !== undefined),
      );
      const claims = await Promise.all([...pressed.flatMap(({ receipt }) => receipt ?? []), ...waiting].map(claimsOf));
      expect(claims.length).toBeGreaterThanOrEqual(BROWSERS);
      expect(new Set(claims.map((claim) => JSON.stringify(claim))).size).toBe(1);
      expect(DEPARTMENTS).toContain(claims[0]?.department);
      expect(await stored()).toEqual({ rows: round, nyms: round, entries: round });
    }
    await expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: ROUNDS, withdrawn: 0 });
    expect(`${world.lines.join('\n')}${processes?.out ?? ''}`).not.toContain('internal error');
  });
});

/** Sam on the confirm page of as many browsers, each with a journey and cookies of its own. */
function logInEverywhere(login: string): Promise<Browser[]> {
  return Promise.all(
    Array.from({ length: BROWSERS }, async () => {
      const browser = world.browser({ stopAt: isLogout });
      await logIn(browser, world, 'trains', login);
      expect(browser.page.url).toContain('/confirm?journey=');
      return browser;
    }),
  );
}

/** Where a press leads before the browser goes on to FranceConnect: whoever pressed twice is on its way there once. */
function isLogout({ pathname }: URL): boolean {
  return pathname.endsWith('/session/end');
}

/** The first browser presses half of all; the others share the rest, in an order that the dice decide. */
async function pressAtOnce(browsers: readonly Browser[], roll: (sides: number) => number) {
  const order = Array.from({ length: PRESSES }, (_, press) =>
    press < PRESSES / 2 ? 0 : 1 + (press % (browsers.length - 1)),
  );
  for (let last = order.length - 1; last > 0; last--) {
    const other = roll(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  const pages = browsers.map(({ page }) => page.url);
  return Promise.all(
    order.map(async (at) => {
      const tab = browsers[at]!.tab();
      const department = DEPARTMENTS[roll(DEPARTMENTS.length)]!;
      const { status, url } = await tab.post(pages[at]!, { department }, pages[at]);
      return { at, status, receipt: url.includes('/receipt/') ? tab : undefined };
    }),
  );
}

/** What the receipt says, for a browser on its page, or on the confirm page of a logout that never came back. */
async function claimsOf(browser: Browser) {
  if (!browser.page.url.includes('/receipt/')) await browser.reload();
  expect(browser.page.url).toContain('/receipt/');
  return (await receiptOf(browser)).claims;
}

/** How often the log says that a nym signed, and of how many nyms it and the rows speak. */
async function stored(): Promise<Stored | undefined> {
  const query = `SELECT count(*) AS rows, count(DISTINCT nym) AS nyms,
    (SELECT count(*) FROM entries WHERE nym IS NOT NULL) AS entries FROM signatures`;
  const { DATABASE_URL } = world.env;
  if (DATABASE_URL !== undefined) {
    const [row] = await sql<Record<keyof Stored, string>>(DATABASE_URL, query);
    return row && { rows: Number(row.rows), nyms: Number(row.nyms), entries: Number(row.entries) };
  }
  const database = new Database(join(world.dataDir, 'paraphe.sqlite'), { readonly: true });
  try {
    return database.prepare(query).get() as Stored;
  } finally {
    database.close();
  }
}

type Stored = { rows: number; nyms: number; entries: number };
