/**
 * Merkle trees of RFC 6962 §2.1 (RFC 9162 §2.1 is the same tree): leaf = SHA-256(00 || entry), node = SHA-256(01 ||
 * left || right), an unbalanced tree is split at the largest power of two below its size, the empty tree is SHA-256("").
 */

/** Synchronous, because a log hashes a million times a second: `node:crypto` in Node, `@noble/hashes` in a browser. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const HASH_BYTES = 32;

export type TreeHashing = {
  readonly empty: Uint8Array;
  leaf(entry: Uint8Array): Uint8Array;
  node(left: Uint8Array, right: Uint8Array): Uint8Array;
};

/** The tree's three hashes. What is hashed is laid out in scratch memory of its own: a tree hashes one thing at a time. */
export function treeHashing(sha256: Sha256): TreeHashing {
  const pair = new Uint8Array(1 + 2 * HASH_BYTES);
  pair[0] = 1;
  let single = new Uint8Array(1024);
  return {
    empty: sha256(new Uint8Array(0)),
    leaf(entry) {
      if (entry.length >= single.length) single = new Uint8Array(2 * entry.length + 1);
      single.set(entry, 1);
      return sha256(single.subarray(0, entry.length + 1));
    },
    node(left, right) {
      // A shorter one would leave the last node's bytes behind it, and hash to something that no one else computes.
      if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new RangeError('a hash has 32 bytes');
      pair.set(left, 1);
      pair.set(right, 1 + HASH_BYTES);
      return sha256(pair);
    },
  };
}

/** The complete subtree over leaves [index · 2^level, (index + 1) · 2^level). */
export type Subtree = { readonly level: number; readonly index: number };

/** Is told each complete subtree as an append completes it: the leaf itself first (level 0), then what it completes. */
export type Completed = (level: number, hash: Uint8Array) => void;

/**
 * A tree that only grows, as its complete subtrees from left to right: at most 53 hashes, whatever its size (the
 * "compact range" of the literature). Appending n leaves costs n node hashes at most.
 */
export class Frontier {
  readonly #hashing: TreeHashing;
  readonly #subtrees: Uint8Array[];
  #size: number;

  /** @param subtrees the complete subtrees of a tree of that size, the largest (leftmost) first */
  constructor(hashing: TreeHashing, size = 0, subtrees: readonly Uint8Array[] = []) {
    if (subtrees.length !== subtreesOf(0, size).length) throw new RangeError(`not the subtrees of ${size} leaves`);
    this.#hashing = hashing;
    this.#size = size;
    this.#subtrees = [...subtrees];
  }

  get size(): number {
    return this.#size;
  }

  get subtrees(): readonly Uint8Array[] {
    return [...this.#subtrees];
  }

  append(leaf: Uint8Array, completed?: Completed): void {
    let hash = leaf;
    let level = 0;
    completed?.(level, hash);
    for (let rest = this.#size; rest % 2 === 1; rest = half(rest)) {
      hash = this.#hashing.node(this.#subtrees.pop() ?? hash, hash);
      completed?.(++level, hash);
    }
    this.#subtrees.push(hash);
    this.#size++;
  }

  root(): Uint8Array {
    return joined(this.#hashing, this.#subtrees);
  }
}

/** The root over any leaves. */
export function rootOf(hashing: TreeHashing, leaves: Iterable<Uint8Array>): Uint8Array {
  const frontier = new Frontier(hashing);
  for (const leaf of leaves) frontier.append(leaf);
  return frontier.root();
}

/** Adjacent subtrees of decreasing size become one hash, from the right: MTH of RFC 6962 §2.1. */
export function joined(hashing: TreeHashing, subtrees: readonly Uint8Array[]): Uint8Array {
  return subtrees.length === 0 ? hashing.empty : subtrees.reduceRight((right, left) => hashing.node(left, right));
}

/** The complete subtrees that make up leaves [start, end) of a tree, the largest first; `start` begins a subtree. */
export function subtreesOf(start: number, end: number): readonly Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = start; at < end; ) {
    const level = levelBelow(end - at + 1);
    subtrees.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return subtrees;
}

/** The level of the largest complete subtree that is smaller than a tree of that size. */
export function levelBelow(size: number): number {
  let level = 0;
  while (2 ** (level + 1) < size) level++;
  return level;
}

/** Not `>> 1`, which knows 32 bits only. */
export function half(number: number): number {
  return Math.floor(number / 2);
}
