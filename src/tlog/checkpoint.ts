/**
 * c2sp.org/tlog-checkpoint: what a log commits to, as the text of a signed note. Origin, size, root, and lines that the
 * log may add and nobody can audit. One tree head has one spelling: sizes without leading zeros, canonical base64.
 */
import { encodeBase64 } from './base64.ts';
import { Malformed, Unproven } from './errors.ts';
import { HASH_BYTES } from './merkle.ts';
import { type Note, parseNote, type Verified, type Verifier, verifyNote } from './note.ts';
import { parseDecimal, parseHash } from './text.ts';

export type Checkpoint = {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  readonly extensions?: readonly string[];
};

/** The text that logs and witnesses sign. @throws Malformed `checkpoint` for what no checkpoint can hold */
export function formatCheckpoint({ origin, size, root, extensions = [] }: Checkpoint): string {
  if (root.length !== HASH_BYTES || !Number.isSafeInteger(size) || size < 0)
    throw new Malformed('checkpoint', 'a head');
  const text = `${[origin, size, encodeBase64(root), ...extensions].join('\n')}\n`;
  if (origin.includes('\n') || parseCheckpoint(text).extensions?.length !== extensions.length) {
    throw new Malformed('checkpoint', 'a line of it is two');
  }
  return text;
}

/** @throws Malformed `checkpoint` */
export function parseCheckpoint(text: string): Required<Checkpoint> {
  if (!text.endsWith('\n')) throw new Malformed('checkpoint', 'its last line does not end');
  const lines = text.slice(0, -1).split('\n');
  if (lines.includes('')) throw new Malformed('checkpoint', 'it holds an empty line');
  const [origin, decimal, base64, ...extensions] = lines;
  const size = parseDecimal(decimal ?? '');
  const root = parseHash(base64 ?? '');
  if (origin === undefined) throw new Malformed('checkpoint', 'it names no log');
  if (size === undefined) throw new Malformed('checkpoint', 'its size is no decimal number');
  if (root === undefined) throw new Malformed('checkpoint', 'its root is not the canonical base64 of 32 bytes');
  return { origin, size, root, extensions };
}

export type SignedCheckpoint = { readonly note: Note; readonly checkpoint: Required<Checkpoint> };

/** Form alone: nothing is proven yet. @throws Malformed */
export function parseSignedCheckpoint(bytes: Uint8Array): SignedCheckpoint {
  const note = parseNote(bytes);
  return { note, checkpoint: parseCheckpoint(note.text) };
}

export type ProvenCheckpoint<V extends Verifier> = SignedCheckpoint & { readonly verified: readonly Verified<V>[] };

/**
 * A checkpoint of one log, signed by one of its keys.
 * @param others witnesses whose cosignatures are verified as well, if they are there
 * @throws Malformed, Unproven `origin-unknown` | `signature-wrong` | `signature-missing`
 */
export async function openCheckpoint<V extends Verifier>(
  bytes: Uint8Array,
  origin: string,
  log: readonly V[],
  others: readonly V[] = [],
): Promise<ProvenCheckpoint<V>> {
  const { note, checkpoint } = parseSignedCheckpoint(bytes);
  if (checkpoint.origin !== origin) throw new Unproven('origin-unknown', checkpoint.origin);
  const verified = await verifyNote(note, [...log, ...others]);
  if (!verified.some(({ verifier }) => log.includes(verifier))) throw new Unproven('signature-missing', 'by the log');
  return { note, checkpoint, verified };
}
