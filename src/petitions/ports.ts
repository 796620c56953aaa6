/**
 * What petitions need of storage. Each method is one act that is atomic by itself and durable when it returns; nobody
 * above storage opens a transaction.
 */
import type { Day } from '../clock.ts';
import type { Nym } from '../person/nym.ts';
import type { Petition, PetitionId } from './petition.ts';
import type { Outcome, Recording, Signature, Tally } from './signature.ts';

export type PetitionStore = {
  open(petition: Petition, wrappedSecret: Uint8Array): Promise<'opened' | 'slug-taken'>;
  close(id: PetitionId, day: Day): Promise<'closed' | 'already-closed' | 'unknown'>;
  findBySlug(slug: string): Promise<Petition | undefined>;
  findById(id: PetitionId): Promise<Petition | undefined>;
  /** Newest first. */
  list(): Promise<readonly Petition[]>;
  /** The pseudonym key's secret half, wrapped; `undefined` once it is destroyed. */
  findWrappedSecret(id: PetitionId): Promise<Uint8Array | undefined>;
};

export type SignatureStore = {
  /**
   * Records a batch in one transaction, in its order, and answers each with its outcome. Whether a person has signed is
   * decided by the UNIQUE index and whether the petition is open by its row, both inside the transaction.
   * When it throws, nothing of the batch is recorded.
   */
  record(batch: readonly Recording[]): Promise<readonly Outcome[]>;
  find(petition: PetitionId, nym: Nym): Promise<Signature | undefined>;
  /** Kept up to date by `record`, in the same transaction: its cost does not grow with the number of signatures. */
  tally(petition: PetitionId): Promise<Tally>;
  /** Signatures that count, for each petition that has any. */
  totals(): Promise<ReadonlyMap<PetitionId, number>>;
};
