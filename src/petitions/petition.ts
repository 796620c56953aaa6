/**
 * A petition: a frozen statement and the rules under which it is signed. Invariants: rules and statement never change
 * after opening; the issuer and the client id belong to the rules, because under others every `sub`, and so every nym,
 * would be another; a petition that is closed never opens again.
 */
import type { Day } from '../clock.ts';
import type { PetitionOpened } from '../log/entry.ts';
import type { Statement } from './statement.ts';
import type { Threshold } from './threshold.ts';

/** A lowercase ULID. */
export type PetitionId = string & { readonly brand: 'PetitionId' };

export type Petition = {
  readonly id: PetitionId;
  readonly slug: string;
  readonly statement: Statement;
  /** Who asks for it, as they sign it; public. */
  readonly author: string | undefined;
  /** In rising order; none where the petition states none. */
  readonly thresholds: readonly Threshold[];
  readonly opened: Day;
  /** The last day on which one can sign. */
  readonly closes: Day | undefined;
  /** The day on which it was closed by its operator. */
  readonly closed: Day | undefined;
  /** The day on which its pseudonym key was destroyed. */
  readonly destroyed: Day | undefined;
  /** In years; 0 asks for none. */
  readonly minAge: number;
  /** Whether each signature declares a département. */
  readonly departments: boolean;
  /** The level that a login must have, as the identity provider names it; empty where none is asked. */
  readonly acr: string;
  readonly issuer: string;
  readonly clientId: string;
  /** The public half of the petition's pseudonym key, 32 bytes. */
  readonly nymKey: Uint8Array;
  /** The index of its `petition-opened` entry in the log. */
  readonly entry: number;
};

/** A petition before the log has it. */
export type NewPetition = Omit<Petition, 'opened' | 'closed' | 'destroyed' | 'entry'>;

/** What the log is told of a petition when it opens. */
type Rules = Omit<NewPetition, 'slug' | 'statement' | 'author' | 'thresholds'> & {
  readonly statement: Pick<Statement, 'hash'>;
};

/** The entry that opens it in the log. */
export function openedEntry(petition: Rules, day: Day): PetitionOpened {
  return {
    kind: 'petition-opened',
    petition: petition.id,
    statement: Buffer.from(petition.statement.hash).toString('hex'),
    nym_key: Buffer.from(petition.nymKey).toString('base64url'),
    issuer: petition.issuer,
    client_id: petition.clientId,
    acr: petition.acr,
    min_age: petition.minAge,
    closes: petition.closes ?? null,
    departments: petition.departments,
    board: null,
    day,
  };
}

export type PetitionStatus = 'open' | 'closed';

export function statusOf(petition: Petition, today: Day): PetitionStatus {
  const over = petition.closes !== undefined && today > petition.closes;
  return petition.closed !== undefined || over ? 'closed' : 'open';
}

/** The last day on which one could sign, or can: its rule's, or the day on which it was closed before that. */
export function lastDay({ closed, closes }: Petition): Day | undefined {
  if (closed === undefined || closes === undefined) return closed ?? closes;
  return closed < closes ? closed : closes;
}

export const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
