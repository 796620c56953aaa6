/**
 * Every single bit of a small signed note, checkpoint, proof and submission is turned over, one at a time: it is refused,
 * or what was proven is the same to the byte. Red without the checks: the last test shows what a credulous reader takes.
 */
import { describe, expect, test } from 'vitest';
import { formatCheckpoint, openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { cosignatureVerifier, cosigner } from '../../src/tlog/cosignature.ts';
import { Malformed, Unproven } from '../../src/tlog/errors.ts';
import { rootOf } from '../../src/tlog/merkle.ts';
import { carryOut, type ProofPlan, planConsistency, planInclusion } from '../../src/tlog/merkle-proof.ts';
import {
  ED25519_COSIGNATURE,
  type Ed25519Verify,
  ed25519Signer,
  ed25519Verifier,
  formatNote,
  formatVerifierKey,
  signNote,
} from '../../src/tlog/note.ts';
import { parsePolicy } from '../../src/tlog/policy.ts';
import { formatProof, parseProof, verifyProof } from '../../src/tlog/proof.ts';
import { formatSubmission, judgeSubmission } from '../../src/tlog/witness.ts';
import { bytesOf, flipped, hashing, hex, sha256, testKey, verifyEd25519 } from './crypto.ts';

const ORIGIN = 'p.example/log';
const log = testKey(ORIGIN, 1);
const witness = testKey('w.example', 2, ED25519_COSIGNATURE);
const entries = ['a', 'b', 'c', 'd', 'e'].map(bytesOf);
const leaves = entries.map((entry) => hashing.leaf(entry));
const carry = (plan: ProofPlan) =>
  carryOut(
    hashing,
    plan,
    plan.flat().map(({ level, index }) => rootOf(hashing, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))),
  );
const text = formatCheckpoint({ origin: ORIGIN, size: 5, root: rootOf(hashing, leaves) });
const signed = await signNote(text, [
  ed25519Signer(log.key, log.sign),
  cosigner(witness.key, witness.sign, 1_763_719_200),
]);
const STRANGER = '\u2014 x.example AAAAAAE=\n';
const checkpoint = formatNote(signed) + STRANGER;
const policy = parsePolicy(
  sha256,
  bytesOf(`log ${formatVerifierKey(log.key)}\nwitness w ${formatVerifierKey(witness.key)}\nquorum w\n`),
);

/** How often a reader still proves what it proved before; anything else than that or a refusal is an error. */
async function sweep(bytes: Uint8Array, prove: (bytes: Uint8Array) => Promise<string>): Promise<number> {
  const before = await prove(bytes);
  let unharmed = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    try {
      expect(await prove(flipped(bytes, bit))).toBe(before);
      unharmed++;
    } catch (error) {
      if (!(error instanceof Malformed || error instanceof Unproven)) throw error;
    }
  }
  return unharmed;
}

const readCheckpoint = async (bytes: Uint8Array, verify: Ed25519Verify = verifyEd25519) => {
  const log1 = ed25519Verifier(log.key, verify);
  const opened = await openCheckpoint(bytes, ORIGIN, [log1], [cosignatureVerifier(witness.key, verify)]);
  return opened.note.text;
};

const readProof = async (bytes: Uint8Array, verify: Ed25519Verify = verifyEd25519) => {
  const proof = parseProof(bytes);
  const extra = proof.extra ?? new Uint8Array(0);
  const trusted = await verifyProof(hashing, proof, hashing.leaf(extra), policy, verify);
  const { note, witnesses } = trusted;
  return JSON.stringify([note.text, proof.index, hex(extra), witnesses.map(({ name }) => name)]);
};

describe('one bit turned over', () => {
  test('in a checkpoint is refused or changes nothing: lines of strangers may say what they like', async () => {
    expect(await sweep(bytesOf(checkpoint), readCheckpoint)).toBeGreaterThan(0);
  });

  test('in a checkpoint’s text or in its log’s line is always refused', async () => {
    const end = checkpoint.indexOf('\u2014 w.example');
    const rest = bytesOf(checkpoint.slice(end));
    const prove = async (head: Uint8Array) => readCheckpoint(new Uint8Array([...head, ...rest]));
    expect(await sweep(bytesOf(checkpoint.slice(0, end)), prove)).toBe(0);
  });

  test('in a proof with its quorum is always refused', async () => {
    const proof = formatProof({
      extra: entries[3]!,
      index: 3,
      hashes: carry(planInclusion(3, 5)),
      checkpoint: formatNote(signed),
    });
    expect(await sweep(bytesOf(proof), readProof)).toBe(0);
  });

  test('in a submission never makes a witness cosign anything else', async () => {
    const submission = formatSubmission({
      oldSize: 3,
      proof: carry(planConsistency(3, 5)),
      checkpoint: formatNote({ ...signed, signatures: signed.signatures.slice(0, 1) }),
    });
    const known = {
      verifiers: [ed25519Verifier(log.key, verifyEd25519)],
      latest: { size: 3, root: rootOf(hashing, leaves.slice(0, 3)) },
    };
    const statuses = new Map<number, number>();
    const bytes = bytesOf(submission);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const verdict = await judgeSubmission(hashing, flipped(bytes, bit), (origin) =>
        origin === ORIGIN ? known : undefined,
      );
      statuses.set(verdict.status, (statuses.get(verdict.status) ?? 0) + 1);
    }
    expect([...statuses.keys()].sort()).toEqual([400, 403, 404, 409, 422]);
  });

  test('gets past a reader that believes signatures without checking them', async () => {
    const credulous = async (bytes: Uint8Array) => readCheckpoint(bytes, () => true);
    const before = await credulous(bytesOf(checkpoint));
    let believed = 0;
    for (let bit = 0; bit < 8 * text.length; bit++) {
      const forged = await credulous(flipped(bytesOf(checkpoint), bit)).catch(() => before);
      if (forged !== before) believed++;
    }
    expect(believed).toBeGreaterThan(100);
  });
});
