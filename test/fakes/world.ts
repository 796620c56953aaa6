/**
 * A gateway and the simulated FranceConnect, really listening, on a data folder of their own. What the tests hold on to:
 * the addresses, the switches, and every diagnostic line that was written.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, startApp } from '../../src/app.ts';
import type { Clock } from '../../src/clock.ts';
import { type Environment, readServeConfig, type ServeConfig } from '../../src/config.ts';
import { type FranceConnect, startFranceConnect } from '../../src/demo/franceconnect/server.ts';
import { createDiagnostics } from '../../src/diagnostics.ts';
import { logOrigin } from '../../src/log/log-key.ts';
import { createLog, withRegister } from '../../src/log-writer.ts';
import { openPetition } from '../../src/petitions/open-petition.ts';
import type { Petition } from '../../src/petitions/petition.ts';
import { parsePetitionFile } from '../../src/petitions/petition-file.ts';
import { createKeys, readKeys } from '../../src/storage/key-folder.ts';
import { migrateStorage } from '../../src/storage/open.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { Browser } from './browser.ts';
import { freePort } from './free-port.ts';

export type World = {
  readonly origin: string;
  readonly config: ServeConfig;
  /** What `config` was read from: another process may serve in the gateways' place. */
  readonly env: Readonly<Record<string, string>>;
  readonly dataDir: string;
  readonly franceConnect: FranceConnect;
  /** Diagnostic lines, as they were written. */
  readonly lines: readonly string[];
  /** The gateways that serve, where there are several: each closes by itself. */
  readonly gateways: readonly App[];
  browser(options?: ConstructorParameters<typeof Browser>[0]): Browser;
  /**
   * Stops the gateway and starts it again on the same folder.
   * @param between what is done to the folder meanwhile
   * @param policy by which witnesses cosign from now on
   */
  restart(between?: () => unknown, policy?: string): Promise<void>;
  /** Stops the gateways, and leaves the rest. */
  stop(): Promise<void>;
  close(): Promise<void>;
};

export type WorldOptions = {
  readonly env?: Environment;
  readonly clock?: Clock;
  readonly franceConnect?: Partial<Parameters<typeof startFranceConnect>[0]>;
  readonly client?: Partial<Parameters<typeof startFranceConnect>[0]['clients'][number]>;
  /** Petitions to open, as front matter; three with different rules unless said otherwise. */
  readonly petitions?: readonly string[];
  /** Makes the policy by which witnesses cosign the log, from the log's verifier key. */
  readonly witnessPolicy?: (vkey: string) => Promise<string>;
  /** How many gateways serve behind one address, a request here and the next one there; one serves by itself. */
  readonly gateways?: number;
};

/** From 16, no département asked. */
export const GARDENS = 'slug: jardins\ntitle: Des jardins partagés\nmin_age: 16\ndepartments: false';
/** Adults, département asked. */
export const TRAINS = 'slug: trains\ntitle: Des trains de nuit\nmin_age: 18\ndepartments: true';

const CLIENT_ID = 'paraphe-test';
const CLIENT_SECRET = 'a-client-secret-of-the-tests-0123456789';

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-'));
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const franceConnect = await startFranceConnect({
    port: 0,
    dataDir: join(dataDir, 'franceconnect'),
    clients: [
      {
        clientId: CLIENT_ID,
        clientSecret: CLIENT_SECRET,
        entityId: CLIENT_ID,
        name: 'Paraphe',
        redirectUris: [`${origin}/login/callback`],
        postLogoutRedirectUris: [`${origin}/logout/callback`],
        ...options.client,
      },
    ],
    ...options.franceConnect,
  });
  const env = {
    DATA_DIR: dataDir,
    ORIGIN: origin,
    PORT: String(port),
    DIAGNOSTICS: 'debug',
    PUBLISH_EVERY: '100ms',
    IDENTITY_ISSUER: franceConnect.issuer,
    IDENTITY_CLIENT_ID: CLIENT_ID,
    IDENTITY_CLIENT_SECRET: CLIENT_SECRET,
    IDENTITY_TIMEOUT_MS: '20000',
    ALLOW_SIMULATED_IDENTITY: '1',
    ...options.env,
  };
  const given = readServeConfig(env);
  createKeys(given.storage.keysDir, logOrigin(given.web.origin));
  const config = await withWitnesses(given, options.witnessPolicy);
  await migrateStorage(config.storage);
  await createLog(config.storage, readKeys(config.storage.keysDir).logKey);
  // One that is over by its date was opened before that, and the log's days come in order.
  const petitions = [...(options.petitions ?? [GARDENS, TRAINS])].sort((a, b) => (closesOf(a) < closesOf(b) ? -1 : 1));
  for (const petition of petitions) await openTestPetition(config, petition, options.clock);

  const lines: string[] = [];
  const diagnostics = createDiagnostics(config.diagnostics, { write: (line: string) => void lines.push(line) });
  const balancer: Balancer | undefined = options.gateways === undefined ? undefined : await startBalancer(port);
  const start = async (policy?: string): Promise<readonly App[]> => {
    const followed = policy === undefined ? config : await withWitnesses(config, async () => policy);
    const web = balancer === undefined ? followed.web : { ...followed.web, port: 0 };
    const gateways: App[] = [];
    for (let i = 0; i < (options.gateways ?? 1); i++) {
      const app = await startApp(
        { ...followed, web },
        { diagnostics, ...(options.clock ? { clock: options.clock } : {}) },
      );
      gateways.push(app);
    }
    balancer?.set(gateways.map((gateway) => gateway.port));
    return gateways;
  };
  const stop = async () => {
    for (const gateway of gateways.splice(0)) await gateway.close();
  };
  const gateways: App[] = [...(await start())];
  return {
    origin,
    config,
    env,
    dataDir,
    franceConnect,
    lines,
    stop,
    gateways,
    browser: (browserOptions) => new Browser(browserOptions),
    async restart(between, policy) {
      await stop();
      await between?.();
      gateways.push(...(await start(policy)));
    },
    async close() {
      await stop();
      await balancer?.close();
      await franceConnect.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function withWitnesses(config: ServeConfig, policy: WorldOptions['witnessPolicy']): Promise<ServeConfig> {
  if (policy === undefined) return config;
  const witnessPolicy = join(config.storage.dataDir, 'policy');
  writeFileSync(witnessPolicy, await policy(readKeys(config.storage.keysDir).logKey.vkey));
  return { ...config, witnessPolicy };
}

export async function openTestPetition(config: ServeConfig, frontMatter: string, clock?: Clock): Promise<Petition> {
  const { keyEncryptionKey } = readKeys(config.storage.keysDir);
  const file = parsePetitionFile(`---\n${frontMatter}\n---\n\nNous demandons **ceci**.\n`, 'test');
  const { issuer, clientId } = config.identity;
  const then = file.closes === undefined ? undefined : new Date(`${file.closes}T10:00:00Z`);
  const now = clock?.() ?? new Date();
  const at = () => (then !== undefined && then < now ? then : now);
  return withRegister(config.storage, at, ({ register }) =>
    openPetition({ register, keyEncryptionKey, clock: at }, file, { issuer, clientId, acr: config.acr }),
  );
}

/** Without a last day, after all others. */
function closesOf(frontMatter: string): string {
  return /^closes: (\S+)$/m.exec(frontMatter)?.[1] ?? '~';
}

/** From the petition's page to the confirm page: presses "sign" and logs in. */
export async function logIn(browser: Browser, world: World, slug: string, login: string): Promise<void> {
  await browser.get(`${world.origin}/petitions/${slug}`);
  await browser.submit({}, { form: '/sign' });
  await passFranceConnect(browser, login);
}

/** Whatever FranceConnect shows on the way: choice, login, information; ends on a page of ours or a refusal of its own. */
export async function passFranceConnect(browser: Browser, login: string): Promise<void> {
  for (let pages = 0; pages < 6 && browser.page.url.includes('/api/v2/') && browser.page.status === 200; pages++) {
    const asks = browser.page.html.includes('name="login"');
    await browser.submit(asks ? { login, password: '123' } : {});
  }
}

/** The whole journey; ends on the receipt's page. */
export async function sign(
  browser: Browser,
  world: World,
  slug: string,
  login: string,
  department?: string,
): Promise<void> {
  await logIn(browser, world, slug, login);
  await browser.submit(department === undefined ? {} : { department }, { form: '/confirm' });
}

/** The claims of the receipt that the open page links to. */
export async function receiptOf(browser: Browser): Promise<{ jwt: string; claims: Record<string, unknown> }> {
  const href = /href="([^"]*\/receipt\.jwt)[^"]*"/.exec(browser.page.html)?.[1];
  if (href === undefined)
    throw new Error(`no receipt on ${browser.page.status} ${browser.page.url}: ${browser.page.text}`);
  const page = browser.page.url;
  const { html: jwt } = await browser.tab().get(new URL(href, page));
  const payload = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8');
  return { jwt, claims: JSON.parse(payload) as Record<string, unknown> };
}

/** What the public JSON says. */
export async function tallyOf(world: World, slug: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${world.origin}/api/petitions/${slug}/tally`);
  return (await response.json()) as Record<string, unknown>;
}
