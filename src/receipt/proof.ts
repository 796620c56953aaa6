/**
 * `paraphe/proof`: what `receipt.tlog-proof` proves, by itself or beside the receipt's JWT. Runs in Node and in a browser,
 * needs nothing but `@noble/hashes`, fetches nothing, and trusts only the key or the policy that it is given.
 *
 * A proof proves that the log committed itself to one entry: a signature under this pseudonym, on this day, for this
 * petition, at this index. Whoever holds it can show that the log broke its word, should the entry ever be missing.
 */
import { type Entry, parseEntry, type Signed } from '../log/entry.ts';
import { Malformed, Unproven, type UnprovenCode } from '../tlog/errors.ts';
import { treeHashing } from '../tlog/merkle.ts';
import { parseVerifierKey } from '../tlog/note.ts';
import { type Policy, parsePolicy, type TrustedCheckpoint, trustLog } from '../tlog/policy.ts';
import { parseProof, verifyProof } from '../tlog/proof.ts';
import { utf8 } from '../tlog/text.ts';
import type { ReceiptClaims } from './claims.ts';
import { ReceiptError, type ReceiptErrorCode } from './receipt-error.ts';
import { type ProofCrypto, webCrypto } from './web-crypto.ts';

export { ReceiptError, type ReceiptErrorCode } from './receipt-error.ts';

/**
 * Whom to trust, one of:
 * - `vkey`: the log's verifier key, as `/log/vkey` gives it
 * - `policy`: the text of a C2SP tlog-policy, where witnesses are asked for as well
 */
type Trust = { vkey: string; policy?: never } | { policy: string; vkey?: never };

export type ProofOptions = Trust & {
  /** The id of the petition that you expect. */
  petition?: string;
  /** SHA-256 and Ed25519 from elsewhere. */
  crypto?: ProofCrypto;
};

export type VerifiedProof = {
  readonly entry: Signed;
  /** The entry's bytes, as the log holds them. */
  readonly bytes: Uint8Array;
  readonly index: number;
  /** The tree that it stands in; `witnesses` are those of the policy that cosigned it. */
  readonly checkpoint: TrustedCheckpoint['checkpoint'];
  readonly witnesses: readonly string[];
};

/**
 * Verifies a `receipt.tlog-proof` alone.
 * @returns what was proven
 * @throws ReceiptError with a stable `code`
 * @throws Malformed when the key or policy that is to be trusted is none: `verifier-key`, `key-name`, `policy`
 */
export async function verifyReceiptProof(bytes: Uint8Array, options: ProofOptions): Promise<VerifiedProof> {
  const { sha256, verifyEd25519 } = options.crypto ?? webCrypto;
  const policy = trustedPolicy(options, sha256);
  const hashing = treeHashing(sha256);
  const proof = asReceiptError(() => parseProof(bytes));
  if (proof.extra === undefined) throw new ReceiptError('entry-missing', 'it has no extra line');
  const extra = proof.extra;
  const entry = signedEntry(asReceiptError(() => parseEntry(extra)));
  const trusted = await verifyProof(hashing, proof, hashing.leaf(extra), policy, verifyEd25519).catch(rethrow);
  if (options.petition !== undefined && entry.petition !== options.petition) {
    throw new ReceiptError('wrong-petition', `for petition ${entry.petition}`);
  }
  const witnesses = trusted.witnesses.map(({ name }) => name);
  return { entry, bytes: extra, index: proof.index, checkpoint: trusted.checkpoint, witnesses };
}

function trustedPolicy({ vkey, policy }: Trust, sha256: ProofCrypto['sha256']): Policy {
  if (policy !== undefined) return parsePolicy(sha256, utf8(policy));
  return trustLog(parseVerifierKey(sha256, vkey));
}

function signedEntry(entry: Entry): Signed {
  if (entry.kind !== 'signed') throw new ReceiptError('entry-not-signed', `it is ${entry.kind}`);
  return entry;
}

/**
 * That a receipt and a proof, each verified by itself, are of one and the same signature. The statement's hash stands in
 * the JWT alone: in the log it is what `petition-opened` says of the petition.
 * @throws ReceiptError `petition-differs` | `nym-differs` | `department-differs` | `day-differs` | `evidence-differs` |
 *   `origin-differs` | `index-differs`
 */
export function verifyBoth({ claims }: { readonly claims: ReceiptClaims }, proof: VerifiedProof): void {
  const { entry, index, checkpoint } = proof;
  const sides: readonly [ReceiptErrorCode, unknown, unknown][] = [
    ['petition-differs', claims.petition, entry.petition],
    ['nym-differs', claims.sub, entry.nym],
    ['department-differs', claims.department ?? null, entry.department],
    ['day-differs', claims.day, entry.day],
    ['evidence-differs', claims.evidence, entry.evidence],
    ['origin-differs', claims.log.origin, checkpoint.origin],
    ['index-differs', claims.log.index, index],
  ];
  for (const [code, ours, theirs] of sides) {
    if (ours !== theirs) throw new ReceiptError(code, `${ours} in the receipt, ${theirs} in the proof`);
  }
}

const UNPROVEN: Readonly<Record<UnprovenCode, ReceiptErrorCode>> = {
  'origin-unknown': 'log-unknown',
  'signature-missing': 'log-signature-missing',
  'signature-wrong': 'log-signature-wrong',
  'quorum-missing': 'quorum-missing',
  inclusion: 'not-included',
  consistency: 'not-included',
};

function asReceiptError<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    return rethrow(error);
  }
}

/** One kind of error for those who verify receipts, whatever the format that found it. */
function rethrow(error: unknown): never {
  if (error instanceof Malformed) throw new ReceiptError('proof-malformed', error.message);
  if (error instanceof Unproven) throw new ReceiptError(UNPROVEN[error.code], error.message);
  throw error;
}
