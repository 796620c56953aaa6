/** What a demonstration begins with: synthetic signatures that a stranger can audit, and that name nobody. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Day } from '../../src/clock.ts';
import { parseDay } from '../../src/clock.ts';
import { type Demo, startDemo } from '../../src/demo/demo.ts';
import { type FranceConnect, startFranceConnect } from '../../src/demo/franceconnect/server.ts';
import { PETITIONS, planActs } from '../../src/demo/plan.ts';
import { SeedClock, type SeedDependencies, seed } from '../../src/demo/seed.ts';
import { syntheticLogins } from '../../src/demo/synthetic-login.ts';
import { LiveFold } from '../../src/log/live-fold.ts';
import { createLog, openLogWriter } from '../../src/log-writer.ts';
import type { PetitionAct } from '../../src/petitions/acts.ts';
import type { Petition } from '../../src/petitions/petition.ts';
import { createKeys, readKeys } from '../../src/storage/key-folder.ts';
import { migrateStorage, openLock, openStorage } from '../../src/storage/open.ts';
import { PETITION, petitionNamed } from '../fakes/acts.ts';
import { command } from '../fakes/command.ts';
import { freePort } from '../fakes/free-port.ts';
import { findLeaks } from '../fakes/leaks.ts';
import { checkWholeLog } from '../fakes/whole-log.ts';

const SIGNATURES = 120;

describe('a new demonstration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'paraphe-demo-'));
  const place = {
    dataDir: folder,
    keysDir: join(folder, 'keys'),
    databaseUrl: 'sqlite:',
    lockUrl: undefined,
    allowUnsafeCommits: false,
  };
  let env: Record<string, string>;
  let demo: Demo | undefined;

  beforeAll(async () => {
    env = {
      PORT: String(await freePort()),
      FRANCECONNECT_PORT: String(await freePort()),
      DATA_DIR: folder,
      DEMO_SIGNATURES: String(SIGNATURES),
      DIAGNOSTICS: 'silent',
    };
    demo = await startDemo(env);
  });
  afterAll(async () => {
    await demo?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const petitions = async () => {
    const { petitions } = (await (await fetch(`${demo?.origin}/api/petitions`)).json()) as {
      petitions: { slug: string; signatures: number }[];
    };
    return petitions;
  };

  test('has the signatures of the plan, less those withdrawn, when it first answers', async () => {
    const acts = planActs(SIGNATURES);
    const of = (file: string) => acts.filter((act) => act.file === file);
    const expected = PETITIONS.map(({ file }) => ({
      slug: file.replace('.md', ''),
      signatures: of(file).length - 2 * of(file).filter(({ action }) => action === 'withdraw').length,
    }));
    expect(await petitions()).toEqual(expected.reverse().map((one) => expect.objectContaining(one)));
    expect(acts.filter(({ action }) => action === 'sign')).toHaveLength(SIGNATURES);
  });

  test('passes an audit, JSON and pages included', async () => {
    const { code, out } = await command({}, 'audit', demo?.origin ?? '', '--mirror', join(folder, 'mirror'));
    expect(out).toContain('HOLDS');
    expect(code).toBe(0);
  });

  test('spreads them over weeks and départements, and says what is declared', async () => {
    const tally = (await (await fetch(`${demo?.origin}/api/petitions/trains-de-nuit/tally`)).json()) as {
      by_day: object;
      by_department: object;
    };
    const days = Object.keys(tally.by_day);
    expect(Date.parse(days.at(-1)!) - Date.parse(days[0]!)).toBeGreaterThan(28 * 86_400_000);
    expect(Object.keys(tally.by_department).length).toBeGreaterThan(20);
  });

  test('goes on where it stood: a second start adds nothing', async () => {
    const before = await petitions();
    await demo?.close();
    demo = await startDemo(env);
    expect(await petitions()).toEqual(before);
  });

  test('keeps a log that holds, with the provider’s keys before the first signature, once', async () => {
    await demo?.close();
    demo = undefined;
    const storage = await openStorage(place);
    const lock = await openLock(place);
    const { entries } = await checkWholeLog(storage, lock, readKeys(place.keysDir).logKey);
    await storage.close();
    await lock.close();
    expect(entries[0]?.kind).toBe('identity-keys');
    expect(entries.filter(({ kind }) => kind === 'identity-keys')).toHaveLength(1);
    expect(entries.filter(({ kind }) => kind === 'signed')).toHaveLength(SIGNATURES);
  });

  test('holds nobody’s sub, login or birth date in its folder', async () => {
    const franceConnect = await startFranceConnect({
      port: Number(env.FRANCECONNECT_PORT),
      dataDir: join(folder, 'franceconnect'),
      clients: [
        {
          clientId: 'paraphe-demonstration',
          clientSecret: 's'.repeat(32),
          entityId: 'paraphe-demonstration',
          name: 'x',
          redirectUris: ['http://localhost/x'],
          postLogoutRedirectUris: [],
        },
      ],
    });
    const people = planActs(SIGNATURES).map(({ login }) => login);
    const secrets = [...new Set(people)].flatMap((login) => [
      { name: `sub of ${login}`, value: franceConnect.subOf(login, 'paraphe-demonstration').slice(0, 64) },
      { name: `login ${login}`, value: login },
      { name: `birth date of ${login}`, value: franceConnect.citizen(login)!.birthdate },
    ]);
    await franceConnect.close();
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => ({ name, bytes: readFileSync(join(parentPath, name)) }));
    expect(files.length).toBeGreaterThan(5);
    expect(findLeaks(files, secrets)).toEqual([]);
  });
});

test('visitors’ own citizens have not signed', () => {
  const numbers = planActs(2000).map(({ login }) => Number(login.replace('citoyen-', '')));
  expect(Math.min(...numbers)).toBeGreaterThan(9_000_000);
});

test('a start that is killed in the middle is made again, and ends in the same figures', async () => {
  const whole = await seededFigures(Number.POSITIVE_INFINITY);
  const interrupted = await seededFigures(70);
  expect(interrupted).toEqual(whole);
});

test.each([
  ['with another nonce', { nonce: '0'.repeat(64) }, /another login/],
  ['of another day', { at: new Date('2026-11-19T11:00:00Z') }, /exp/],
])('a token %s is not believed', async (_what, lie, words) => {
  const franceConnect = await startFranceConnect({ port: 0, dataDir: undefined, clients: [CLIENT] });
  const lying: FranceConnect = {
    ...franceConnect,
    async tokenIssuer(clientId) {
      const issue = await franceConnect.tokenIssuer(clientId);
      return (citizen, login) => issue(citizen, { ...login, ...lie });
    },
  };
  const now = () => new Date('2026-11-20T11:00:00Z');
  const petition = { ...petitionNamed('une', PETITION), issuer: franceConnect.issuer, clientId: 'c' } as Petition;
  const honest = await syntheticLogins(franceConnect, 'c', now);
  expect((await honest('citoyen-1', 'sign', petition)).person.sub).toBe(franceConnect.subOf('citoyen-1', 'c'));
  const logIn = await syntheticLogins(lying, 'c', now);
  await expect(logIn('citoyen-1', 'sign', petition)).rejects.toThrow(words);
  await franceConnect.close();
});

const CLIENT = {
  clientId: 'c',
  clientSecret: 's'.repeat(32),
  entityId: 'c',
  name: 'c',
  redirectUris: ['http://localhost/c'],
  postLogoutRedirectUris: [],
};

/** Seeds a new folder, and again when that fails, as it does once after so many acts. Figures by slug. */
async function seededFigures(failsAfter: number) {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-seed-'));
  const place = {
    dataDir,
    keysDir: join(dataDir, 'keys'),
    databaseUrl: 'sqlite:',
    lockUrl: undefined,
    allowUnsafeCommits: false,
  };
  createKeys(place.keysDir, 'localhost/log');
  await migrateStorage(place);
  const { keyEncryptionKey, logKey } = readKeys(place.keysDir);
  await createLog(place, logKey);
  const franceConnect = await startFranceConnect({ port: 0, dataDir: undefined, clients: [CLIENT] });
  const storage = await openStorage(place);
  let left = failsAfter;
  const once = async () => {
    const clock = new SeedClock();
    const writer = await openLogWriter({ place, storage, key: logKey, clock: clock.now }, { limits: { windowMs: 0 } });
    const register: SeedDependencies['register'] = {
      async record(act: PetitionAct) {
        if (left-- === 0) throw new Error('killed');
        return writer.sequencer.record(act);
      },
    };
    const logIn = await syntheticLogins(franceConnect, 'c', clock.now);
    const { petitions } = storage;
    const deps = { petitions, register, keyEncryptionKey, clock, logIn, jwks: franceConnect.jwks() };
    const collecting = { issuer: franceConnect.issuer, clientId: 'c', acr: 'eidas1' };
    const day = (await storage.log.state())?.day;
    await seed(deps, collecting, { firstDay: parseDay('2026-11-20') as Day, signatures: SIGNATURES }, day).finally(() =>
      writer.close(),
    );
  };
  await once().catch(once);
  const fold = await LiveFold.ofStored(storage.log);
  const figures = fold.snapshot().petitions.map(({ opened: _, byDepartment, ...counts }) => ({
    ...counts,
    byDepartment: Object.fromEntries(byDepartment),
  }));
  await storage.close();
  await franceConnect.close();
  rmSync(dataDir, { recursive: true });
  return figures;
}
