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
  /** The pseudonym key's secret half, wrapped; `undefined` once it is destroyed or lost. */
  findWrappedSecret(id: PetitionId): Promise<Uint8Array | undefined>;
};

export type SignatureStore = {
  /** A signature as the first `size` entries of the log tell it. */
  find(petition: PetitionId, nym: Nym, size: number): Promise<Signature | undefined>;
  /** The signature that an entry is about, as the first `size` entries tell it. */
  findByEntry(index: number, size: number): Promise<Signature | undefined>;
};

export type Request = { readonly id: string; readonly acts: readonly PetitionAct[] };
export type Answer = { readonly id: string; readonly outcomes: readonly PetitionOutcome[] };

/**
 * What processes that do not write the log ask of the one that does. A crash of the database may empty it: nothing in it was
 * acknowledged to anyone.
 */
export type RequestStore = {
  /** Leaves acts for the process that writes. @param id one that nobody has used or will use */
  leave(id: string, acts: readonly PetitionAct[]): Promise<void>;
  /** The answers that are there; then those requests are gone. */
  collect(ids: readonly string[]): Promise<readonly Answer[]>;
  /** Gives a request up. @returns false when it was answered meanwhile, or is lost */
  withdraw(id: string): Promise<boolean>;
  /** Requests without an answer, but those. */
  waiting(except: readonly string[]): Promise<readonly Request[]>;
  answer(answers: readonly Answer[]): Promise<void>;
  /** Removes what was asked more than five minutes ago, answered or not: nobody waits for it any more. */
  sweep(): Promise<void>;
  /** Calls soon after something was asked, and now and then without that. @returns what ends it */
  onAsked(told: () => void): () => void;
  onAnswered(told: () => void): () => void;
};
