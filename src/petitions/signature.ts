import type { Day } from '../clock.ts';
import type { Nym } from '../person/nym.ts';
import type { PetitionId } from './petition.ts';

export type SignatureState = 'active' | 'withdrawn' | 'invalidated';

/** All that is kept of a signature. There is at most one for each petition and nym: a UNIQUE index decides it. */
export type Signature = {
  readonly petition: PetitionId;
  readonly nym: Nym;
  readonly state: SignatureState;
  /** Declared, not verified; `undefined` where the petition does not ask. */
  readonly department: string | undefined;
  /** The day of its latest act: signing, or withdrawing. */
  readonly day: Day;
};

/** An act on a signature, ready to be recorded: decided, and carrying nothing that names a person. */
export type Recording = {
  readonly kind: 'signed' | 'withdrawn';
  readonly petition: PetitionId;
  readonly nym: Nym;
  readonly department: string | undefined;
  readonly day: Day;
};

/**
 * What became of a recording. `signature` is the row as it stands afterwards: for `already-signed` the first one, with
 * its own day and département.
 */
export type Outcome =
  | { readonly result: 'signed' | 'already-signed' | 'withdrawn' | 'already-withdrawn'; readonly signature: Signature }
  | { readonly result: 'petition-closed' | 'not-signed' | 'invalidated'; readonly signature: undefined };

/** The figures of one petition: every count is of nyms, by their latest act. */
export type Tally = {
  readonly total: number;
  readonly byDay: ReadonlyMap<Day, number>;
  readonly byDepartment: ReadonlyMap<string, number>;
  readonly withdrawn: number;
  readonly invalidated: ReadonlyMap<string, number>;
};
