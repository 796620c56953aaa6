/** Proofs that verify offline: the receipt's public half. */
import { describe, expect, test } from 'vitest';
import { parsePolicy } from '../../src/tlog/policy.ts';
import { formatProof, parseProof, verifyProof } from '../../src/tlog/proof.ts';
import vectors from '../vectors/tlog-proofs.json' with { type: 'json' };
import { bytesOf, fromHex, hashing, hex, sha256, verifyEd25519 } from './crypto.ts';

const policy = parsePolicy(sha256, bytesOf(vectors.policy));
const verify = async (proof: Uint8Array, leaf: string) =>
  verifyProof(hashing, parseProof(proof), fromHex(leaf), policy, verifyEd25519);

describe('a proof that holds', () => {
  test.each(vectors.valid)('$about', async ({ proof, leaf, index, size, witnesses, ...rest }) => {
    const parsed = parseProof(bytesOf(proof));
    const trusted = await verify(bytesOf(proof), leaf);
    expect(parsed.index).toBe(index);
    expect(trusted.checkpoint.size).toBe(size);
    expect(trusted.witnesses.map(({ name }) => name)).toEqual(witnesses);
    expect(formatProof(parsed)).toBe(proof);
    if (rest.entry === undefined) return;
    expect(new TextDecoder().decode(parsed.extra)).toBe(rest.entry);
    expect(hex(hashing.leaf(parsed.extra!))).toBe(leaf);
  });
});

describe('a proof that is refused', () => {
  test.each([...vectors.invalid, vectors.wrong_leaf])('$about', async ({ proof, leaf, code }) => {
    await expect(verify(bytesOf(proof), leaf)).rejects.toMatchObject({ code });
  });

  test('is not UTF-8', async () => {
    const bytes = bytesOf(vectors.valid[0]!.proof).with(30, 0xff);
    await expect(verify(bytes, vectors.valid[0]!.leaf)).rejects.toMatchObject({ code: 'proof' });
  });
});
