/**
 * `paraphe/audit`: recounts a log from its files. Runs in Node and in browsers, knows no configuration and stores nothing;
 * trust and cryptography are arguments.
 *
 * What a report that holds has proven: a trusted key signed the checkpoint, and a quorum if the policy asks for one; every
 * entry keeps the rules; every tile, up to the signed root, is the one that the entries give; statements and key sets have
 * the hashes that the entries name; what the gateway says in JSON and on its pages is what its entries give; and nothing
 * that an earlier audit saw has vanished. What it cannot prove: that each signer is a real person (see the threat model), or that
 * others are shown the same log (witnesses can).
 */
import { encodeBase64 } from '../tlog/base64.ts';
import { type Checkpoint, parseSignedCheckpoint } from '../tlog/checkpoint.ts';
import { Malformed, Unproven } from '../tlog/errors.ts';
import { type Sha256, type TreeHashing, treeHashing } from '../tlog/merkle.ts';
import { verifyConsistency } from '../tlog/merkle-proof.ts';
import type { Ed25519Verify } from '../tlog/note.ts';
import { type Policy, type TrustedCheckpoint, verifyByPolicy } from '../tlog/policy.ts';
import { sameBytes } from '../tlog/text.ts';
import { readConsistencyProof } from '../tlog/tile-reader.ts';
import { type ReadBatches, readBatchesOf } from './batch.ts';
import { type Claims, ClaimsOnlooker, type NamedHead } from './claims.ts';
import { Difference } from './difference.ts';
import { readClaims } from './read-claims.ts';
import { type Head, Recount } from './recount.ts';
import { type AuditReport, openCases, petitionReports } from './report.ts';
import { missing, readTileFile, type Source } from './source.ts';

export type { Sha256 } from '../tlog/merkle.ts';
export { type Ed25519Verify, parseVerifierKey, type VerifierKey } from '../tlog/note.ts';
export { type Policy, parsePolicy, trustLog } from '../tlog/policy.ts';
export type { Batch, ReadBatches } from './batch.ts';
export { Difference, type DifferenceCode, type DifferenceFound } from './difference.ts';
export { checkIdentityKeys } from './identity-keys.ts';
export { Recount } from './recount.ts';
export { type AuditReport, type CaseReport, type PetitionReport, refusedReport } from './report.ts';
export { type Source, Unreachable, webSource } from './source.ts';
export { chooseTrust, type Trust } from './trust.ts';

export type AuditTools = {
  /** Node has one, `@noble/hashes` another for browsers. */
  readonly sha256: Sha256;
  /** Node has one, WebCrypto another. */
  readonly verify: Ed25519Verify;
  /** A random number of 32 bits, that the log's writer cannot know: it keeps chosen pseudonyms from slowing the audit down. */
  readonly seed: number;
};

export type AuditRequest = {
  /** Where the checkpoint is read, and what else the files lack: the source as others see it. */
  readonly source: Source;
  /** Whose signature to believe. `trustLog(parseVerifierKey(…))` where there are no witnesses. */
  readonly policy: Policy;
  readonly tools: AuditTools;
  /** Compare what the gateway says. A source without `api/petitions` is a copy of files and says nothing. */
  readonly gateway: boolean;
  /** The signed checkpoint that an earlier audit proved. */
  readonly remembered?: Uint8Array;
  /** Where tiles, statements and key sets are read, if not from the source: a mirror of it. */
  readonly files?: Source;
  /** Is told the size before the files are read: fills the mirror. */
  readonly prepare?: (size: number) => Promise<void>;
  /** Is given each statement and key set once it was proven. */
  readonly keep?: (path: string, bytes: Uint8Array) => Promise<void>;
  /** Reads and hashes on more threads than one. */
  readonly readBatches?: ReadBatches;
  /** The recount of an earlier audit that held, to go on with what is new. */
  readonly recount?: Recount;
  readonly progress?: (entries: number, size: number) => void;
};

/** The outcome, with what a next audit begins from: of an audit that holds the checkpoint, and the recount. */
export type Audited = {
  readonly report: AuditReport;
  /** The checkpoint that was fetched, whatever became of it: evidence, if it contradicts another. */
  readonly checkpoint: Uint8Array | undefined;
  readonly recount: Recount;
};

/** @throws Unreachable when the source does not answer: then nothing is known. Whatever is wrong with the log is reported. */
export async function audit(request: AuditRequest): Promise<Audited> {
  const run = new Audit(request);
  const difference = await run.findDifference();
  return { report: run.report(difference), checkpoint: run.checkpoint, recount: run.recount };
}

/** How often a checkpoint is asked for that is as new as the JSON. */
const REFETCHES = 5;

class Audit {
  recount: Recount;
  checkpoint: Uint8Array | undefined;
  readonly #request: AuditRequest;
  readonly #files: Source;
  readonly #hashing: TreeHashing;
  readonly #remembered: readonly Head[];
  #claims: Claims | undefined;
  #trusted: TrustedCheckpoint | undefined;

  constructor(request: AuditRequest) {
    const { tools, source, files = source, remembered } = request;
    this.#request = request;
    this.#files = files;
    this.#hashing = treeHashing(tools.sha256);
    const heads = [remembered && parseSignedCheckpoint(remembered).checkpoint, request.recount?.head];
    this.#remembered = heads.filter((head) => head !== undefined);
    this.recount = request.recount ?? new Recount(this.#hashing, tools.seed);
  }

  async findDifference(): Promise<Difference | undefined> {
    try {
      const { source, gateway, tools } = this.#request;
      this.#claims = gateway ? await readClaims(source, tools.sha256) : undefined;
      this.#trusted = await this.#fetchCheckpoint(this.#claims?.latest ?? 0);
      const { checkpoint } = this.#trusted;
      this.#compareWithRemembered(checkpoint);
      if (this.#request.recount === undefined) this.recount = new Recount(this.#hashing, tools.seed, checkpoint.size);
      await this.#recount(checkpoint);
      await this.#proveNothingVanished(checkpoint);
      for (const head of this.#claims?.heads ?? []) await this.#compareHead(head, checkpoint);
      await this.#checkHashed('statement', 'log/statements', this.#statements());
      await this.#checkHashed('jwks', 'log/jwks', new Set(this.recount.identityKeys.map(({ jwks }) => jwks)));
      return undefined;
    } catch (error) {
      if (error instanceof Difference) return error;
      throw error;
    }
  }

  /** @param atLeast the size that the gateway already spoke of */
  async #fetchCheckpoint(atLeast: number): Promise<TrustedCheckpoint> {
    for (let attempt = 1; ; attempt++) {
      this.checkpoint = await this.#request.source.read('log/checkpoint');
      if (this.checkpoint === undefined) throw missing('log/checkpoint');
      const trusted = await this.#verify(this.checkpoint);
      const { size } = trusted.checkpoint;
      if (size >= atLeast) return trusted;
      if (attempt < REFETCHES) continue;
      const detail = `figures are given at size ${atLeast}, and log/checkpoint is of size ${size}`;
      throw new Difference({ code: 'json', where: 'api/petitions', detail });
    }
  }

  async #verify(bytes: Uint8Array): Promise<TrustedCheckpoint> {
    try {
      return await verifyByPolicy(bytes, this.#request.policy, this.#request.tools.verify);
    } catch (error) {
      if (!(error instanceof Malformed || error instanceof Unproven)) throw error;
      throw new Difference({ code: 'checkpoint', where: 'log/checkpoint', detail: error.message });
    }
  }

  #compareWithRemembered({ size, root }: Head): void {
    for (const old of this.#remembered) {
      if (old.size > size) {
        const detail = `the log had ${old.size} entries, and now shows ${size}: entries have vanished`;
        throw new Difference({ code: 'log-shrank', where: 'log/checkpoint', detail });
      }
      if (old.size === size && !sameBytes(old.root, root)) throw rewritten(old.size, 'one size, two roots');
    }
  }

  async #recount({ size, root }: Head): Promise<void> {
    const { prepare, readBatches = readBatchesOf(this.#files, this.#hashing), progress } = this.#request;
    await prepare?.(size);
    try {
      await this.recount.advance(
        { size, root },
        {
          readBatches,
          source: this.#files,
          onlooker: new ClaimsOnlooker(this.#claims?.all ?? []),
          progress: (entries) => progress?.(entries, size),
        },
      );
    } catch (error) {
      // What was kept leads to the root that was signed then; it cannot lead to this one.
      if (error instanceof Difference && error.found.code === 'root') await this.#proveNothingVanished({ size, root });
      throw error;
    }
  }

  /** @throws Difference `log-rewritten` */
  async #proveNothingVanished(head: Head): Promise<void> {
    for (const old of this.#remembered) {
      const why = await this.#inconsistency(old, head);
      if (why !== undefined) throw rewritten(old.size, why);
    }
  }

  async #compareHead({ where, origin, size, root }: NamedHead, head: Checkpoint): Promise<void> {
    const why = origin === head.origin ? await this.#inconsistency({ size, root }, head) : `it names log ${origin}`;
    if (why !== undefined) throw new Difference({ code: 'json', where, detail: why });
  }

  /** Proven from tiles to the signed root, so it holds whatever those tiles are. */
  async #inconsistency(old: Head, { size, root }: Head): Promise<string | undefined> {
    try {
      const tree = { hashing: this.#hashing, size, readTile: readTileFile.bind(undefined, this.#files) };
      const proof = old.size < size ? await readConsistencyProof(tree, old.size) : [];
      verifyConsistency(this.#hashing, { oldSize: old.size, oldRoot: old.root, size, root, proof });
      return undefined;
    } catch (error) {
      if (error instanceof Unproven || error instanceof Malformed) return error.message;
      throw error;
    }
  }

  #statements(): ReadonlySet<string> {
    return new Set([...this.recount.fold.petitions.values()].map(({ opened }) => opened.statement));
  }

  async #checkHashed(code: 'statement' | 'jwks', folder: string, hashes: ReadonlySet<string>): Promise<void> {
    for (const hash of hashes) {
      const path = `${folder}/${hash}`;
      const bytes = (await this.#files.read(path)) ?? (await this.#request.source.read(path));
      if (bytes === undefined) throw missing(path);
      const found = Array.from(this.#request.tools.sha256(bytes), (byte) => byte.toString(16).padStart(2, '0')).join(
        '',
      );
      if (found !== hash) throw new Difference({ code, where: path, detail: `its SHA-256 is ${found}` });
      await this.#request.keep?.(path, bytes);
    }
  }

  report(difference: Difference | undefined): AuditReport {
    const trusted = this.#trusted;
    const claims = this.#claims;
    const { fold } = this.recount;
    return {
      holds: difference === undefined,
      difference: difference?.found ?? null,
      checkpoint: trusted === undefined ? null : headJson(trusted.checkpoint),
      witnesses: trusted?.witnesses.map(({ name }) => name) ?? [],
      remembered: this.#remembered.length === 0 ? null : Math.max(...this.#remembered.map(({ size }) => size)),
      compared: claims === undefined ? null : { json: claims.all.length - claims.shown, shown: claims.shown },
      entries: fold.size,
      petitions: petitionReports(fold, claims?.slugs ?? new Map()),
      open_cases: openCases(fold.cases.values()),
    };
  }
}

function headJson({ origin, size, root }: Checkpoint) {
  return { origin, size, root: encodeBase64(root) };
}

function rewritten(size: number, why: string): Difference {
  const detail = `the log is no continuation of the one that had ${size} entries: ${why}`;
  return new Difference({ code: 'log-rewritten', where: 'log/checkpoint', detail });
}
