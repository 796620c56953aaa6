/**
 * The stage: a gateway as `paraphe serve` runs it, the simulated FranceConnect, and their data in a folder that is gone
 * afterwards, each in a process of its own.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readServeConfig } from '../src/config.ts';
import { logOrigin } from '../src/log/log-key.ts';
import { createLog, withRegister } from '../src/log-writer.ts';
import { openPetition } from '../src/petitions/open-petition.ts';
import { parsePetitionFile } from '../src/petitions/petition-file.ts';
import { createKeys, readKeys } from '../src/storage/key-folder.ts';
import { migrateStorage } from '../src/storage/open.ts';
import { sqliteFile } from '../src/storage/sqlite/storage.ts';
import { fillSqlite } from './filled.ts';
import { Part } from './part.ts';

export type Stage = {
  readonly origin: string;
  readonly gateway: Part;
  /** What the gateway was started with: others can be, on the same data. */
  readonly env: Readonly<Record<string, string>>;
  readonly franceConnect: Part;
  /** Slugs of two open petitions: one asks for the département, the other for nothing. */
  readonly petitions: { readonly department: string; readonly plain: string };
  close(): Promise<void>;
};

const CLIENT = { id: 'paraphe-bench', secret: 'a-client-secret-of-the-bench-0123456789' };
const PETITIONS = join(import.meta.dirname, '../src/demo/petitions');

export type StageOptions = {
  /** SQLite unless it says otherwise. */
  readonly databaseUrl?: string;
  /** How many processes serve, with one more that writes; one process does both unless it says otherwise. */
  readonly workers?: number;
  /** How many signatures the first petition holds already, on SQLite; none unless it says otherwise. */
  readonly signatures?: number;
};

/** As long as a petition may have been open. */
const OPEN_MS = 90 * 86_400_000;

/** The bare journey and a simulated FranceConnect of its own. @param folder for its data */
export async function setBareStage(
  folder: string,
): Promise<Pick<Stage, 'origin' | 'gateway' | 'franceConnect' | 'petitions' | 'close'>> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const franceConnect = new Part('franceconnect');
  const { issuer } = await franceConnect.ask<{ issuer: string }>('start', { origin, client: CLIENT });
  const gateway = new Part('bare-journey');
  await gateway.ask('start', { port, folder, issuer, client: CLIENT });
  return {
    origin,
    gateway,
    franceConnect,
    petitions: { department: 'une-petition', plain: 'une-petition' },
    async close() {
      await gateway.stop();
      await franceConnect.stop();
    },
  };
}

export async function setStage({ databaseUrl = '', workers, signatures = 0 }: StageOptions = {}): Promise<Stage> {
  const dataDir = temporaryFolder();
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const franceConnect = new Part('franceconnect');
  const { issuer } = await franceConnect.ask<{ issuer: string }>('start', { origin, client: CLIENT });
  const env = {
    DATA_DIR: dataDir,
    KEYS_DIR: '',
    DATABASE_URL: databaseUrl,
    ORIGIN: origin,
    HOST: '127.0.0.1',
    PORT: String(port),
    TRUST_PROXY: '',
    DIAGNOSTICS: 'info',
    POSTS_PER_MINUTE: '100000000',
    IDENTITY_PROFILE: 'franceconnect',
    IDENTITY_ISSUER: issuer,
    IDENTITY_CLIENT_ID: CLIENT.id,
    IDENTITY_CLIENT_SECRET: CLIENT.secret,
    ALLOW_SIMULATED_IDENTITY: '1',
  };
  const petitions = await prepare(env, signatures);
  const gateway = new Part('gateway', workers === undefined ? env : { ...env, BENCH_WORKERS: String(workers) });
  await untilReady(origin);
  return {
    origin,
    gateway,
    env,
    franceConnect,
    petitions,
    async close() {
      await gateway.stop();
      await franceConnect.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'paraphe-bench-'));
}

async function prepare(env: Readonly<Record<string, string>>, signatures: number): Promise<Stage['petitions']> {
  const config = readServeConfig(env);
  createKeys(config.storage.keysDir, logOrigin(config.web.origin));
  await migrateStorage(config.storage);
  const { keyEncryptionKey, logKey } = readKeys(config.storage.keysDir);
  await createLog(config.storage, logKey);
  const { issuer, clientId } = config.identity;
  const clock = () => new Date(signatures === 0 ? Date.now() : Date.now() - OPEN_MS);
  const [department, plain] = await withRegister(config.storage, clock, async ({ register }) => {
    const open = (name: string, departments: boolean) => {
      const file = parsePetitionFile(readFileSync(join(PETITIONS, name), 'utf8'), name);
      const rules = { ...file, departments, closes: undefined };
      return openPetition({ register, keyEncryptionKey, clock }, rules, { issuer, clientId, acr: config.acr });
    };
    return [await open('trains-de-nuit.md', true), await open('jardins-partages.md', false)] as const;
  });
  if (signatures > 0) {
    await fillSqlite(sqliteFile(config.storage), signatures, logKey, [department, plain]);
  }
  return { department: department.slug, plain: plain.slug };
}

export async function untilReady(origin: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const response = await fetch(`${origin}/readyz`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) return;
    await wait(50);
  }
  throw new Error('the gateway did not start');
}

export function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
  });
  return promise;
}
