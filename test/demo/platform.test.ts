import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { pivotIdentity } from '../../src/demo/franceconnect/citizens.ts';
import { startFranceConnect } from '../../src/demo/franceconnect/server.ts';
import { SetupError } from '../../src/errors.ts';
import { freePort } from '../fakes/free-port.ts';
import { CLIENT, json, RelyingParty } from './relying-party.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'franceconnect-'));
});

afterEach(() => rm(dataDir, { recursive: true }));

const FILE = 'simulated-franceconnect.json';

/** Starts on a folder, again on the port that its issuer names. */
function start(port: number, clock: () => Date = () => new Date()) {
  return RelyingParty.start({}, { dataDir, port, clock });
}

/** The first start, on a port that nobody takes before the second. */
async function firstStart(clock?: () => Date): Promise<RelyingParty> {
  return start(await freePort(), clock);
}

test('a citizen is the same person after a restart, with the same keys', async () => {
  const first = await firstStart();
  const { port, issuer } = first.franceConnect;
  const before = await first.redeem(await first.logIn('test'));
  const keys = await json(await fetch(`${issuer}/jwks`));
  await first.franceConnect.close();

  await using second = await start(port);
  const after = await second.redeem(await second.logIn('test'));
  expect(after.claims.sub).toBe(before.claims.sub);
  expect(await json(await fetch(`${issuer}/jwks`))).toEqual(keys);
});

test('two folders give a citizen two subs', async () => {
  await using here = await firstStart();
  await using elsewhere = await RelyingParty.start();
  expect(here.franceConnect.subOf('test', 'paraphe')).not.toBe(elsewhere.franceConnect.subOf('test', 'paraphe'));
});

test('rotated keys are kept', async () => {
  const first = await firstStart();
  const { port, issuer } = first.franceConnect;
  await first.franceConnect.rotateKeys({ keepOld: true });
  const keys = await json(await fetch(`${issuer}/jwks`));
  expect(keys.keys).toHaveLength(4);
  await first.franceConnect.close();
  await using _second = await start(port);
  expect(await json(await fetch(`${issuer}/jwks`))).toEqual(keys);
});

test('minors stay born in the year that the first start gave them', async () => {
  const first = await firstStart(() => new Date('2026-12-31T23:30:00Z'));
  const { port } = first.franceConnect;
  const bornIn = (service: RelyingParty) =>
    service.franceConnect.citizens.find(({ login }) => login === 'dix_sept_ans')?.birthdate;
  expect(bornIn(first)).toBe('2010-01-01');
  await first.franceConnect.close();
  await using second = await start(port, () => new Date('2031-06-01T00:00:00Z'));
  expect(bornIn(second)).toBe('2010-01-01');
});

test('the folder holds one file, for its owner only, and no citizen', async () => {
  await using service = await firstStart();
  await service.redeem(await service.logIn('test'));
  await service.franceConnect.rotateKeys();
  expect(await readdir(dataDir)).toEqual([FILE]);
  expect((await stat(path.join(dataDir, FILE))).mode & 0o777).toBe(0o600);
  const text = await readFile(path.join(dataDir, FILE), 'utf8');
  for (const citizen of service.franceConnect.citizens) {
    const sub = service.franceConnect.subOf(citizen.login, 'paraphe');
    const { birthdate, family_name } = pivotIdentity(citizen);
    for (const secret of [sub, birthdate, citizen.birthdate, family_name, citizen.email].filter(
      (word) => word !== '',
    )) {
      expect(text).not.toContain(secret);
    }
  }
});

test('a folder of another issuer is refused in one line', async () => {
  const first = await firstStart();
  await first.franceConnect.close();
  const refusal = await firstStart().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(SetupError);
  expect(String(refusal)).toContain(first.franceConnect.issuer);
  expect(String(refusal)).not.toContain('\n');
});

test('a port in use is refused in one line that says what to change', async () => {
  await using first = await RelyingParty.start();
  const { port } = first.franceConnect;
  for (const host of ['127.0.0.1', 'localhost']) {
    const refusal = await startFranceConnect({ port, host, dataDir: undefined, clients: [CLIENT] }).catch(
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(SetupError);
    expect(String(refusal)).toMatch(new RegExp(`port ${port} .*FRANCECONNECT_PORT`));
  }
});

test('on localhost, both localhost and 127.0.0.1 answer', async () => {
  await using service = await RelyingParty.start({}, { host: 'localhost', publicHost: 'localhost' });
  const { port, issuer } = service.franceConnect;
  expect(issuer).toBe(`http://localhost:${port}/api/v2`);
  for (const host of ['localhost', '127.0.0.1']) {
    expect((await fetch(`http://${host}:${port}/api/v2/jwks`)).status).toBe(200);
  }
});

test('nothing is printed, whatever happens', async () => {
  const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation(() => {}),
  );
  {
    await using service = await firstStart();
    const browser = service.browser();
    const { tokens } = await service.redeem(await service.logIn('test', browser));
    await service.token(new URL('http://127.0.0.1:9/callback?code=unknown'));
    await browser.get(service.authorizeUrl({ client_id: 'unknown' }));
    await browser.get(service.endSessionUrl({ id_token_hint: tokens.id_token }));
    await browser.get(`${service.franceConnect.issuer}/session/end/success`);
    await browser.get(`${service.franceConnect.issuer}/nothing-here`);
    await browser.get(`${service.franceConnect.origin}/nothing-here`);
  }
  for (const spy of spies) {
    expect(spy.mock.calls).toEqual([]);
    spy.mockRestore();
  }
});
