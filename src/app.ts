/**
 * The composition root: the only file that sees both storage and the domains. It opens storage and keys, makes each part
 * from what it needs, and listens.
 */
import { statSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import type { ServeConfig } from './config.ts';
import { createDiagnostics, type Diagnostics, describeError } from './diagnostics.ts';
import { Refusal, SetupError } from './errors.ts';
import { Issuer } from './identity/issuer.ts';
import { pseudonyms } from './person/pseudonym.ts';
import { Recorder } from './petitions/recorder.ts';
import { loadReceiptKeys, type ReceiptKeys } from './receipt/keys.ts';
import { readKeys, readReceiptKeys } from './storage/key-folder.ts';
import { openStorage } from './storage/open.ts';
import { JourneyCookies } from './web/cookies.ts';
import { Journeys } from './web/journey.ts';
import { listen } from './web/listen.ts';
import { createPages } from './web/pages.ts';
import { ReceiptLinks } from './web/receipt-links.ts';
import { createServer } from './web/server.ts';

export type App = {
  /** The port that it listens on. */
  readonly port: number;
  /** Refuses what is new, finishes what is under way, and closes storage. */
  close(): Promise<void>;
};

export type AppOptions = { readonly clock?: Clock; readonly diagnostics?: Diagnostics };

const ROOT = join(import.meta.dirname, '..');
const SWEEP_MS = 60_000;
const KEYS_MS = 2_000;

/** @throws SetupError with one line that says what is wrong with the set-up */
export async function startApp(config: ServeConfig, options: AppOptions = {}): Promise<App> {
  const clock = options.clock ?? (() => new Date());
  const diagnostics = options.diagnostics ?? createDiagnostics(config.diagnostics);
  const keys = readKeys(config.storage.keysDir);
  const storage = openStorage(config.storage);
  const issuer = new Issuer(config.identity, { archive: storage.identityKeys, clock });
  const recorder = new Recorder(storage.signatures);
  const journeys = new Journeys(storage.journeys, keys.sealingKey, clock);
  const receiptKeys = await followReceiptKeys(config.storage.keysDir, diagnostics);
  let stopping = false;

  const web = createServer({
    config: config.web,
    clock,
    diagnostics,
    pages: createPages({
      viewsDir: join(ROOT, 'views'),
      publicDir: join(ROOT, 'public'),
      provider: { name: config.provider, isFranceConnect: config.identity.profile === 'franceconnect' },
    }),
    petitions: storage.petitions,
    signatures: storage.signatures,
    recorder,
    issuer,
    pseudonyms,
    keyEncryptionKey: keys.keyEncryptionKey,
    receiptKeys: receiptKeys.current,
    journeys,
    cookies: new JourneyCookies(config.web.origin.startsWith('https:')),
    links: new ReceiptLinks(keys.sealingKey, clock),
    simulated: () => config.identity.allowSimulated,
    ready: async () => {
      if (stopping) throw new Refusal('starting', 'stopping');
      await storage.ready();
    },
  });

  await reachProvider(issuer, diagnostics);
  const sweeper = setInterval(() => {
    journeys.sweep().catch((error: unknown) => diagnostics.warn(describeError(error), 'journeys were not swept'));
  }, SWEEP_MS);
  sweeper.unref();
  let server: Server;
  try {
    server = await listen(web, config.web.host, config.web.port, 'PORT');
  } catch (error) {
    receiptKeys.stop();
    issuer.close();
    storage.close();
    throw error;
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : config.web.port,
    async close() {
      stopping = true;
      clearInterval(sweeper);
      receiptKeys.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await recorder.drain();
      await closed;
      await recorder.drain();
      issuer.close();
      storage.close();
    },
  };
}

/** A provider that is away delays logins, not the start; one that is a simulation without leave stops it. */
async function reachProvider(issuer: Issuer, diagnostics: Diagnostics): Promise<void> {
  try {
    await issuer.current();
  } catch (error) {
    if (error instanceof Refusal) throw new SetupError(`IDENTITY_ISSUER: ${error.reason ?? error.code}.`);
    diagnostics.warn(describeError(error), 'the identity provider is out of reach; logins wait for it');
  }
}

/** The receipt keys, read again when their file changes, so that `paraphe keys rotate` needs no restart. */
async function followReceiptKeys(
  folder: string,
  diagnostics: Diagnostics,
): Promise<{ current: () => ReceiptKeys; stop: () => void }> {
  const changed = () => statSync(join(folder, 'receipt-keys.json')).mtimeMs;
  let keys = await loadReceiptKeys(readReceiptKeys(folder));
  let seen = changed();
  const timer = setInterval(async () => {
    try {
      const now = changed();
      if (now === seen) return;
      keys = await loadReceiptKeys(readReceiptKeys(folder));
      seen = now;
      diagnostics.info({ kid: keys.kid }, 'receipt keys were read again');
    } catch (error) {
      diagnostics.warn(describeError(error), 'receipt keys could not be read again; the ones at hand serve on');
    }
  }, KEYS_MS);
  timer.unref();
  return { current: () => keys, stop: () => clearInterval(timer) };
}
