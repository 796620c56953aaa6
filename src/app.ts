/**
 * The gateway's composition root: it opens storage and keys, makes each part
 * from what it needs, and listens.
 */
import { join } from 'node:path';
import { type Clock, parisDay } from './clock.ts';
import type { ServeConfig } from './config.ts';
import { createDiagnostics, type Diagnostics, describeError } from './diagnostics.ts';
import { Refusal, SetupError } from './errors.ts';
import { Issuer } from './identity/issuer.ts';
import type { IdentityKeyArchive } from './identity/ports.ts';
import { refusalFor } from './identity/provider-errors.ts';
import { finishRequests, listen } from './listen.ts';
import { type LogKey, logOrigin } from './log/log-key.ts';
import { LogReader } from './log/reader.ts';
import type { Step } from './log/sequencer.ts';
import { Member, type Role } from './member.ts';
import { pseudonyms } from './person/pseudonym.ts';
import { computeNym } from './petitions/petition-key.ts';
import { SiteProvider } from './provider/site-provider.ts';
import { followKeyEncryptionKey, followReceiptKeys } from './storage/followed-keys.ts';
import { readKeys } from './storage/key-folder.ts';
import { isPostgres, openJourneys, openStorage } from './storage/open.ts';
import { JourneyCookies } from './web/cookies.ts';
import { Journeys } from './web/journey.ts';
import { messagesOf } from './web/messages.ts';
import { createPages } from './web/pages.ts';
import { ReceiptLinks } from './web/receipt-links.ts';
import { createServer } from './web/server.ts';

export type App = {
  /** The port that it listens on. */
  readonly port: number;
  /** Refuses what is new, finishes what is under way, and closes storage. */
  close(): Promise<void>;
};

export type Writer = Pick<App, 'close'> & {
  /** Resolves when it can do nothing more than end: whoever takes its place reads how the log stands. */
  readonly over: Promise<void>;
};

export type AppOptions = {
  /** What it does of the log; by default `any`. */
  readonly role?: Role;
  readonly clock?: Clock;
  readonly diagnostics?: Diagnostics;
  /** Told each step of a commit to the log, for tests that stop the process there. */
  readonly reached?: (step: Step) => void;
};

const ROOT = join(import.meta.dirname, '..');
const SWEEP_MS = 60_000;
const LOCK_BESIDE_THE_DATA =
  'LOCK_URL is not set: the lock is in the database of the data, where a restored backup brings it back too; only witnesses would notice then';

/** What is opened, in the order of opening: closed the other way round. */
type Closers = (() => unknown)[];

/**
 * The gateway: it serves, and writes the log where no other process does.
 * @throws SetupError with one line that says what is wrong with the set-up
 */
export function startApp(config: ServeConfig, options: AppOptions = {}): Promise<App> {
  return closingOnFailure((closers) => start(config, options, closers));
}

/**
 * The process that writes the log for others that serve, and answers nobody itself.
 * @param options `isFirst` while none of the others is there yet
 * @throws SetupError
 */
export function startWriter(
  config: ServeConfig,
  { isFirst, ...options }: Omit<AppOptions, 'role'> & { readonly isFirst: boolean },
): Promise<Writer> {
  return closingOnFailure(async (closers) => {
    const { member } = await openCore(config, { ...options, role: 'writer' }, closers);
    if (isFirst) await (await openJourneys(config.storage)).close(); // whole, before others have it open
    return { over: member.over, close: () => closeAll(closers) };
  });
}

async function closingOnFailure<T>(start: (closers: Closers) => Promise<T>): Promise<T> {
  const closers: Closers = [];
  try {
    return await start(closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** What every process works with, whether it serves or not. */
async function openCore(config: ServeConfig, options: AppOptions, closers: Closers) {
  const clock = options.clock ?? (() => new Date());
  const diagnostics = options.diagnostics ?? createDiagnostics(config.diagnostics);
  const keys = readKeys(config.storage.keysDir);
  // Loaded where somebody monitors: it is a hundred modules.
  const metrics = config.metrics === undefined ? undefined : new (await import('./metrics/metrics.ts')).Metrics();
  const opened = await openStorage(config.storage);
  closers.push(() => opened.close());
  const storage = metrics === undefined ? opened : { ...opened, log: metrics.watchStore(opened.log) };
  checkLogOrigin(keys.logKey, config);
  if (isPostgres(config.storage) && config.storage.lockUrl === undefined) diagnostics.warn({}, LOCK_BESIDE_THE_DATA);
  const { reached, role = 'any' } = options;
  const { logKey } = keys;
  const deps = { config, storage, logKey, clock, diagnostics, role, metrics, ...(reached ? { reached } : {}) };
  const member = await Member.open(deps);
  closers.push(() => member.close());
  if (metrics !== undefined && config.metrics !== undefined) {
    metrics.read({ member, now: clock });
    if (role === 'any') {
      const { listenForMetrics } = await import('./metrics/listener.ts');
      const monitored = await listenForMetrics(metrics, config.metrics);
      closers.push(() => finishRequests(monitored));
    } else metrics.answerPrimary();
  }
  return { clock, diagnostics, keys, storage, member, metrics };
}

async function start(config: ServeConfig, options: AppOptions, closers: Closers): Promise<App> {
  const { clock, diagnostics, keys, storage, member, metrics } = await openCore(config, options, closers);
  const waiting = await openJourneys(config.storage, options.role === 'web');
  closers.push(() => waiting.close());
  const log = new LogReader({
    files: storage.log,
    vkey: keys.logKey.vkey,
    published: () => member.published,
    refresh: () => member.refresh(),
    sealed: () => member.sealed(),
  });
  const archive: IdentityKeyArchive = {
    keep: async (issuer, jwks) => void (await member.record({ kind: 'identity-keys', issuer, jwks })),
  };
  const issuer = new Issuer(config.identity, { archive, clock, ...(metrics && { exchanged: metrics.exchanged }) });
  closers.push(() => issuer.close());
  const receiptKeys = await followReceiptKeys(config.storage.keysDir, diagnostics);
  closers.push(receiptKeys.stop);
  const keyEncryptionKey = await followKeyEncryptionKey(config.storage.keysDir, diagnostics);
  closers.push(keyEncryptionKey.stop);
  const journeys = new Journeys(waiting.journeys, keys.sealingKey, clock);
  const sites = new SiteProvider({
    origin: config.web.origin,
    sites: storage.sites,
    rows: waiting.providerRows,
    keyEncryptionKey: keyEncryptionKey.current,
    pseudonyms,
    receiptKeys: receiptKeys.current,
    findPetition: (id) => storage.petitions.findById(id),
    today: () => parisDay(clock()),
    acrValues: config.acr === '' ? [] : [config.acr],
    failed: (error) => diagnostics.error(describeError(error), 'the provider of petition sites failed'),
  });
  const sweeper = keepSweeping([journeys, sites], diagnostics);
  closers.push(() => clearInterval(sweeper));
  let isStopping = false;

  await reachProvider(issuer, diagnostics);
  await member.publish(); // the provider's keys, and what a crash left unpublished
  const web = createServer({
    config: config.web,
    publishEveryMs: config.publishEveryMs,
    clock,
    diagnostics,
    pages: createPages({
      viewsDir: join(ROOT, 'views'),
      publicDir: join(ROOT, 'public'),
      brand: config.brand,
      provider: { name: config.provider, isFranceConnect: config.identity.profile === 'franceconnect' },
    }),
    petitions: storage.petitions,
    signatures: storage.signatures,
    register: member,
    log,
    issuer,
    computeNym: (petition, person) =>
      computeNym(
        { petitions: storage.petitions, keyEncryptionKey: keyEncryptionKey.current(), pseudonyms },
        petition,
        person,
      ),
    receiptKeys: receiptKeys.current,
    journeys,
    cookies: new JourneyCookies(config.web.origin.startsWith('https:')),
    links: new ReceiptLinks(keys.sealingKey, clock),
    sites,
    loginAcr: config.acr,
    simulated: config.identity.allowSimulated,
    refused: metrics?.refused,
    ready: async () => {
      if (isStopping) throw new Refusal('stopping');
      if (member.stopped !== undefined) throw new Refusal('log-stopped');
      await storage.ready();
    },
  });
  metrics?.readJourneys(() => journeys.count());
  const server = await listen(web, config.web.host, config.web.port, 'PORT', messagesOf(web));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : config.web.port,
    async close() {
      isStopping = true;
      await finishRequests(server);
      await closeAll(closers);
    },
  };
}

/** The log is named after the gateway's address when its keys are made: proofs and witnesses know it by that name. */
function checkLogOrigin({ origin }: LogKey, { web }: ServeConfig): void {
  if (origin === logOrigin(web.origin)) return;
  throw new SetupError(
    `The log was named ${origin} when its keys were made, for good; ORIGIN=${web.origin} would be ${logOrigin(web.origin)}: set the ORIGIN that belongs to the keys.`,
  );
}

/** Removes what has expired of journeys and of what petition sites asked for, each minute. */
function keepSweeping(swept: readonly { sweep(): Promise<void> }[], diagnostics: Diagnostics): NodeJS.Timeout {
  const failed = (error: unknown) => diagnostics.warn(describeError(error), 'journeys were not swept');
  const sweep = () => swept.forEach((one) => void one.sweep().catch(failed));
  return setInterval(sweep, SWEEP_MS).unref();
}

/** A provider that is away delays logins, not the start; one that is a simulation without leave stops it. */
async function reachProvider(issuer: Issuer, diagnostics: Diagnostics): Promise<void> {
  try {
    await issuer.current();
  } catch (error) {
    const refusal = refusalFor(error);
    if (refusal instanceof Refusal && (refusal.code === 'storage-unavailable' || refusal.code === 'overloaded')) {
      diagnostics.warn(
        { reason: refusal.reason },
        'the provider’s keys are not noted in the log yet; logins wait for it',
      );
      return;
    }
    if (!(refusal instanceof Refusal) || refusal.code !== 'identity-provider-unavailable') throw error;
    if (error instanceof Refusal) throw new SetupError(`IDENTITY_ISSUER: ${error.reason ?? error.code}.`);
    diagnostics.warn({ reason: refusal.reason }, 'IDENTITY_ISSUER is out of reach; logins wait for it');
  }
}
