/** What petitions need: of the log's one writer, that it records; of storage, that it finds. */
import type { Nym } from '../person/nym.ts';
import type { PetitionAct, PetitionOutcome } from './acts.ts';
import type { Petition, PetitionId } from './petition.ts';
import type { Signature } from './signature.ts';

export type Register = {
  /**
   * Records an act as one atomic act of storage; when it resolves, the outcome is durable and under a signed checkpoint.
   * Whether a person has signed is decided by the UNIQUE index and whether the petition is open by its row.
   * @throws Refusal `overloaded`, `storage-unavailable`, `log-stopped`
   */
  record(act: PetitionAct): Promise<PetitionOutcome>;
};

export type PetitionStore = {
  findBySlug(slug: string): Promise<Petition | undefined>;
  findById(id: PetitionId): Promise<Petition | undefined>;
  /** Newest first. */
  list(): Promise<readonly Petition[]>;
  /** The pseudonym key's secret half, wrapped; `undefined` once it is destroyed. */
  findWrappedSecret(id: PetitionId): Promise<Uint8Array | undefined>;
};

export type SignatureStore = {
  /** A signature as the first `size` entries of the log tell it. */
  find(petition: PetitionId, nym: Nym, size: number): Promise<Signature | undefined>;
  /** The signature that an entry is about, as the first `size` entries tell it. */
  findByEntry(index: number, size: number): Promise<Signature | undefined>;
};

/** What a command asks of the gateway that writes the log. */
export type RequestStore = {
  /** Leaves acts for the gateway to take up. */
  leave(acts: readonly PetitionAct[]): Promise<number>;
  /** The outcomes, once they are there; then the request is gone. */
  collect(id: number): Promise<readonly PetitionOutcome[] | undefined>;
  /** Gives a request up. @returns false when it was answered meanwhile */
  withdraw(id: number): Promise<boolean>;
  waiting(): Promise<readonly { readonly id: number; readonly acts: readonly PetitionAct[] }[]>;
  answer(id: number, outcomes: readonly PetitionOutcome[]): Promise<void>;
};
