/** The same gateway on PostgreSQL: people sign and withdraw, its operator looks after it, and a journalist recounts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../fakes/command.ts';
import { awayFromMidnight } from '../fakes/midnight.ts';
import { copyDatabase, newDatabase, putInPlace, sql } from '../fakes/postgres.ts';
import { recorded } from '../fakes/recorded.ts';
import { logIn, passFranceConnect, receiptOf, sign, startWorld, tallyOf, type World } from '../fakes/world.ts';

let world: World;
let env: Record<string, string>;
let databaseUrl: string;
let desk: string;
beforeAll(async () => {
  databaseUrl = await newDatabase();
  const lockUrl = await newDatabase();
  world = await startWorld({ env: { DATABASE_URL: databaseUrl, LOCK_URL: lockUrl } });
  env = { DATA_DIR: world.dataDir, DATABASE_URL: databaseUrl, LOCK_URL: lockUrl };
  desk = mkdtempSync(join(tmpdir(), 'paraphe-assembly-'));
});
afterAll(async () => {
  await world.close();
  rmSync(desk, { recursive: true });
});

const published = (total: number) => expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total });

test('Yasmina signs, withdraws, and signs again; asked once more, she gets the receipt that she has', async () => {
  await awayFromMidnight();
  const yasmina = world.browser();
  await sign(yasmina, world, 'trains', 'naissance_Algérie', '13');
  const { claims } = await receiptOf(yasmina);
  await yasmina.submit({}, { form: '/withdraw' });
  await passFranceConnect(yasmina, 'naissance_Algérie');
  await yasmina.submit({}, { form: '/confirm' });
  expect(await recorded(world, 'trains')).toMatchObject({ total: 0, withdrawn: 1 });
  await sign(yasmina, world, 'trains', 'naissance_Algérie', '13');
  const again = await receiptOf(yasmina);
  const { origin, index } = claims.log as { origin: string; index: number };
  expect(again.claims).toEqual({ ...claims, log: { origin, index: index + 2 } });

  const elsewhere = world.browser();
  await sign(elsewhere, world, 'trains', 'naissance_Algérie');
  expect((await receiptOf(elsewhere)).claims).toEqual(again.claims);
  expect(await recorded(world, 'trains')).toMatchObject({ total: 1, withdrawn: 0 });
});

test('one person who arrives in ten browsers at once signs once', async () => {
  const browsers = Array.from({ length: 10 }, () => world.browser());
  for (const browser of browsers) await logIn(browser, world, 'trains', 'test');
  await Promise.all(browsers.map((browser) => browser.submit({ department: '75' }, { form: '/confirm' })));
  const receipts = await Promise.all(browsers.map(receiptOf));
  for (const { claims } of receipts) expect(claims).toEqual(receipts[0]!.claims);
  expect(await recorded(world, 'trains')).toMatchObject({ total: 2 });
});

test('the operator opens and closes petitions beside the serving gateway, and fsck finds it whole', async () => {
  const file = join(desk, 'petition.md');
  writeFileSync(
    file,
    '---\nslug: digues\ntitle: Des digues\nmin_age: 0\ndepartments: false\n---\n\nNous les demandons.\n',
  );
  const { issuer, clientId } = world.config.identity;
  const collecting = { ...env, IDENTITY_ISSUER: issuer, IDENTITY_CLIENT_ID: clientId };
  expect(await command(collecting, 'petition', 'open', file)).toMatchObject({ code: 0 });
  expect(await command(env, 'petition', 'close', 'digues')).toMatchObject({ code: 0 });
  expect((await command(env, 'petition', 'list')).out).toMatch(/^digues {2}closed {2}0 signatures/m);
  expect(await command(env, 'fsck')).toMatchObject({ code: 0, out: expect.stringContaining('The log is whole') });
  expect(await command(env, 'backup', join(desk, 'copy'))).toMatchObject({
    code: 1,
    err: expect.stringContaining('pg_dump'),
  });
});

test('Nadia recounts it, from the gateway and from an export, and finds what the pages say', async () => {
  await published(2);
  const report = await command({}, 'audit', world.origin, '--json', '--mirror', join(desk, 'hers'));
  expect(report).toMatchObject({ code: 0 });
  const { petitions } = JSON.parse(report.out) as { petitions: { total: number }[] };
  expect(petitions.map(({ total }) => total).sort()).toEqual([0, 0, 2]);
  expect(await command(env, 'log', 'export', join(desk, 'mirror'))).toMatchObject({ code: 0 });
  expect(await command({}, 'audit', join(desk, 'mirror'))).toMatchObject({ code: 0 });
});

test('fsck names a row that was changed by hand', async () => {
  const change = (code: string) => `UPDATE entries SET department = '${code}' WHERE department IS NOT NULL AND nym IN
    (SELECT nym FROM entries WHERE kind = 3)`;
  await sql(databaseUrl, change('14'));
  expect(await command(env, 'fsck')).toMatchObject({ code: 1 });
  await sql(databaseUrl, change('13'));
  expect(await command(env, 'fsck')).toMatchObject({ code: 0 });
});

test('a gateway whose connections are all cut goes on by itself', async () => {
  await sql(
    databaseUrl,
    `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'paraphe'`,
  );
  const browser = world.browser();
  await expect.poll(async () => (await fetch(`${world.origin}/readyz`)).status).toBe(200);
  await sign(browser, world, 'trains', 'citoyen-7', '75');
  expect(browser.page.status).toBe(200);
  await published(3);
});

test('a backup that is put back is refused, and recovered with the public log', async () => {
  let backup = '';
  await world.restart(async () => {
    backup = await copyDatabase(databaseUrl);
  });
  await sign(world.browser(), world, 'trains', 'citoyen-8', '69');
  await published(4);
  const before = await recorded(world, 'trains');
  expect(await command(env, 'log', 'export', join(desk, 'mirror'))).toMatchObject({ code: 0 });
  await expect(world.restart(() => putInPlace(backup, databaseUrl))).rejects.toThrow(
    /the log has signed \d+: they are older than the lock/,
  );
  const recovered = await command(env, 'recover', '--mirror', join(desk, 'mirror'));
  expect(recovered).toMatchObject({ code: 0, out: expect.stringContaining('1 came from the mirror') });
  await world.restart();
  expect(await recorded(world, 'trains')).toEqual(before);
  expect(await command(env, 'fsck')).toMatchObject({ code: 0 });
});

test('without LOCK_URL the lock is beside the data, and the start says so; with it, nothing is said', async () => {
  const alone = await startWorld({ env: { DATABASE_URL: await newDatabase() }, petitions: [] });
  await alone.close();
  const said = (lines: readonly string[]) => lines.filter((line) => line.includes('LOCK_URL is not set')).length;
  expect([said(alone.lines), said(world.lines)]).toEqual([1, 0]);
});
