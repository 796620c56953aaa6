/**
 * What only the process does that writes the log: it records and publishes, takes up what others leave for it, closes
 * petitions whose last day is past, and recounts in the background.
 */
import { readFileSync } from 'node:fs';
import { type Clock, parisDay } from './clock.ts';
import type { ServeConfig } from './config.ts';
import { type Diagnostics, describeError, describeTrouble } from './diagnostics.ts';
import { SetupError } from './errors.ts';
import type { LogKey } from './log/log-key.ts';
import { postText } from './log/post.ts';
import { type Cosign, type PublicationReport, Publisher } from './log/publisher.ts';
import { LogReader } from './log/reader.ts';
import type { Sequencer, Step } from './log/sequencer.ts';
import { Witnesses } from './log/witnesses.ts';
import { openLogWriter } from './log-writer.ts';
import type { Metrics } from './metrics/metrics.ts';
import { sha256, verifyEd25519 } from './node-crypto.ts';
import type { PetitionAct, PetitionOutcome } from './petitions/acts.ts';
import { closeOverdue } from './petitions/close-petition.ts';
import { answerRequests } from './petitions/hand-over.ts';
import type { Register } from './petitions/ports.ts';
import { keepRecounting } from './recount.ts';
import type { Storage } from './storage/open.ts';
import { type Policy, parsePolicy } from './tlog/policy.ts';

export type LeaderDependencies = {
  readonly config: ServeConfig;
  readonly storage: Storage;
  readonly logKey: LogKey;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly reached?: (step: Step) => void;
  readonly metrics: Metrics | undefined;
  /** Told, once, that this process cannot write any more, and why. */
  readonly stopped: (error: Error) => void;
};

export type Leader = {
  readonly sequencer: Sequencer<PetitionAct, PetitionOutcome>;
  readonly publisher: Publisher;
  /** Finishes what is under way, publishes it, and gives the right to write back. */
  close(): Promise<void>;
};

const CLOSE_MS = 60_000;
const TELL_MS = 10_000;

/**
 * Takes the right to write and everything that goes with it.
 * @throws WriterBusy when another process has it; SetupError when the log cannot go on from where its data and its lock are
 */
export async function startLeader(deps: LeaderDependencies): Promise<Leader> {
  const { config, storage, logKey, clock, diagnostics, reached, metrics, stopped } = deps;
  const closers: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  const writer = await openLogWriter(
    { place: config.storage, storage, key: logKey, clock },
    { stopped, ...(reached ? { reached } : {}) },
  );
  closers.push(() => writer.close());
  try {
    const { sequencer, epoch } = writer;
    const log = new LogReader({
      files: storage.log,
      vkey: logKey.vkey,
      published: () => publisher.current,
      refresh: () => publisher.refresh(),
      sealed: async () => sequencer.sealed,
    });
    const cosign = readCosign(config, logKey, (oldSize, size) => log.consistency(oldSize, size));
    const publisher = await Publisher.open({
      store: storage.log,
      sequencer,
      origin: logKey.origin,
      clock,
      epoch,
      everyMs: config.publishEveryMs,
      cosign: cosign && (metrics?.watchCosign(cosign) ?? cosign),
      report: (trouble) => reportPublication(diagnostics, trouble),
    });
    closers.push(() => publisher.publish());
    const failed = seldom((error) => diagnostics.warn(describeTrouble(error), 'acts of other processes wait'));
    const register = { record: (act: PetitionAct) => recordRequested(sequencer, config, act) };
    closers.push(answerRequests(storage.requests, register, failed));
    closers.push(await keepClosing({ petitions: storage.petitions, register: sequencer }, clock, diagnostics));
    closers.push(
      keepRecounting({ config: config.storage, figures: () => sequencer.fold.snapshot(), ...recounted(diagnostics) }),
    );
    closers.push(publisher.start());
    return {
      sequencer,
      publisher,
      async close() {
        if (sequencer.stopped === undefined) await sequencer.drain();
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Of acts that are tried again several times a second, one line now and then says as much as one for each. */
function seldom(tell: (error: unknown) => void): (error: unknown) => void {
  let told = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - told < TELL_MS) return;
    told = performance.now();
    tell(error);
  };
}

function recounted(diagnostics: Diagnostics): Pick<Parameters<typeof keepRecounting>[0], 'found' | 'failed'> {
  return {
    found({ size, problems }) {
      if (problems.length === 0) diagnostics.info({ size }, 'recounted: rows, log and figures agree');
      else diagnostics.error({ size, problems }, 'ALARM: rows, log and figures disagree: run paraphe fsck');
    },
    failed: (error) => diagnostics.warn(describeError(error), 'the recount came to no end'),
  };
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
