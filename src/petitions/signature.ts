import type { Day } from '../clock.ts';
import type { Nym } from '../person/nym.ts';
import type { PetitionId } from './petition.ts';

export type SignatureState = 'active' | 'withdrawn' | 'invalidated';

/** What the log says of a signature. There is at most one for each petition and nym: a UNIQUE index decides it. */
export type Signature = {
  readonly petition: PetitionId;
  readonly nym: Nym;
  readonly state: SignatureState;
  /** Declared, not verified; `undefined` where the petition does not ask, and once it no longer counts. */
  readonly department: string | undefined;
  /** The day of its latest entry. */
  readonly day: Day;
  /** The index of its latest entry. */
  readonly index: number;
};
