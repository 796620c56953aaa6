/**
 * The demonstration: a gateway, the simulated FranceConnect that it logs people in with, and three petitions with some
 * signatures, all in one data folder that survives restarts. Ready when `/healthz` answers: the gateway listens last, when
 * the signatures are in its log.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApp } from '../app.ts';
import { parisDay } from '../clock.ts';
import { type Environment, readDemoSignatures, readPorts, readServeConfig, type ServeConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import { listen } from '../listen.ts';
import { logOrigin } from '../log/log-key.ts';
import { createLog, openLogWriter } from '../log-writer.ts';
import { createKeys, hasKeys, readKeys } from '../storage/key-folder.ts';
import { migrateStorage, openStorage } from '../storage/open.ts';
import { type FranceConnect, startFranceConnect } from './franceconnect/server.ts';
import { type Seed, SeedClock, seed } from './seed.ts';
import { syntheticLogins } from './synthetic-login.ts';

export type Demo = { readonly origin: string; readonly franceConnect: FranceConnect; close(): Promise<void> };

const CLIENT_ID = 'paraphe-demonstration';

/** What an earlier start fixed: receipts name the origin, pseudonyms depend on the issuer. */
type Settings = {
  readonly origin: string;
  readonly issuer: string;
  readonly clientSecret: string;
  readonly seed: Seed & { readonly isDone: boolean };
};

/** @throws SetupError with one line */
export async function startDemo(env: Environment): Promise<Demo> {
  const ports = readPorts(env);
  const origin = `http://localhost:${ports.port}`;
  const issuer = `http://localhost:${ports.franceConnectPort}/api/v2`;
  const dataDir = env.DATA_DIR === undefined || env.DATA_DIR === '' ? './data' : env.DATA_DIR;
  await checkPorts(ports);
  const settings = settle(dataDir, { origin, issuer, signatures: readDemoSignatures(env) });
  const { clientSecret } = settings;
  const config = readServeConfig({
    DIAGNOSTICS: 'warn',
    ...env,
    DATA_DIR: dataDir,
    ORIGIN: origin,
    IDENTITY_PROFILE: 'franceconnect',
    IDENTITY_ISSUER: issuer,
    IDENTITY_CLIENT_ID: CLIENT_ID,
    IDENTITY_CLIENT_SECRET: clientSecret,
    ALLOW_SIMULATED_IDENTITY: '1',
  });
  const franceConnect = await startFranceConnect({
    port: ports.franceConnectPort,
    host: 'localhost',
    dataDir: join(config.storage.dataDir, 'franceconnect'),
    clients: [
      {
        clientId: CLIENT_ID,
        clientSecret,
        entityId: CLIENT_ID,
        name: 'Paraphe (démonstration)',
        redirectUris: [`${origin}/login/callback`],
        postLogoutRedirectUris: [`${origin}/logout/callback`],
      },
    ],
  });
  try {
    await prepare(config, settings, franceConnect);
    const app = await startApp(config);
    return {
      origin,
      franceConnect,
      async close() {
        await app.close();
        await franceConnect.close();
      },
    };
  } catch (error) {
    await franceConnect.close();
    throw error;
  }
}

/** Before anything is written: a first start on a busy port must not fix that port. @throws SetupError */
async function checkPorts({ port, franceConnectPort }: { port: number; franceConnectPort: number }): Promise<void> {
  if (port === franceConnectPort) throw new SetupError('PORT and FRANCECONNECT_PORT are the same: choose two.');
  for (const [number, variable] of [
    [port, 'PORT'],
    [franceConnectPort, 'FRANCECONNECT_PORT'],
  ] as const) {
    (await listen(() => {}, '127.0.0.1', number, variable)).close();
  }
}

async function prepare(config: ServeConfig, settings: Settings, franceConnect: FranceConnect): Promise<void> {
  const { storage: place, identity } = config;
  const isNew = !hasKeys(place.keysDir);
  if (isNew) createKeys(place.keysDir, logOrigin(config.web.origin));
  await migrateStorage(place);
  const { keyEncryptionKey, logKey } = readKeys(place.keysDir);
  if (isNew) await createLog(place, logKey);
  if (settings.seed.isDone) return;
  const collecting = { issuer: identity.issuer, clientId: identity.clientId, acr: config.acr };
  const clock = new SeedClock();
  const logIn = await syntheticLogins(franceConnect, identity.clientId, clock.now);
  const storage = await openStorage(place);
  try {
    const { day } = (await storage.log.state()) ?? {};
    const writer = await openLogWriter({ place, storage, key: logKey, clock: clock.now }, { limits: { windowMs: 0 } });
    const { petitions } = storage;
    const deps = { petitions, register: writer.sequencer, keyEncryptionKey, clock, logIn, jwks: franceConnect.jwks() };
    await seed(deps, collecting, settings.seed, day).finally(() => writer.close());
  } finally {
    await storage.close();
  }
  save(place.dataDir, { ...settings, seed: { ...settings.seed, isDone: true } });
}

const FILE = 'demo.json';

/** Fixes addresses, the client's secret and the seed at the first start. @throws SetupError for other ports on an old folder */
function settle(
  dataDir: string,
  { signatures, ...addresses }: { origin: string; issuer: string; signatures: number },
): Settings {
  const file = join(dataDir, FILE);
  if (!existsSync(file)) {
    const seed = { firstDay: parisDay(new Date()), signatures, isDone: false };
    const settings = { ...addresses, clientSecret: randomBytes(32).toString('hex'), seed };
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    save(dataDir, settings);
    return settings;
  }
  const settings = JSON.parse(readFileSync(file, 'utf8')) as Settings;
  if (settings.origin !== addresses.origin || settings.issuer !== addresses.issuer) {
    throw new SetupError(
      `${dataDir} was made with other ports (${settings.origin} and ${new URL(settings.issuer).origin}): use the same PORT and FRANCECONNECT_PORT, or another DATA_DIR.`,
    );
  }
  return settings;
}

/** A crash leaves the old file or the new one. */
function save(dataDir: string, settings: Settings): void {
  const file = join(dataDir, FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
