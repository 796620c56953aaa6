/** A log of a few leaves that really signs, and that signs whatever it is asked to: other leaves, other roots, forks. */
import { formatCheckpoint } from '../../src/tlog/checkpoint.ts';
import { rootOf } from '../../src/tlog/merkle.ts';
import { carryOut, planConsistency } from '../../src/tlog/merkle-proof.ts';
import { ed25519Signer, formatNote, formatVerifierKey, signNote } from '../../src/tlog/note.ts';
import { formatSubmission } from '../../src/tlog/witness.ts';
import { bytesOf, hashing, testKey } from '../tlog/crypto.ts';

export const ORIGIN = 'petitions.example.org/log';

export class GrowingLog {
  readonly keys: ReturnType<typeof testKey>;
  readonly vkey: string;
  readonly #leaves: readonly Uint8Array[];

  /** @param forkedAt from this index on its leaves are others than those of the log beside it */
  constructor({ origin = ORIGIN, seed = 1, forkedAt = Number.POSITIVE_INFINITY, branch = 'fork' } = {}) {
    this.keys = testKey(origin, seed);
    this.vkey = formatVerifierKey(this.keys.key);
    this.#leaves = Array.from({ length: 64 }, (_, i) =>
      hashing.leaf(bytesOf(`${i < forkedAt ? 'leaf' : branch} ${i}`)),
    );
  }

  root(size: number): Uint8Array {
    return rootOf(hashing, this.#leaves.slice(0, size));
  }

  proof(from: number, to: number): readonly Uint8Array[] {
    const plan = planConsistency(from, to);
    const hashes = plan.flat().map(({ level, index }) => {
      return rootOf(hashing, this.#leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
    });
    return carryOut(hashing, plan, hashes);
  }

  text(size: number, extensions: readonly string[] = []): string {
    return formatCheckpoint({ origin: this.keys.key.name, size, root: this.root(size), extensions });
  }

  async checkpoint(size: number, extensions: readonly string[] = []): Promise<string> {
    const { key, sign } = this.keys;
    return formatNote(await signNote(this.text(size, extensions), [ed25519Signer(key, sign)]));
  }

  /** What an honest log sends. */
  async submission(oldSize: number, size: number): Promise<string> {
    return formatSubmission({ oldSize, proof: this.proof(oldSize, size), checkpoint: await this.checkpoint(size) });
  }
}
