/** Trees and proofs against RFC 6962's own definitions, written out naively, and its well-known vectors. */
import { describe, expect, test } from 'vitest';
import { Unproven } from '../../src/tlog/errors.ts';
import { Frontier, rootOf, type Subtree, subtreesOf, treeHashing } from '../../src/tlog/merkle.ts';
import {
  carryOut,
  type ProofPlan,
  planConsistency,
  planInclusion,
  planRoot,
  verifyConsistency,
  verifyInclusion,
} from '../../src/tlog/merkle-proof.ts';
import { rounds } from '../fakes/rounds.ts';
import vectors from '../vectors/rfc6962.json' with { type: 'json' };
import { bytesOf, flipped, fromHex, hashing, hex, sha256 } from './crypto.ts';

/** The definitions of RFC 6962 §2.1, word for word. */
function naive(leaves: readonly Uint8Array[]) {
  const memory = new Map<string, Uint8Array>();
  const split = (n: number) => {
    let k = 1;
    while (2 * k < n) k *= 2;
    return k;
  };
  const mth = (from: number, to: number): Uint8Array => {
    if (to === from) return sha256(new Uint8Array(0));
    if (to - from === 1) return leaves[from]!;
    const key = `${from}-${to}`;
    const k = split(to - from);
    const known = memory.get(key) ?? sha256(Buffer.concat([Uint8Array.of(1), mth(from, from + k), mth(from + k, to)]));
    memory.set(key, known);
    return known;
  };
  const path = (m: number, from: number, to: number): Uint8Array[] => {
    if (to - from === 1) return [];
    const k = split(to - from);
    return m < k
      ? [...path(m, from, from + k), mth(from + k, to)]
      : [...path(m - k, from + k, to), mth(from, from + k)];
  };
  const subproof = (m: number, from: number, to: number, whole: boolean): Uint8Array[] => {
    if (m === to - from) return whole ? [] : [mth(from, to)];
    const k = split(to - from);
    return m <= k
      ? [...subproof(m, from, from + k, whole), mth(from + k, to)]
      : [...subproof(m - k, from + k, to, false), mth(from, from + k)];
  };
  return {
    root: (size: number) => mth(0, size),
    inclusion: (index: number, size: number) => path(index, 0, size),
    consistency: (old: number, size: number) => (old === 0 ? [] : subproof(old, 0, size, true)),
  };
}

/** A tree in memory: every complete subtree, kept as the frontier completes it. */
function grow(leaves: readonly Uint8Array[]) {
  const frontier = new Frontier(hashing);
  const levels: Uint8Array[][] = [];
  const roots = [frontier.root()];
  for (const leaf of leaves) {
    frontier.append(leaf, (level, hash) => {
      levels[level] ??= [];
      levels[level].push(hash);
    });
    roots.push(frontier.root());
  }
  const hashOf = ({ level, index }: Subtree) => levels[level]![index]!;
  const make = (plan: ProofPlan) => carryOut(hashing, plan, plan.flat().map(hashOf));
  return { frontier, roots, make };
}

/** Past a full tree, of 128 leaves or of 256. */
const LARGEST = rounds(140, 300);
const leaves = Array.from({ length: LARGEST }, (_, i) => hashing.leaf(bytesOf(`leaf ${i}`)));
const tree = grow(leaves);
const definition = naive(leaves);
const same = (made: readonly Uint8Array[], defined: readonly Uint8Array[]) =>
  made.length === defined.length && made.every((hash, i) => Buffer.compare(hash, defined[i]!) === 0);
// A refusal's stack is never read here, and there are two hundred thousand.
Error.stackTraceLimit = 0;

function refused(verify: () => void): boolean {
  try {
    verify();
    return false;
  } catch (error) {
    if (error instanceof Unproven) return true;
    throw error;
  }
}

describe('the well-known tree of eight leaves', () => {
  const eight = vectors.leaves.map((leaf) => hashing.leaf(fromHex(leaf)));

  test.each(vectors.roots)('its root at $size leaves', ({ size, root }) => {
    expect(hex(rootOf(hashing, eight.slice(0, size)))).toBe(root);
  });

  test.each(vectors.inclusion)('leaf $index of $size has its path', ({ index, size, proof }) => {
    const made = grow(eight.slice(0, size)).make(planInclusion(index, size));
    expect(made.map(hex)).toEqual(proof);
    const root = rootOf(hashing, eight.slice(0, size));
    verifyInclusion(hashing, { index, leaf: eight[index]!, size, root, proof: proof.map(fromHex) });
  });

  test.each(vectors.consistency)('$size leaves contain the first $old', ({ old, size, proof }) => {
    expect(grow(eight.slice(0, size)).make(planConsistency(old, size)).map(hex)).toEqual(proof);
    const [oldRoot, root] = [rootOf(hashing, eight.slice(0, old)), rootOf(hashing, eight.slice(0, size))];
    verifyConsistency(hashing, { oldSize: old, oldRoot, size, root, proof: proof.map(fromHex) });
  });
});

describe(`every tree of up to ${LARGEST} leaves`, () => {
  test('has the root of the definition, grown, restored from its subtrees, or planned', () => {
    const frontier = new Frontier(hashing);
    for (let size = 0; size <= LARGEST; size++) {
      const root = hex(definition.root(size));
      expect(hex(tree.roots[size]!)).toBe(root);
      expect(hex(new Frontier(hashing, size, frontier.subtrees).root())).toBe(root);
      expect(tree.make(planRoot(size)).map(hex)).toEqual([root]);
      if (size < LARGEST) frontier.append(leaves[size]!);
    }
  });

  test('proves each of its leaves, and no forged proof passes', () => {
    for (let size = 1; size <= LARGEST; size++) {
      const root = definition.root(size);
      for (let index = 0; index < size; index++) {
        const proof = tree.make(planInclusion(index, size));
        if (!same(proof, definition.inclusion(index, size))) throw new Error(`path of ${index} in ${size}`);
        const claim = { index, leaf: leaves[index]!, size, root, proof };
        verifyInclusion(hashing, claim);
        const turn = index + size;
        const forgeries = [
          { ...claim, leaf: flipped(claim.leaf, turn % 256) },
          { ...claim, proof: [...proof, root] },
          { ...claim, index: index === 0 ? size : index - 1 },
          { ...claim, proof: proof.map((hash, i) => (i === turn % proof.length ? flipped(hash, turn % 256) : hash)) },
          { ...claim, proof: proof.slice(1) },
        ];
        // The last two change nothing in a tree of one leaf, whose proof is empty.
        const forgery = forgeries[turn % (size === 1 ? 3 : 5)]!;
        if (!refused(() => verifyInclusion(hashing, forgery))) throw new Error(`forged ${index} in ${size}`);
      }
    }
  });

  test('proves that it contains each smaller one, and no forged proof passes', () => {
    for (let size = 0; size <= LARGEST; size++) {
      const root = definition.root(size);
      for (let oldSize = 0; oldSize <= size; oldSize++) {
        const proof = tree.make(planConsistency(oldSize, size));
        if (!same(proof, definition.consistency(oldSize, size))) throw new Error(`proof from ${oldSize} to ${size}`);
        const claim = { oldSize, oldRoot: definition.root(oldSize), size, root, proof };
        verifyConsistency(hashing, claim);
        const turn = oldSize + size;
        const forgeries = [
          { ...claim, oldRoot: flipped(claim.oldRoot, turn % 256) },
          { ...claim, proof: [...proof, root] },
          { ...claim, oldSize: size + 1 },
          { ...claim, proof: proof.map((hash, i) => (i === turn % proof.length ? flipped(hash, 1) : hash)) },
          { ...claim, proof: proof.slice(1) },
        ];
        const forgery = forgeries[turn % (proof.length === 0 ? 3 : 5)]!;
        if (!refused(() => verifyConsistency(hashing, forgery))) throw new Error(`forged ${oldSize} to ${size}`);
        // From an empty tree any root follows: then only a signature says which one.
        const another = { ...claim, root: flipped(root, turn % 256) };
        if (refused(() => verifyConsistency(hashing, another)) !== (oldSize > 0 || size === 0)) {
          throw new Error(`another root from ${oldSize} to ${size}`);
        }
      }
    }
  });
});

describe('what no proof gets past', () => {
  const claim = (index: number, size: number) => ({
    index,
    leaf: leaves[index]!,
    size,
    root: definition.root(size),
    proof: tree.make(planInclusion(index, size)),
  });

  test('every bit of a proof counts', () => {
    const { proof, ...rest } = claim(5, 13);
    for (let at = 0; at < proof.length; at++) {
      for (let bit = 0; bit < 256; bit++) {
        const forged = proof.map((hash, i) => (i === at ? flipped(hash, bit) : hash));
        expect(refused(() => verifyInclusion(hashing, { ...rest, proof: forged }))).toBe(true);
      }
    }
  });

  test('an inner node is not accepted as a leaf’s entry: the prefixes keep them apart', () => {
    const inner = hashing.leaf(Buffer.concat([leaves[0]!, leaves[1]!]));
    expect(hex(inner)).not.toBe(hex(definition.root(2)));
    // Without prefixes (hashing both alike) the two would be one.
    const careless = {
      ...treeHashing(sha256),
      leaf: (entry: Uint8Array) => sha256(Buffer.concat([Uint8Array.of(1), entry])),
    };
    expect(hex(careless.leaf(Buffer.concat([leaves[0]!, leaves[1]!])))).toBe(hex(definition.root(2)));
  });

  test('sizes and indexes that are none, and hashes of another length', () => {
    const good = claim(2, 5);
    for (const wrong of [
      { index: -1 },
      { index: 5 },
      { index: 1.5 },
      { index: Number.NaN },
      { size: 2 ** 53 },
      { size: 0 },
      { root: good.root.subarray(1) },
      { leaf: new Uint8Array(33) },
      { proof: [new Uint8Array(31), ...good.proof.slice(1)] },
    ]) {
      expect(refused(() => verifyInclusion(hashing, { ...good, ...wrong }))).toBe(true);
    }
    expect(() => hashing.node(new Uint8Array(31), new Uint8Array(32))).toThrow(RangeError);
    expect(() => planInclusion(5, 5)).toThrow(RangeError);
    expect(() => planConsistency(6, 5)).toThrow(RangeError);
    expect(() => new Frontier(hashing, 3, [leaves[0]!])).toThrow(RangeError);
  });

  test('trees beyond 32 bits are walked like small ones', () => {
    const size = 2 ** 40 + 3;
    expect(subtreesOf(0, size)).toEqual([
      { level: 40, index: 0 },
      { level: 1, index: 2 ** 39 },
      { level: 0, index: 2 ** 40 + 2 },
    ]);
    // Only the right edge is known; the huge subtree's hash is anything.
    const huge = leaves[7]!;
    const frontier = new Frontier(hashing, 2 ** 40, [huge]);
    for (const leaf of leaves.slice(0, 3)) frontier.append(leaf);
    const hashOf = ({ level, index }: Subtree) =>
      level === 40 ? huge : level === 1 ? hashing.node(leaves[0]!, leaves[1]!) : leaves[index - 2 ** 40]!;
    const made = (plan: ProofPlan) => carryOut(hashing, plan, plan.flat().map(hashOf));
    for (const i of [0, 1, 2]) {
      const index = 2 ** 40 + i;
      const proof = made(planInclusion(index, size));
      verifyInclusion(hashing, { index, leaf: leaves[i]!, size, root: frontier.root(), proof });
    }
    const proof = made(planConsistency(2 ** 40, size));
    verifyConsistency(hashing, { oldSize: 2 ** 40, oldRoot: huge, size, root: frontier.root(), proof });
  });
});
