/**
 * c2sp.org/tlog-witness, all but its HTTP and its disk: what a log sends to `add-checkpoint`, how a witness judges it,
 * and what it answers. A witness that acts on a verdict must compare-and-persist the new head, durably and in one act,
 * before its cosignature leaves: between two requests the judged head may have moved.
 */
import { encodeBase64 } from './base64.ts';
import { type ProvenCheckpoint, parseSignedCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { Malformed, Unproven } from './errors.ts';
import type { Sha256, TreeHashing } from './merkle.ts';
import { verifyConsistency } from './merkle-proof.ts';
import { formatSignature, type NoteSignature, parseSignatures, type Verifier, verifyNote } from './note.ts';
import { decodeUtf8, parseDecimal, parseHash, utf8 } from './text.ts';

const MOST_HASHES = 63;

/** The `Content-Type` of a 409, whose body is `formatSize`. */
export const SIZE_TYPE = 'text/x.tlog.size';

/** `checkpoint` is a whole signed note. */
export type Submission = {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: string;
};

export function formatSubmission({ oldSize, proof, checkpoint }: Submission): string {
  return `${[`old ${oldSize}`, ...proof.map(encodeBase64)].join('\n')}\n\n${checkpoint}`;
}

/** @throws Malformed `submission`, or what is wrong with its checkpoint */
export function parseSubmission(body: Uint8Array): Submission & { readonly signed: SignedCheckpoint } {
  const whole = decodeUtf8(body);
  if (whole === undefined) throw new Malformed('submission', 'not UTF-8');
  const blank = whole.indexOf('\n\n');
  const [first = '', ...lines] = whole.slice(0, Math.max(blank, 0)).split('\n');
  const oldSize = parseDecimal(/^old (.*)$/.exec(first)?.[1] ?? '');
  if (oldSize === undefined) throw new Malformed('submission', 'its old size is no decimal number');
  if (lines.length > MOST_HASHES) throw new Malformed('submission', `${lines.length} hashes`);
  const proof = lines.map((line) => {
    const hash = parseHash(line);
    if (hash === undefined) throw new Malformed('submission', 'a hash is not the canonical base64 of 32 bytes');
    return hash;
  });
  const checkpoint = whole.slice(blank + 2);
  return { oldSize, proof, checkpoint, signed: parseSignedCheckpoint(utf8(checkpoint)) };
}

/** A log as a witness knows it: its keys, and the head that it cosigned last (the empty tree's, if none). */
export type KnownLog = {
  readonly verifiers: readonly Verifier[];
  readonly latest: { readonly size: number; readonly root: Uint8Array };
};

/**
 * What to answer. For 200 the head is new or the same, `signed.verified` are the log's own signatures and `log` is what it
 * was judged by; for 409 `size` is the last cosigned one.
 */
export type Verdict<L extends KnownLog> =
  | { readonly status: 200; readonly signed: ProvenCheckpoint<Verifier>; readonly log: L }
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

type Find<L> = (origin: string) => L | undefined | Promise<L | undefined>;

/** Judges a request by the specification's checks, in its order. */
export async function judgeSubmission<L extends KnownLog>(
  hashing: TreeHashing,
  body: Uint8Array,
  find: Find<L>,
): Promise<Verdict<L>> {
  try {
    return await judge(hashing, parseSubmission(body), find);
  } catch (error) {
    if (error instanceof Malformed) return { status: 400, reason: error.message };
    if (!(error instanceof Unproven)) throw error;
    return { status: error.code === 'consistency' ? 422 : 403, reason: error.message };
  }
}

async function judge<L extends KnownLog>(
  hashing: TreeHashing,
  { oldSize, proof, signed }: ReturnType<typeof parseSubmission>,
  find: Find<L>,
): Promise<Verdict<L>> {
  const { origin, size, root } = signed.checkpoint;
  const log = await find(origin);
  if (log === undefined) return { status: 404, reason: `unknown log ${origin}` };
  const verified = await verifyNote(signed.note, log.verifiers);
  if (oldSize > size) return { status: 400, reason: 'the old size is larger than the checkpoint' };
  if (oldSize !== log.latest.size) return { status: 409, size: log.latest.size };
  verifyConsistency(hashing, { oldSize, oldRoot: log.latest.root, size, root, proof });
  return { status: 200, signed: { ...signed, verified }, log };
}

export function formatSize(size: number): string {
  return `${size}\n`;
}

/** The body of a 409. @throws Malformed `submission` */
export function parseSize(body: Uint8Array): number {
  const size = parseDecimal(/^(.*)\n$/.exec(decodeUtf8(body) ?? '')?.[1] ?? '');
  if (size === undefined) throw new Malformed('submission', 'the size is no decimal number on a line');
  return size;
}

/** The body of a 200. */
export function formatCosignatures(signatures: readonly NoteSignature[]): string {
  return signatures.map(formatSignature).join('');
}

/** The lines of a 200: they prove nothing until `verifyNote` is given them with the checkpoint's text. @throws Malformed */
export function parseCosignatures(body: Uint8Array): readonly NoteSignature[] {
  const lines = decodeUtf8(body);
  if (lines === undefined) throw new Malformed('note-signature', 'not UTF-8');
  return parseSignatures(lines);
}

/** Where a witness serves its latest checkpoint of a log, under its monitoring prefix. */
export function monitoringPath(sha256: Sha256, origin: string): string {
  const hex = Array.from(sha256(utf8(origin)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex}/checkpoint`;
}
