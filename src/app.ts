/**
 * The gateway's composition root: it opens storage and keys, makes each part
 * from what it needs, and listens.
 */
import { readFileSync, statSync } from 'node:fs';
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
import { postText } from './log/post.ts';
import { type Cosign, type PublicationReport, Publisher } from './log/publisher.ts';
import { LogReader } from './log/reader.ts';
import type { Step } from './log/sequencer.ts';
import { Witnesses } from './log/witnesses.ts';
import { answerRequests, openLogWriter } from './log-writer.ts';
import { sha256, verifyEd25519 } from './node-crypto.ts';
import { pseudonyms } from './person/pseudonym.ts';
import type { PetitionAct, PetitionOutcome } from './petitions/acts.ts';
import { closeOverdue } from './petitions/close-petition.ts';
import { computeNym } from './petitions/petition-key.ts';
import type { Register } from './petitions/ports.ts';
import { loadReceiptKeys, type ReceiptKeys } from './receipt/keys.ts';
import { keepRecounting } from './recount.ts';
import { readKeys, readReceiptKeys } from './storage/key-folder.ts';
import { isPostgres, openJourneys, openStorage } from './storage/open.ts';
import { type Policy, parsePolicy } from './tlog/policy.ts';
import { JourneyCookies } from './web/cookies.ts';
import { Journeys } from './web/journey.ts';
import { createPages } from './web/pages.ts';
import { ReceiptLinks } from './web/receipt-links.ts';
import { createServer } from './web/server.ts';

export type App = {
  /** The port that it listens on. */
  readonly port: number;
  /** Refuses what is new, finishes what is under way, and closes storage. */
  close(): Promise<void>;
};

export type AppOptions = {
  readonly clock?: Clock;
  readonly diagnostics?: Diagnostics;
  /** Told each step of a commit to the log, for tests that stop the process there. */
  readonly reached?: (step: Step) => void;
};

const ROOT = join(import.meta.dirname, '..');
const SWEEP_MS = 60_000;
const CLOSE_MS = 60_000;
const KEYS_MS = 2_000;
const LOCK_ON_THIS_MACHINE =
  'LOCK_URL is not set: what guards against a restored backup is lock.sqlite in DATA_DIR, on this machine alone';

/** @throws SetupError with one line that says what is wrong with the set-up */
export async function startApp(config: ServeConfig, options: AppOptions = {}): Promise<App> {
  const closers: (() => unknown)[] = [];
  try {
    return await start(config, options, closers);
  } catch (error) {
    for (const close of closers.reverse()) await close();
    throw error;
  }
}

/** @param closers gathers what must be closed, in the order of opening, should a later step fail */
async function start(config: ServeConfig, options: AppOptions, closers: (() => unknown)[]): Promise<App> {
  const clock = options.clock ?? (() => new Date());
  const diagnostics = options.diagnostics ?? createDiagnostics(config.diagnostics);
  const keys = readKeys(config.storage.keysDir);
  const storage = await openStorage(config.storage);
  closers.push(() => storage.close());
  checkLogOrigin(keys.logKey, config);
  const place = config.storage;
  if (isPostgres(place) && place.lockUrl === undefined) diagnostics.warn({}, LOCK_ON_THIS_MACHINE);
  const { reached } = options;
  const writer = await openLogWriter({ place, storage, key: keys.logKey, clock }, reached ? { reached } : {});
  closers.push(() => writer.close());
  // With the right to write: on SQLite, a journeys' file that cannot be read is made anew, and never under a gateway that serves.
  const waiting = await openJourneys(place);
  closers.push(() => waiting.close());
  const { sequencer } = writer;
  const publisher = await Publisher.open({
    store: storage.log,
    sequencer,
    origin: keys.logKey.origin,
    clock,
    everyMs: config.publishEveryMs,
    cosign: readCosign(config, keys.logKey, (oldSize, size) => log.consistency(oldSize, size)),
    report: (trouble) => reportPublication(diagnostics, trouble),
  });
  const log = new LogReader({
    files: storage.log,
    vkey: keys.logKey.vkey,
    published: () => publisher.current,
    sealed: () => sequencer.sealed,
  });
  const archive: IdentityKeyArchive = {
    keep: async (issuer, jwks) => void (await sequencer.record({ kind: 'identity-keys', issuer, jwks })),
  };
  const issuer = new Issuer(config.identity, { archive, clock });
  closers.push(() => issuer.close());
  const receiptKeys = await followReceiptKeys(config.storage.keysDir, diagnostics);
  closers.push(receiptKeys.stop);
  const journeys = new Journeys(waiting.journeys, keys.sealingKey, clock);
  const sweeper = sweepJourneys(journeys, diagnostics);
  closers.push(() => clearInterval(sweeper));
  let isStopping = false;

  const nymDeps = { petitions: storage.petitions, keyEncryptionKey: keys.keyEncryptionKey, pseudonyms };

  await reachProvider(issuer, diagnostics);
  const failed = (error: unknown) => diagnostics.warn(describeError(error), 'an act of the operator was not recorded');
  closers.push(answerRequests(storage.requests, { record: (act) => recordRequested(sequencer, config, act) }, failed));
  closers.push(await keepClosing({ petitions: storage.petitions, register: sequencer }, clock, diagnostics));
  closers.push(
    keepRecounting({
      config: config.storage,
      figures: () => sequencer.fold.snapshot(),
      found: ({ size, problems }) => {
        if (problems.length === 0) diagnostics.info({ size }, 'recounted: rows, log and figures agree');
        else diagnostics.error({ size, problems }, 'ALARM: rows, log and figures disagree: run paraphe fsck');
      },
      failed: (error) => diagnostics.warn(describeError(error), 'the recount came to no end'),
    }),
  );
  await publisher.publish();
  closers.push(publisher.start());
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
    register: sequencer,
    log,
    issuer,
    computeNym: (petition, person) => computeNym(nymDeps, petition, person),
    receiptKeys: receiptKeys.current,
    journeys,
    cookies: new JourneyCookies(config.web.origin.startsWith('https:')),
    links: new ReceiptLinks(keys.sealingKey, clock),
    simulated: config.identity.allowSimulated,
    ready: async () => {
      if (isStopping) throw new Refusal('stopping');
      if (sequencer.stopped !== undefined) throw new Refusal('log-stopped');
      await storage.ready();
    },
  });
  const server = await listen(web, config.web.host, config.web.port, 'PORT');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : config.web.port,
    async close() {
      isStopping = true;
      await finishRequests(server);
      await sequencer.drain();
      await publisher.publish();
      for (const close of closers.reverse()) await close();
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

/** How witnesses are asked, where a policy names any. @throws SetupError for a policy that cannot be read or is not ours */
function readCosign(
  { witnessPolicy }: ServeConfig,
  key: LogKey,
  consistency: (oldSize: number, size: number) => Promise<readonly Uint8Array[]>,
): Cosign | undefined {
  if (witnessPolicy === undefined) return undefined;
  const deps = { verify: verifyEd25519, post: postText };
  const witnesses = new Witnesses(readPolicy(witnessPolicy), key.verifierKey, deps);
  return (checkpoint, size) => witnesses.cosign(checkpoint, (oldSize) => consistency(oldSize, size));
}

function readPolicy(file: string): Policy {
  try {
    return parsePolicy(sha256, readFileSync(file));
  } catch (error) {
    throw new SetupError(`WITNESS_POLICY ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Something that a witness says of our log and that is no fault of the network. */
const ALARMS: readonly string[] = ['ahead', 'inconsistent', 'rolled-back'];

function reportPublication(diagnostics: Diagnostics, { trouble, failures }: PublicationReport): void {
  for (const { witness, reason, detail } of failures) {
    const facts = { witness, reason, detail };
    if (ALARMS.includes(reason)) diagnostics.error(facts, 'ALARM: a witness knows another tree of this log than ours');
    else diagnostics.warn(facts, 'a witness did not cosign');
  }
  if (trouble !== undefined) diagnostics.error({ trouble }, 'the log is not published; signing goes on');
  else if (failures.length === 0) diagnostics.info({}, 'the log is published, and all witnesses cosigned');
}

/** A command has its own environment: what it would open for another identity provider than ours, for good, is a mistake. */
async function recordRequested(
  register: Register,
  { identity }: ServeConfig,
  act: PetitionAct,
): Promise<PetitionOutcome> {
  if (act.kind !== 'petition-opened') return register.record(act);
  const { issuer, clientId } = act.opening;
  if (issuer === identity.issuer && clientId === identity.clientId) return register.record(act);
  throw new SetupError(
    `it collects for ${identity.issuer} as ${identity.clientId}, and the petition is for ${issuer} as ${clientId}`,
  );
}

/** Closes petitions whose last day is past: now, and each minute until the returned function is called. */
async function keepClosing(
  deps: Parameters<typeof closeOverdue>[0],
  clock: Clock,
  diagnostics: Diagnostics,
): Promise<() => void> {
  const close = async () => {
    try {
      for (const { slug } of await closeOverdue(deps, parisDay(clock()))) {
        diagnostics.info({ petition: slug }, 'its last day is past: closed');
      }
    } catch (error) {
      diagnostics.warn(describeError(error), 'petitions were not closed');
    }
  };
  await close();
  const timer = setInterval(close, CLOSE_MS).unref();
  return () => clearInterval(timer);
}

function sweepJourneys(journeys: Journeys, diagnostics: Diagnostics): NodeJS.Timeout {
  const sweep = () =>
    journeys.sweep().catch((error: unknown) => diagnostics.warn(describeError(error), 'journeys were not swept'));
  return setInterval(sweep, SWEEP_MS).unref();
}

/** A provider that is away delays logins, not the start; one that is a simulation without leave stops it. */
async function reachProvider(issuer: Issuer, diagnostics: Diagnostics): Promise<void> {
  try {
    await issuer.current();
  } catch (error) {
    const refusal = refusalFor(error);
    if (!(refusal instanceof Refusal) || refusal.code !== 'identity-provider-unavailable') throw error;
    if (error instanceof Refusal) throw new SetupError(`IDENTITY_ISSUER: ${error.reason ?? error.code}.`);
    diagnostics.warn({ reason: refusal.reason }, 'IDENTITY_ISSUER is out of reach; logins wait for it');
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
