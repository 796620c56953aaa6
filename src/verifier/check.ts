/**
 * Checks a receipt against the log on the visitor's own machine: `receipt.jwt`, `receipt.tlog-proof`, or both. Each step
 * ends in a word of `steps.ts`, and a later step rests on nothing that an earlier one refuted. What is trusted: the keys
 * that the site serves today, and what this browser remembers of its log.
 */
import { decodeJwt } from 'jose/jwt/decode';
import { type Entry, parseEntry } from '../log/entry.ts';
import type { ReceiptClaims } from '../receipt/claims.ts';
import type { ReceiptFiles } from '../receipt/files.ts';
import { type VerifiedProof, verifyBoth, verifyReceiptProof } from '../receipt/proof.ts';
import { ReceiptError, type ReceiptErrorCode } from '../receipt/receipt-error.ts';
import { verifyReceipt } from '../receipt/verify.ts';
import { type ProofCrypto, webCrypto } from '../receipt/web-crypto.ts';
import { Malformed, Unproven } from '../tlog/errors.ts';
import { treeHashing } from '../tlog/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../tlog/merkle-proof.ts';
import { parseVerifierKey } from '../tlog/note.ts';
import { trustLog, verifyByPolicy } from '../tlog/policy.ts';
import { decodeUtf8, sameBytes, utf8 } from '../tlog/text.ts';
import { decodeBundle, TILE_WIDTH, tileAt } from '../tlog/tile.ts';
import { readConsistencyProof, readInclusionProof } from '../tlog/tile-reader.ts';
import { recall, remember, type Store } from './memory.ts';
import { type Signature, type Site, Unreachable } from './site.ts';
import { type Step, type StepName, type StepOf, step, type Word } from './steps.ts';

export type CheckDependencies = {
  readonly site: Site;
  /** `undefined` where the browser remembers nothing. */
  readonly store: Store | undefined;
  readonly now: Date;
  /** Whether to ask what became of the signature, which tells the site its pseudonym. */
  readonly asksState: boolean;
  readonly crypto?: ProofCrypto;
};

/** The signature that the files are about, as far as it was proven that they are about one. */
export type Subject = {
  readonly petition: string;
  readonly title: string | undefined;
  readonly nym: string;
  readonly day: string;
  readonly department: string | undefined;
  readonly index: number;
};

/** A tree head of the log, its signature verified: `text` is the signed note. */
type Head = { readonly text: string; readonly size: number; readonly root: Uint8Array };

/** Yields the steps as they end, each once, in the order of `STEPS`. */
export async function* checkReceipt(
  given: ReceiptFiles,
  deps: CheckDependencies,
): AsyncGenerator<Step, Subject | undefined> {
  const checker = new Checker(deps);
  const [receiptStep, claims] = await checker.receipt(given.jwt);
  yield receiptStep;
  const [proofStep, proof] = await checker.proof(given.proof);
  yield proofStep;
  yield checker.match(given, claims, proof);
  const [logStep, head] = await checker.log();
  yield logStep;
  const growth = await checker.growth(given, proof, head);
  yield growth;
  const standing = await checker.standing(claims, proof, head);
  yield standing;
  const [stateStep, title] = await checker.state(claims, proof, head);
  yield stateStep;
  const isRefuted = [growth, standing, stateStep].some(({ outcome }) => outcome === 'fails');
  yield await checker.memory(isRefuted, head);
  return subject(claims, proof, title);
}

function subject(claims: ReceiptClaims | undefined, proof: VerifiedProof | undefined, title: string | undefined) {
  if (proof !== undefined) {
    const { petition, nym, day, department } = proof.entry;
    return { petition, title, nym, day, department: department ?? undefined, index: proof.index };
  }
  if (claims === undefined) return undefined;
  const { petition, sub: nym, day, department, log } = claims;
  return { petition, title, nym, day, department, index: log.index };
}

class Checker {
  readonly #site: Site;
  readonly #store: Store | undefined;
  readonly #now: Date;
  readonly #asksState: boolean;
  readonly #crypto: ProofCrypto;
  readonly #hashing;
  /** Asked for once. */
  #vkey: Promise<string> | undefined;

  constructor({ site, store, now, asksState, crypto = webCrypto }: CheckDependencies) {
    this.#site = site;
    this.#store = store;
    this.#now = now;
    this.#asksState = asksState;
    this.#crypto = crypto;
    this.#hashing = treeHashing(crypto.sha256);
  }

  async receipt(jwt: string | undefined): Promise<[StepOf<'receipt'>, ReceiptClaims?]> {
    if (jwt === undefined) return [step('receipt', 'absent')];
    if (globalThis.crypto?.subtle === undefined) return [step('receipt', 'unsupported')];
    try {
      // Not yet verified: who it says it is from is only good for sending people there.
      const origin = namedIssuer(jwt);
      if (origin !== undefined && origin !== this.#site.origin) return [step('receipt', 'foreign', { origin })];
      const { claims } = await verifyReceipt(jwt, { issuer: this.#site.origin, jwks: await this.#site.jwks() });
      return [step('receipt', 'holds'), claims];
    } catch (error) {
      return [step('receipt', wordOf<'receipt'>(error, RECEIPT_WORDS, 'malformed'))];
    }
  }

  async proof(bytes: Uint8Array | undefined): Promise<[StepOf<'proof'>, VerifiedProof?]> {
    if (bytes === undefined) return [step('proof', 'absent')];
    try {
      const vkey = await this.#logKey();
      const proof = await verifyReceiptProof(bytes, { vkey, crypto: this.#crypto });
      return [step('proof', 'holds', { index: proof.index, size: proof.checkpoint.size }), proof];
    } catch (error) {
      return [step('proof', wordOf<'proof'>(error, PROOF_WORDS, 'malformed'))];
    }
  }

  match({ jwt, proof: file }: ReceiptFiles, claims: ReceiptClaims | undefined, proof: VerifiedProof | undefined) {
    if (jwt === undefined || file === undefined) return step('match', 'absent');
    if (claims === undefined || proof === undefined) return step('match', 'void');
    try {
      verifyBoth({ claims }, proof);
      return step('match', 'holds');
    } catch (error) {
      if (!(error instanceof ReceiptError)) throw error;
      return step('match', error.code.replace(/-differs$/, '') as Word<'match'>);
    }
  }

  async log(): Promise<[StepOf<'log'>, Head?]> {
    try {
      const head = await this.#open(await this.#site.checkpoint(), await this.#logKey());
      return [step('log', 'holds', { size: head.size }), head];
    } catch (error) {
      return [step('log', wordOf<'log'>(error, LOG_WORDS, 'malformed'))];
    }
  }

  async growth(
    given: ReceiptFiles,
    proof: VerifiedProof | undefined,
    head: Head | undefined,
  ): Promise<StepOf<'growth'>> {
    if (given.proof === undefined) return step('growth', 'absent');
    if (proof === undefined || head === undefined) return step('growth', 'void');
    const { size: old } = proof.checkpoint;
    const word = await this.#continues(proof.checkpoint, head);
    return step('growth', word, { old, size: head.size });
  }

  async standing(claims: ReceiptClaims | undefined, proof: VerifiedProof | undefined, head: Head | undefined) {
    const index = proof?.index ?? claims?.log.index;
    if (head === undefined || index === undefined) return step('standing', 'void');
    const facts = { index, size: head.size };
    if (index >= head.size) return step('standing', 'vanished', facts);
    const read = await this.#entryAt(index, head);
    if (typeof read === 'string') return step('standing', read, facts);
    const same = proof === undefined ? claims !== undefined && isOf(read, claims) : sameBytes(read, proof.bytes);
    return step('standing', same ? 'holds' : 'changed', facts);
  }

  async state(
    claims: ReceiptClaims | undefined,
    proof: VerifiedProof | undefined,
    head: Head | undefined,
  ): Promise<[StepOf<'state'>, string?]> {
    const about = proof?.entry ?? (claims && { petition: claims.petition, nym: claims.sub });
    if (about === undefined) return [step('state', 'void')];
    const petition = await this.#site.petition(about.petition).catch(orUnreachable);
    if (petition === 'unreachable') return [step('state', 'unreachable')];
    if (petition === undefined) return [step('state', 'unknown')];
    const { slug, title } = petition;
    if (!this.#asksState) return [step('state', 'unasked'), title];
    const answer = await this.#site.signature(slug, about.nym).catch(orUnreachable);
    if (answer === 'unreachable' || head === undefined) return [step('state', 'unreachable'), title];
    const mine = proof?.index ?? claims?.log.index ?? 0;
    return [await this.#judge(answer, about, mine, head), title];
  }

  /** What the gateway says is worth what the entry says that it names. */
  async #judge(
    { state, index }: Signature,
    about: { petition: string; nym: string },
    mine: number,
    head: Head,
  ): Promise<StepOf<'state'>> {
    if (state === 'unknown') return step('state', 'unknown');
    if (typeof index !== 'number' || !Number.isSafeInteger(index)) return step('state', 'unreachable');
    // Its answer may be a moment ahead of the checkpoint that was fetched before it.
    if (index >= head.size) return step('state', 'unreachable');
    const read = index < mine ? 'broken' : await this.#entryAt(index, head);
    if (read === 'unreachable') return step('state', 'unreachable');
    const entry = read === 'broken' ? undefined : asEntry(read);
    const named = entry !== undefined && 'nym' in entry && entry.nym === about.nym && entry.petition === about.petition;
    if (!named || STATE_OF[entry.kind] !== state) return step('state', 'contradicted', { index });
    if (state !== 'active') return step('state', state as 'withdrawn' | 'invalidated', { index });
    return step('state', index === mine ? 'active' : 'again', { index });
  }

  /** @param isRefuted what was found above speaks against this head: it is compared, and not remembered */
  async memory(isRefuted: boolean, head: Head | undefined): Promise<StepOf<'memory'>> {
    if (head === undefined) return step('memory', 'void');
    if (this.#store === undefined) return step('memory', 'forgetful');
    const vkey = await this.#logKey();
    const last = recall(this.#store);
    if (last !== undefined && last.vkey !== vkey) return step('memory', 'rekeyed', { date: last.at });
    // What is no checkpoint of this log was not written by this page: it proves nothing, and is written over.
    const old = last && (await this.#open(utf8(last.checkpoint), vkey).catch(() => undefined));
    if (old === undefined && isRefuted) return step('memory', 'void');
    const word = old === undefined ? 'first' : await this.#continues(old, head);
    if (!isRefuted && (word === 'first' || word === 'holds'))
      remember(this.#store, { vkey, checkpoint: head.text, at: this.#now });
    return step('memory', word, { ...(old && last && { old: old.size, date: last.at }), size: head.size });
  }

  /** @throws Unreachable, also for what is no key */
  #logKey(): Promise<string> {
    this.#vkey ??= this.#site.vkey().then((vkey) => {
      try {
        parseVerifierKey(this.#crypto.sha256, vkey);
        return vkey;
      } catch (error) {
        throw new Unreachable('the log’s key is none', { cause: error });
      }
    });
    return this.#vkey;
  }

  /** @throws Malformed, Unproven, ReceiptError `ed25519-unavailable` */
  async #open(note: Uint8Array, vkey: string): Promise<Head> {
    const policy = trustLog(parseVerifierKey(this.#crypto.sha256, vkey));
    const { checkpoint } = await verifyByPolicy(note, policy, this.#crypto.verifyEd25519);
    return { text: decodeUtf8(note) ?? '', size: checkpoint.size, root: checkpoint.root };
  }

  /** Whether an earlier tree is the beginning of the present one, shown from the log's tiles. */
  async #continues(old: Pick<Head, 'size' | 'root'>, head: Head) {
    if (old.size > head.size) return 'smaller';
    try {
      const proof = await readConsistencyProof(this.#tree(head), old.size);
      verifyConsistency(this.#hashing, {
        oldSize: old.size,
        oldRoot: old.root,
        size: head.size,
        root: head.root,
        proof,
      });
      return 'holds';
    } catch (error) {
      if (error instanceof Unreachable) return 'unreachable';
      if (error instanceof Unproven || error instanceof Malformed) return 'changed';
      throw error;
    }
  }

  /** The entry at an index of the present log, proven to stand there; or why not. */
  async #entryAt(index: number, head: Head): Promise<Uint8Array | 'unreachable' | 'broken'> {
    const tile = tileAt('entries', Math.floor(index / TILE_WIDTH), head.size);
    if (tile === undefined) return 'broken';
    try {
      const [bundle, proof] = await Promise.all([this.#site.tile(tile), readInclusionProof(this.#tree(head), index)]);
      const entry = decodeBundle(bundle, tile.width)[index % TILE_WIDTH] ?? new Uint8Array(0);
      verifyInclusion(this.#hashing, { ...head, index, leaf: this.#hashing.leaf(entry), proof });
      return entry;
    } catch (error) {
      if (error instanceof Unreachable) return 'unreachable';
      if (error instanceof Unproven || error instanceof Malformed) return 'broken';
      throw error;
    }
  }

  #tree({ size }: Head) {
    return { hashing: this.#hashing, size, readTile: this.#site.tile };
  }
}

function namedIssuer(jwt: string): string | undefined {
  try {
    return decodeJwt(jwt.trim()).iss;
  } catch {
    return undefined;
  }
}

const STATE_OF: Readonly<Partial<Record<Entry['kind'], string>>> = {
  signed: 'active',
  withdrawn: 'withdrawn',
  invalidated: 'invalidated',
};

function asEntry(bytes: Uint8Array): Entry | undefined {
  try {
    return parseEntry(bytes);
  } catch {
    return undefined;
  }
}

/** Whether an entry is the signature that a receipt speaks of. */
function isOf(bytes: Uint8Array, claims: ReceiptClaims): boolean {
  const entry = asEntry(bytes);
  return (
    entry?.kind === 'signed' &&
    entry.petition === claims.petition &&
    entry.nym === claims.sub &&
    entry.day === claims.day &&
    entry.department === (claims.department ?? null) &&
    entry.evidence === claims.evidence
  );
}

type Code = ReceiptErrorCode | Unproven['code'];
type Words<N extends StepName> = Partial<Record<Code, Word<N>>>;

const RECEIPT_WORDS: Words<'receipt'> = {
  'unknown-key': 'forged',
  'wrong-signature': 'forged',
  'keys-unavailable': 'unreachable',
};
const PROOF_WORDS: Words<'proof'> = {
  'log-unknown': 'foreign',
  'log-signature-missing': 'forged',
  'log-signature-wrong': 'forged',
  'not-included': 'broken',
  'entry-missing': 'other',
  'entry-not-signed': 'other',
  'ed25519-unavailable': 'unsupported',
};
const LOG_WORDS: Words<'log'> = {
  'origin-unknown': 'foreign',
  'signature-missing': 'forged',
  'signature-wrong': 'forged',
  'ed25519-unavailable': 'unsupported',
};

/** What went wrong, in a step's words. A bug stays one. */
function wordOf<N extends 'receipt' | 'proof' | 'log'>(error: unknown, words: Words<N>, otherwise: Word<N>): Word<N> {
  if (error instanceof Unreachable) return 'unreachable' as Word<N>;
  if (error instanceof Malformed) return otherwise;
  if (error instanceof ReceiptError || error instanceof Unproven) return words[error.code] ?? otherwise;
  throw error;
}

function orUnreachable(error: unknown): 'unreachable' {
  if (error instanceof Unreachable) return 'unreachable';
  throw error;
}
