/**
 * The demonstration: a gateway, the simulated FranceConnect that it logs people in with, and three petitions, all in one
 * data folder that survives restarts. Ready when `/healthz` answers: the gateway listens last.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApp } from '../app.ts';
import { type Environment, readPorts, readServeConfig, type ServeConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import { listen } from '../listen.ts';
import { logOrigin } from '../log/log-key.ts';
import { createLog, withRegister } from '../log-writer.ts';
import { createKeys, hasKeys, readKeys } from '../storage/key-folder.ts';
import { migrateStorage } from '../storage/open.ts';
import { type FranceConnect, startFranceConnect } from './franceconnect/server.ts';
import { SeedClock, seedPetitions } from './seed.ts';

export type Demo = { readonly origin: string; readonly franceConnect: FranceConnect; close(): Promise<void> };

const CLIENT_ID = 'paraphe-demonstration';

/** What an earlier start fixed: receipts name the origin, pseudonyms depend on the issuer. */
type Settings = { readonly origin: string; readonly issuer: string; readonly clientSecret: string };

/** @throws SetupError with one line */
export async function startDemo(env: Environment): Promise<Demo> {
  const ports = readPorts(env);
  const origin = `http://localhost:${ports.port}`;
  const issuer = `http://localhost:${ports.franceConnectPort}/api/v2`;
  const dataDir = env.DATA_DIR === undefined || env.DATA_DIR === '' ? './data' : env.DATA_DIR;
  await checkPorts(ports);
  const { clientSecret } = settle(dataDir, { origin, issuer });
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
    await prepare(config);
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

async function prepare(config: ServeConfig): Promise<void> {
  const isNew = !hasKeys(config.storage.keysDir);
  if (isNew) createKeys(config.storage.keysDir, logOrigin(config.web.origin));
  await migrateStorage(config.storage);
  const { keyEncryptionKey, logKey } = readKeys(config.storage.keysDir);
  if (isNew) await createLog(config.storage, logKey);
  const collecting = { issuer: config.identity.issuer, clientId: config.identity.clientId, acr: config.acr };
  const clock = new SeedClock();
  await withRegister(config.storage, clock.now, ({ storage, register }) =>
    seedPetitions({ petitions: storage.petitions, register, keyEncryptionKey, clock }, collecting),
  );
}

/** Fixes the addresses and the client's secret at the first start. @throws SetupError for other ports on an old folder */
function settle(dataDir: string, addresses: { origin: string; issuer: string }): Settings {
  const file = join(dataDir, 'demo.json');
  if (!existsSync(file)) {
    const settings = { ...addresses, clientSecret: randomBytes(32).toString('hex') };
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
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
