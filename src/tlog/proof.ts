/**
 * c2sp.org/tlog-proof: an entry's place in a log, provable offline. Its `extra` line is authenticated by nothing but what
 * the application makes of it; ours holds the entry itself, whose hash the proof then places.
 */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { parseSignedCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { Malformed } from './errors.ts';
import type { TreeHashing } from './merkle.ts';
import { verifyInclusion } from './merkle-proof.ts';
import type { Ed25519Verify } from './note.ts';
import { type Policy, type TrustedCheckpoint, verifyByPolicy } from './policy.ts';
import { decodeUtf8, parseDecimal, parseHash, utf8 } from './text.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
const MOST_HASHES = 63;

export type Proof = {
  readonly extra?: Uint8Array;
  readonly index: number;
  /** From the leaf's sibling to the root's child. */
  readonly hashes: readonly Uint8Array[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
};

export function formatProof({ extra, index, hashes, checkpoint }: Proof): string {
  const lines = [
    HEADER,
    ...(extra === undefined || extra.length === 0 ? [] : [`extra ${encodeBase64(extra)}`]),
    `index ${index}`,
    ...hashes.map(encodeBase64),
  ];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Form alone: nothing is proven yet. @throws Malformed `proof`, or what is wrong with its checkpoint */
export function parseProof(bytes: Uint8Array): Proof & { readonly signed: SignedCheckpoint } {
  const whole = decodeUtf8(bytes);
  if (whole === undefined) throw new Malformed('proof', 'not UTF-8');
  // The first blank line: there is none before the checkpoint.
  const blank = whole.indexOf('\n\n');
  const [header, ...lines] = whole.slice(0, Math.max(blank, 0)).split('\n');
  if (header !== HEADER) throw new Malformed('proof', `its first line is not ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift() ?? '') : undefined;
  const index = parseDecimal(/^index (.*)$/.exec(lines.shift() ?? '')?.[1] ?? '');
  if (index === undefined) throw new Malformed('proof', 'its index is no decimal number');
  if (lines.length > MOST_HASHES) throw new Malformed('proof', `${lines.length} hashes`);
  const hashes = lines.map((line) => {
    const hash = parseHash(line);
    if (hash === undefined) throw new Malformed('proof', 'a hash is not the canonical base64 of 32 bytes');
    return hash;
  });
  const checkpoint = whole.slice(blank + 2);
  const signed = parseSignedCheckpoint(utf8(checkpoint));
  return { ...(extra && { extra }), index, hashes, checkpoint, signed };
}

function parseExtra(line: string): Uint8Array {
  const extra = decodeBase64(line.slice('extra '.length));
  if (extra === undefined || extra.length === 0) throw new Malformed('proof', 'its extra line is not canonical base64');
  return extra;
}

/**
 * Verifies that an entry stands in a log that the policy trusts.
 * @param leaf the entry's leaf hash, computed by the caller from what it holds (maybe from `extra`)
 * @throws Unproven
 */
export async function verifyProof(
  hashing: TreeHashing,
  { index, hashes, signed }: Pick<Proof, 'index' | 'hashes'> & { readonly signed: SignedCheckpoint },
  leaf: Uint8Array,
  policy: Policy,
  verify: Ed25519Verify,
): Promise<TrustedCheckpoint> {
  const trusted = await verifyByPolicy(signed, policy, verify);
  const { size, root } = trusted.checkpoint;
  verifyInclusion(hashing, { index, leaf, size, root, proof: hashes });
  return trusted;
}
