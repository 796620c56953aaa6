/**
 * Checks a receipt against the log on the visitor's own machine: `receipt.jwt`, `receipt.tlog-proof`, or both. Each step
 * ends in a word of `steps.ts`, and a later step rests on nothing that an earlier one refuted. What is trusted: the keys
 * that the site serves today, and what this browser remembers of its log.
 */
import { decodeJwt } from 'jose/jwt/decode';
import { parisDay } from '../clock.ts';
import type { ReceiptClaims } from '../receipt/claims.ts';
import type { ReceiptFiles } from '../receipt/files.ts';
import { type VerifiedProof, verifyBoth, verifyReceiptProof } from '../receipt/proof.ts';
import { ReceiptError, type ReceiptErrorCode } from '../receipt/receipt-error.ts';
import { verifyReceipt } from '../receipt/verify-receipt.ts';
import { type ProofCrypto, webCrypto } from '../receipt/web-crypto.ts';
import { Malformed, Unproven } from '../tlog/errors.ts';
import { parseVerifierKey } from '../tlog/note.ts';
import { sameBytes, utf8 } from '../tlog/text.ts';
import { isOf, judgeState } from './entries.ts';
import { recall, remember, type Store } from './memory.ts';
import { openHead, PresentLog } from './present-log.ts';
import { type Site, Unreachable } from './site.ts';
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
  const [logStep, log] = await checker.log();
  yield logStep;
  const growth = await checker.growth(given, proof, log);
  yield growth;
  const standing = await checker.standing(claims, proof, log);
  yield standing;
  const [stateStep, title] = await checker.state(claims, proof, log);
  yield stateStep;
  const isRefuted = [growth, standing, stateStep].some(({ outcome }) => outcome === 'fails');
  yield await checker.memory(isRefuted, log);
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

const DAY_MS = 86_400_000;

class Checker {
  readonly #site: Site;
  readonly #store: Store | undefined;
  readonly #now: Date;
  readonly #asksState: boolean;
  readonly #crypto: ProofCrypto;
  /** Asked for once. */
  #vkey: Promise<string> | undefined;

  constructor({ site, store, now, asksState, crypto = webCrypto }: CheckDependencies) {
    this.#site = site;
    this.#store = store;
    this.#now = now;
    this.#asksState = asksState;
    this.#crypto = crypto;
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

  async log(): Promise<[StepOf<'log'>, PresentLog?]> {
    try {
      const head = await openHead(await this.#site.checkpoint(), await this.#logKey(), this.#crypto);
      return [step('log', 'holds', { size: head.size }), new PresentLog(head, this.#site, this.#crypto)];
    } catch (error) {
      return [step('log', wordOf<'log'>(error, LOG_WORDS, 'malformed'))];
    }
  }

  async growth(
    given: ReceiptFiles,
    proof: VerifiedProof | undefined,
    log: PresentLog | undefined,
  ): Promise<StepOf<'growth'>> {
    if (given.proof === undefined) return step('growth', 'absent');
    if (proof === undefined || log === undefined) return step('growth', 'void');
    const word = await log.continues(proof.checkpoint);
    const isPending = word === 'smaller' && this.#isRecent(proof.entry.day);
    return step('growth', isPending ? 'pending' : word, { old: proof.checkpoint.size, size: log.head.size });
  }

  async standing(claims: ReceiptClaims | undefined, proof: VerifiedProof | undefined, log: PresentLog | undefined) {
    const index = proof?.index ?? claims?.log.index;
    if (log === undefined || index === undefined) return step('standing', 'void');
    const { origin, size } = log.head;
    const facts = { index, size };
    if (proof === undefined && claims?.log.origin !== origin) return step('standing', 'elsewhere');
    if (index >= size)
      return step('standing', this.#isRecent(proof?.entry.day ?? claims?.day) ? 'pending' : 'vanished', facts);
    const read = await log.entryAt(index);
    if (typeof read === 'string') return step('standing', read, facts);
    const same = proof === undefined ? claims !== undefined && isOf(read, claims) : sameBytes(read, proof.bytes);
    return step('standing', same ? 'holds' : 'changed', facts);
  }

  async state(
    claims: ReceiptClaims | undefined,
    proof: VerifiedProof | undefined,
    log: PresentLog | undefined,
  ): Promise<[StepOf<'state'>, string?]> {
    const about = proof?.entry ?? (claims && { petition: claims.petition, nym: claims.sub });
    if (about === undefined) return [step('state', 'void')];
    const petition = await this.#site.petition(about.petition).catch(orUnreachable);
    if (petition === 'unreachable') return [step('state', 'unreachable')];
    if (petition === undefined) return [step('state', 'unknown')];
    const { slug, title } = petition;
    if (!this.#asksState) return [step('state', 'unasked'), title];
    // Without the log's word for it, an answer would be worth nothing: then it is not asked for.
    if (log === undefined) return [step('state', 'unreachable'), title];
    const mine = proof?.index ?? claims?.log.index ?? 0;
    if (mine >= log.head.size && this.#isRecent(proof?.entry.day ?? claims?.day))
      return [step('state', 'pending'), title];
    const answer = await this.#site.signature(slug, about.nym).catch(orUnreachable);
    if (answer === 'unreachable') return [step('state', 'unreachable'), title];
    return [await judgeState(answer, about, mine, log), title];
  }

  /** @param isRefuted what was found above speaks against this head: it is compared, and not remembered */
  async memory(isRefuted: boolean, log: PresentLog | undefined): Promise<StepOf<'memory'>> {
    if (log === undefined) return step('memory', 'void');
    if (this.#store === undefined) return step('memory', 'forgetful');
    const vkey = await this.#logKey();
    const last = recall(this.#store);
    if (last !== undefined && last.vkey !== vkey) return step('memory', 'rekeyed', { date: last.at });
    // What is no checkpoint of this log was not written by this page: it proves nothing, and is written over.
    const old = last && (await openHead(utf8(last.checkpoint), vkey, this.#crypto).catch(() => undefined));
    if (old === undefined && isRefuted) return step('memory', 'void');
    const word = old === undefined ? 'first' : await log.continues(old);
    if (!isRefuted && (word === 'first' || word === 'holds'))
      remember(this.#store, { vkey, checkpoint: log.head.note, at: this.#now });
    return step('memory', word, { ...(old && last && { old: old.size, date: last.at }), size: log.head.size });
  }

  /**
   * A signature is acknowledged before it is published, minutes later where the operator chose so, more while witnesses
   * are away: for a day, a log that ends before it is not yet a log that lost it.
   */
  #isRecent(day: string | undefined): boolean {
    return day !== undefined && day >= parisDay(new Date(this.#now.getTime() - DAY_MS));
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
}

function namedIssuer(jwt: string): string | undefined {
  try {
    return decodeJwt(jwt.trim()).iss;
  } catch {
    return undefined;
  }
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
