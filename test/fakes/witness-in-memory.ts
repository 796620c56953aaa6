/** A witness that really judges and really signs, and keeps its notes in memory: to be made to forget, or to lie. */
import { hashing } from '../../src/node-crypto.ts';
import { formatVerifierKey, type VerifierKey } from '../../src/tlog/note.ts';
import { formatSize, SIZE_TYPE } from '../../src/tlog/witness.ts';
import type { WitnessStore } from '../../src/witness/ports.ts';
import { Witness } from '../../src/witness/witness.ts';
import { bytesOf } from '../tlog/crypto.ts';

type Answer = { status: number; contentType: string | undefined; body: Uint8Array };

export class WitnessInMemory implements WitnessStore {
  readonly name: string;
  readonly seed: Uint8Array;
  readonly notes = new Map<string, string>();
  readonly witness: Witness;
  now = 1_800_000_000;

  constructor(name: string, logs: readonly VerifierKey[]) {
    this.name = name;
    this.seed = hashing.leaf(bytesOf(name));
    this.witness = new Witness(logs, { store: this, clock: () => new Date(this.now * 1000) });
  }

  get vkey(): string {
    return formatVerifierKey(this.witness.key);
  }

  find(origin: string): string | undefined {
    return this.notes.get(origin);
  }

  replace(origin: string, before: string | undefined, after: string): boolean {
    if (this.notes.get(origin) !== before) return false;
    this.notes.set(origin, after);
    return true;
  }

  /** As it would answer over HTTP. */
  async answer(body: string): Promise<Answer> {
    const verdict = await this.witness.addCheckpoint(bytesOf(body));
    if (verdict.status === 200) return { status: 200, contentType: undefined, body: bytesOf(verdict.cosignatures) };
    if (verdict.status !== 409)
      return { status: verdict.status, contentType: undefined, body: bytesOf(verdict.reason) };
    return { status: 409, contentType: SIZE_TYPE, body: bytesOf(formatSize(verdict.size)) };
  }
}
