/**
 * Inclusion and consistency of RFC 6962 §2.1.1 and §2.1.2. A proof is made in two steps, a plan of which complete subtrees
 * it needs and then their hashes, so that the same code serves a tree in memory and one in tiles far away. It is checked
 * by RFC 9162's algorithms, which share nothing with the making.
 */
import { Unproven } from './errors.ts';
import { HASH_BYTES, half, joined, levelBelow, type Subtree, subtreesOf, type TreeHashing } from './merkle.ts';
import { sameBytes } from './text.ts';

/** For each hash of a proof, the complete subtrees that it is joined from. */
export type ProofPlan = readonly (readonly Subtree[])[];

/** PATH(index, D[size]) of RFC 6962 §2.1.1: the leaf's sibling first, the root's child last. */
export function planInclusion(index: number, size: number): ProofPlan {
  if (!(index >= 0 && index < size)) throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  const plan: (readonly Subtree[])[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + 2 ** levelBelow(end - start);
    if (index < middle) {
      plan.push(subtreesOf(middle, end));
      end = middle;
    } else {
      plan.push(subtreesOf(start, middle));
      start = middle;
    }
  }
  return plan.reverse();
}

/** PROOF(old, D[size]) of RFC 6962 §2.1.2; empty where the trees are equal or the old one is empty. */
export function planConsistency(oldSize: number, size: number): ProofPlan {
  if (!(oldSize >= 0 && oldSize <= size)) throw new RangeError(`a tree of ${size} never had ${oldSize} leaves more`);
  if (oldSize === 0) return [];
  const plan: (readonly Subtree[])[] = [];
  let [start, end] = [0, size];
  while (oldSize !== end) {
    const middle = start + 2 ** levelBelow(end - start);
    if (oldSize <= middle) {
      plan.push(subtreesOf(middle, end));
      end = middle;
    } else {
      plan.push(subtreesOf(start, middle));
      start = middle;
    }
  }
  // The old tree is itself a complete subtree of the new one: the verifier holds that hash already.
  if (start !== 0) plan.push(subtreesOf(start, end));
  return plan.reverse();
}

/** The root of a tree is a plan of one hash. */
export function planRoot(size: number): ProofPlan {
  return [subtreesOf(0, size)];
}

/** Turns a plan into its hashes. @param hashes one for each subtree of `plan.flat()`, in that order */
export function carryOut(hashing: TreeHashing, plan: ProofPlan, hashes: readonly Uint8Array[]): readonly Uint8Array[] {
  let at = 0;
  return plan.map((subtrees) => {
    const from = at;
    at += subtrees.length;
    return joined(hashing, hashes.slice(from, at));
  });
}

export type InclusionClaim = {
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
};

/** RFC 9162 §2.1.3.2. @throws Unproven `inclusion` unless the leaf stands at that index of the tree under that root */
export function verifyInclusion(hashing: TreeHashing, { index, leaf, size, root, proof }: InclusionClaim): void {
  const no = (why: string) => new Unproven('inclusion', `leaf ${index} of ${size}: ${why}`);
  if (!isCount(index) || !isCount(size) || index >= size) throw no('no such leaf');
  if (!areHashes([leaf, root, ...proof])) throw no('a hash has 32 bytes');
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) throw no('the proof is too long');
    if (node % 2 === 1 || node === last) {
      hash = hashing.node(sibling, hash);
      for (; node % 2 === 0 && node !== 0; node = half(node)) last = half(last);
    } else {
      hash = hashing.node(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  if (last !== 0) throw no('the proof is too short');
  if (!sameBytes(hash, root)) throw no('the proof leads to another root');
}

export type ConsistencyClaim = {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
};

/**
 * RFC 9162 §2.1.4.2, and what tlog-witness adds for empty trees: their root is SHA-256(""), and the proof from one is
 * empty. @throws Unproven `consistency` unless the tree's first leaves are the old tree
 */
export function verifyConsistency(hashing: TreeHashing, claim: ConsistencyClaim): void {
  const { oldSize, oldRoot, size, root, proof } = claim;
  const no = (why: string) => new Unproven('consistency', `from ${oldSize} to ${size}: ${why}`);
  if (!isCount(oldSize) || !isCount(size) || oldSize > size) throw no('a log never shrinks');
  if (!areHashes([oldRoot, root, ...proof])) throw no('a hash has 32 bytes');
  if (oldSize === 0 && !sameBytes(oldRoot, hashing.empty)) throw no('not the root of an empty tree');
  if (oldSize === size && !sameBytes(oldRoot, root)) throw no('one size, two roots');
  if (oldSize === 0 || oldSize === size) {
    if (proof.length !== 0) throw no('the proof is too long');
    return;
  }
  const isSubtree = oldSize === 2 ** levelBelow(oldSize + 1);
  const [first, ...rest] = isSubtree ? [oldRoot, ...proof] : proof;
  if (first === undefined) throw no('the proof is too short');
  let [node, last] = [oldSize - 1, size - 1];
  for (; node % 2 === 1; node = half(node)) last = half(last);
  let [old, grown] = [first, first];
  for (const hash of rest) {
    if (last === 0) throw no('the proof is too long');
    if (node % 2 === 1 || node === last) {
      [old, grown] = [hashing.node(hash, old), hashing.node(hash, grown)];
      for (; node % 2 === 0 && node !== 0; node = half(node)) last = half(last);
    } else {
      grown = hashing.node(grown, hash);
    }
    [node, last] = [half(node), half(last)];
  }
  if (last !== 0) throw no('the proof is too short');
  if (!sameBytes(old, oldRoot)) throw no('the proof leads to another old root');
  if (!sameBytes(grown, root)) throw no('the proof leads to another root');
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES);
}
