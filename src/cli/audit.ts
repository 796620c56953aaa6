import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  type Audited,
  type AuditReport,
  audit,
  checkIdentityKeys,
  chooseTrust,
  Difference,
  type Recount,
  refusedReport,
  type Source,
  type Trust,
  Unreachable,
  webSource,
} from '../audit/audit.ts';
import { readBatchesOnThreads } from '../audit/node/batch-threads.ts';
import { nodeTools, sha256 } from '../audit/node/crypto.ts';
import { folderSource } from '../audit/node/folder.ts';
import { Mirror } from '../audit/node/mirror.ts';
import { parisDay } from '../clock.ts';
import { SetupError } from '../errors.ts';
import { Malformed } from '../tlog/errors.ts';
import { parseVerifierKey } from '../tlog/note.ts';
import { sayReport } from './audit-words.ts';
import { Progress } from './progress.ts';
import { untilStopped } from './signals.ts';

export const USAGE = `Usage: paraphe audit <url | folder> [--vkey KEY] [--policy FILE] [--mirror FOLDER] [--watch [SECONDS]] [--json]
  <url | folder>   the gateway, any web server with a copy of its log, or a folder that \`log export\` wrote
  --vkey KEY       the log's verifier key as you know it; without it: the one that the log shows the first time
  --policy FILE    a tlog-policy: which witnesses must have cosigned
  --mirror FOLDER  keeps the log there, and what it proved for the next audit (a URL's default: ~/.paraphe/mirrors/<host>)
  --watch SECONDS  again and again, every 60 seconds if not said otherwise
  --json           one JSON object for each audit`;

type Target = {
  readonly name: string;
  readonly source: Source;
  readonly isGateway: boolean;
  readonly folder: string | undefined;
  readonly mirror: Mirror | undefined;
};
type Given = { readonly vkey?: string; readonly policy?: Uint8Array };

/** What one round leaves for the next: of a log that held, only what is new needs counting. */
type Round = { readonly report: AuditReport; readonly trust: Trust | undefined; readonly evidence: string | undefined };

/** `paraphe audit`: exit code 0 only if everything holds. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args: withSeconds(args),
    options: {
      vkey: { type: 'string' },
      policy: { type: 'string' },
      mirror: { type: 'string' },
      watch: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const [where, ...rest] = positionals;
  if (where === undefined || rest.length > 0) throw new SetupError(USAGE);
  const target = targetOf(where, values.mirror);
  const given = {
    ...(values.vkey === undefined ? {} : { vkey: checkKey(values.vkey) }),
    ...(values.policy === undefined ? {} : { policy: readFileSync(values.policy) }),
  };
  const auditor = new RoundAuditor(target, given);
  if (values.watch !== undefined) return watch(auditor, secondsOf(values.watch), values.json);
  const round = await auditor.round();
  print(round, target, values.json);
  return round.report.holds ? 0 : 1;
}

function secondsOf(text: string): number {
  const seconds = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= 86_400) return seconds;
  throw new SetupError(`--watch ${text}: a number of seconds from 1 to 86400.`);
}

/** A key that is none is a mistake of whoever asks, not the log's. */
function checkKey(vkey: string): string {
  try {
    parseVerifierKey(sha256, vkey.trim());
    return vkey;
  } catch (error) {
    throw error instanceof Malformed ? new SetupError(`--vkey: ${error.message}.`) : error;
  }
}

/** A number behind `--watch` is its seconds. */
function withSeconds(args: readonly string[]): string[] {
  const [before, after] = [args.slice(0, args.indexOf('--watch')), args.slice(args.indexOf('--watch') + 1)];
  if (!args.includes('--watch')) return [...args];
  const seconds = /^[1-9][0-9]*$/.test(after[0] ?? '') ? after.shift() : undefined;
  return [...before, `--watch=${seconds ?? 60}`, ...after];
}

function targetOf(where: string, mirrorFolder: string | undefined): Target {
  const url = /^https?:\/\//.test(where) ? URL.parse(where) : undefined;
  if (url === null) throw new SetupError(`${where} is no URL.`);
  if (url === undefined) {
    if (!existsSync(where) || !statSync(where).isDirectory()) throw new SetupError(`There is no folder ${where}.`);
    const mirror = mirrorFolder === undefined ? undefined : new Mirror(mirrorFolder);
    return { name: where, source: folderSource(where), isGateway: false, folder: where, mirror };
  }
  const name = `${url.host}${url.pathname}`.replace(/\/$/, '').replace(/[^A-Za-z0-9.-]/g, '_');
  const mirror = new Mirror(mirrorFolder ?? join(homedir(), '.paraphe', 'mirrors', name));
  return { name: where, source: webSource(where), isGateway: true, folder: undefined, mirror };
}

/** Audits one source, once or again. */
class RoundAuditor {
  readonly target: Target;
  readonly #given: Given;
  #recount: Recount | undefined;
  #keysSeen = 0;

  constructor(target: Target, given: Given) {
    this.target = target;
    this.#given = given;
  }

  /** @param asksIssuer compares new identity-keys entries with what their issuer publishes */
  async round(asksIssuer = false): Promise<Round> {
    const { source, mirror } = this.target;
    let trust: Trust | undefined;
    let audited: Audited | undefined;
    try {
      const remembered = mirror?.vkey === undefined ? {} : { remembered: mirror.vkey };
      trust = await chooseTrust(source, sha256, { ...this.#given, ...remembered });
      audited = await this.#audit(trust);
      if (audited.report.holds) {
        if (audited.checkpoint !== undefined) mirror?.accept(audited.checkpoint, trust.vkey);
        if (asksIssuer) await checkIdentityKeys(audited.recount.identityKeys.slice(this.#keysSeen), sha256);
        this.#recount = audited.recount;
        this.#keysSeen = audited.recount.identityKeys.length;
        return { report: audited.report, trust, evidence: undefined };
      }
    } catch (error) {
      if (error instanceof Malformed) throw new SetupError(error.message);
      if (error instanceof Unreachable) throw new SetupError(`Cannot read ${error.message}. Nothing is proven.`);
      if (!(error instanceof Difference)) throw error;
      const report = { ...(audited?.report ?? refusedReport(error.found)), holds: false, difference: error.found };
      return { report, trust, evidence: mirror?.keepEvidence(error.found, audited?.checkpoint) };
    }
    // A recount that met a difference stands still.
    this.#recount = undefined;
    this.#keysSeen = 0;
    const { difference } = audited.report;
    const evidence = difference === null ? undefined : mirror?.keepEvidence(difference, audited.checkpoint);
    return { report: audited.report, trust, evidence };
  }

  async #audit({ policy }: Trust): Promise<Audited> {
    const { source, mirror, isGateway } = this.target;
    const folder = mirror?.folder ?? this.target.folder;
    const progress = new Progress();
    const remembered = mirror?.remembered;
    try {
      return await audit({
        source,
        policy,
        tools: nodeTools(),
        gateway: isGateway,
        progress: (entries, size) => progress.show('Counting', entries, size),
        ...(folder === undefined ? {} : { readBatches: readBatchesOnThreads(folder) }),
        ...(remembered === undefined ? {} : { remembered }),
        ...(this.#recount === undefined ? {} : { recount: this.#recount }),
        ...(mirror === undefined
          ? {}
          : {
              files: mirror.files,
              prepare: (size: number) =>
                mirror.fetch(source, size, (done, all) => progress.show('Fetching', done, all)),
              keep: (path: string, bytes: Uint8Array) => mirror.keep(path, bytes),
            }),
      });
    } finally {
      progress.end();
    }
  }
}

/** A monitor: goes on until it is stopped, whatever it meets. Exit code 0 if every round held. */
async function watch(auditor: RoundAuditor, seconds: number, json: boolean): Promise<number> {
  const stopping = new AbortController();
  const stopped = untilStopped().then(() => stopping.abort());
  let allHeld = true;
  let said = '';
  while (!stopping.signal.aborted) {
    try {
      const round = await auditor.round(true);
      allHeld &&= round.report.holds;
      const { size } = round.report.checkpoint ?? { size: 0 };
      const news = round.report.holds ? 'holds' : JSON.stringify(round.report.difference);
      if (json || news !== said) print(round, auditor.target, json);
      else console.log(`${new Date().toISOString()} ${size} entries, as before`);
      said = news;
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      console.error(error.message);
    }
    await wait(seconds * 1000, undefined, { signal: stopping.signal }).catch(() => stopped);
  }
  return allHeld ? 0 : 1;
}

function print({ report, trust, evidence }: Round, { name, mirror }: Target, json: boolean): void {
  if (json) {
    const about = { source: name, vkey: trust?.vkey ?? null, trust: trust?.how ?? null, evidence: evidence ?? null };
    console.log(JSON.stringify({ ...about, ...report }));
    return;
  }
  if (trust?.how === 'first-use') {
    const next = mirror === undefined ? '' : '; from now on no other is accepted';
    console.log(`Trusting the key that the log itself shows, ${trust.vkey}${next}. To say which you trust: --vkey`);
  }
  for (const line of sayReport(report, parisDay(new Date()))) console.log(line);
  if (evidence !== undefined) console.log(`Evidence is kept in ${evidence}`);
}
