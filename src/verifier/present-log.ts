/**
 * The log as the site serves it today: a head that the log signed, and what its tiles prove of it. Tiles are believed only
 * as far as they lead to that head.
 */
import type { ProofCrypto } from '../receipt/web-crypto.ts';
import { Malformed, Unproven } from '../tlog/errors.ts';
import { type TreeHashing, treeHashing } from '../tlog/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../tlog/merkle-proof.ts';
import { parseVerifierKey } from '../tlog/note.ts';
import { trustLog, verifyByPolicy } from '../tlog/policy.ts';
import { decodeUtf8, sameBytes } from '../tlog/text.ts';
import { decodeBundle, TILE_WIDTH, tileAt } from '../tlog/tile.ts';
import { readConsistencyProof, readInclusionProof, readRoot, type TiledTree } from '../tlog/tile-reader.ts';
import { type Site, Unreachable } from './site.ts';

/** A tree head whose signature was verified; `note` is the signed text, verbatim. */
export type Head = {
  readonly note: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
};

/** @throws Malformed, Unproven, ReceiptError `ed25519-unavailable` */
export async function openHead(note: Uint8Array, vkey: string, crypto: ProofCrypto): Promise<Head> {
  const policy = trustLog(parseVerifierKey(crypto.sha256, vkey));
  const { origin, size, root } = (await verifyByPolicy(note, policy, crypto.verifyEd25519)).checkpoint;
  return { note: decodeUtf8(note) ?? '', origin, size, root };
}

/** `broken`: what is served does not lead to the head, so it says nothing of what the log holds. */
type Silence = 'broken' | 'unreachable';

export class PresentLog {
  readonly head: Head;
  readonly #hashing: TreeHashing;
  readonly #readTile: Site['tile'];

  constructor(head: Head, site: Site, crypto: ProofCrypto) {
    this.head = head;
    this.#hashing = treeHashing(crypto.sha256);
    this.#readTile = site.tile;
  }

  /** Whether an earlier tree is the beginning of this one. */
  async continues(old: Pick<Head, 'size' | 'root'>): Promise<'holds' | 'smaller' | 'changed' | Silence> {
    const { size, root } = this.head;
    if (old.size > size) return 'smaller';
    return orSilence(async () => {
      const [begins, proof] = await Promise.all([
        readRoot(this.#tree, old.size),
        readConsistencyProof(this.#tree, old.size),
      ]);
      // First what this log's beginning is, proven; then whether it is the old tree. Bad tiles accuse nobody of more.
      verifyConsistency(this.#hashing, { oldSize: old.size, oldRoot: begins, size, root, proof });
      return sameBytes(begins, old.root) ? 'holds' : 'changed';
    });
  }

  /** The bytes of the entry at an index below the size, proven to stand there. */
  async entryAt(index: number): Promise<Uint8Array | Silence> {
    const tile = tileAt('entries', Math.floor(index / TILE_WIDTH), this.head.size);
    if (tile === undefined) return 'broken';
    return orSilence(async () => {
      const [bundle, proof] = await Promise.all([this.#readTile(tile), readInclusionProof(this.#tree, index)]);
      const entry = decodeBundle(bundle, tile.width)[index % TILE_WIDTH] ?? new Uint8Array(0);
      verifyInclusion(this.#hashing, { ...this.head, index, leaf: this.#hashing.leaf(entry), proof });
      return entry;
    });
  }

  get #tree(): TiledTree {
    return { hashing: this.#hashing, size: this.head.size, readTile: this.#readTile };
  }
}

async function orSilence<T>(read: () => Promise<T>): Promise<T | Silence> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Unreachable) return 'unreachable';
    if (error instanceof Unproven || error instanceof Malformed) return 'broken';
    throw error;
  }
}
