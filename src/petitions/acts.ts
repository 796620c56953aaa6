/**
 * What can be asked of the log's one writer about petitions and their signatures, and what becomes of it. Each act is
 * decided where it is recorded, in the transaction that holds the rows it depends on.
 */
import type { Day } from '../clock.ts';
import type { Ground } from '../log/entry.ts';
import type { Nym } from '../person/nym.ts';
import type { NewPetition, PetitionId } from './petition.ts';
import type { Signature } from './signature.ts';

/** An act on a signature: decided, and carrying nothing that names a person. */
export type Recording = {
  readonly kind: 'signed' | 'withdrawn';
  readonly petition: PetitionId;
  readonly nym: Nym;
  /** Of a signature; `undefined` where the petition does not ask. */
  readonly department: string | undefined;
};

export type Invalidation = {
  readonly kind: 'invalidated';
  readonly petition: PetitionId;
  readonly nym: Nym;
  readonly ground: Ground;
};

export type Opening = {
  readonly kind: 'petition-opened';
  readonly opening: NewPetition;
  readonly wrappedSecret: Uint8Array;
  /** Of the key that it is wrapped under. */
  readonly keyId: Uint8Array;
};

export type Closing = { readonly kind: 'petition-closed'; readonly petition: PetitionId };

/** The petition's pseudonym key is gone: its secret goes too, and no entry is about the petition any more. */
export type Destruction = { readonly kind: 'pseudonyms-destroyed'; readonly petition: PetitionId };

/** A JWK Set that the identity provider was seen to publish. */
export type IdentityKeysSeen = { readonly kind: 'identity-keys'; readonly issuer: string; readonly jwks: Uint8Array };

export type PetitionAct = Recording | Invalidation | Opening | Closing | Destruction | IdentityKeysSeen;

/** What became of an act. `signature` is as it stands afterwards: for `already-signed` the first one, with its own day. */
export type PetitionOutcome =
  | { readonly result: 'signed' | 'already-signed' | 'withdrawn' | 'already-withdrawn'; readonly signature: Signature }
  | { readonly result: 'petition-closed' | 'pseudonyms-destroyed' | 'not-signed' | 'was-invalidated' }
  | { readonly result: 'invalidated' | 'not-active' }
  /** Also for one that was opened before, by who was not answered. `entry` is the index of its opening. */
  | { readonly result: 'opened'; readonly opened: Day; readonly entry: number }
  /** `key-replaced`: the data have left the key that its secret is wrapped under. */
  | { readonly result: 'slug-taken' | 'key-replaced' }
  | { readonly result: 'closed' | 'already-closed'; readonly count: number }
  | { readonly result: 'destroyed' | 'already-destroyed' | 'petition-open' }
  | { readonly result: 'petition-unknown' }
  | { readonly result: 'noted' | 'known' }
  /** A gateway could not record it, and never will: what is wrong, for whoever asked. */
  | { readonly result: 'failed'; readonly reason: string };

/** Whether an act may change a petition itself. */
export function changesPetition({ kind }: PetitionAct): boolean {
  return kind === 'petition-opened' || kind === 'petition-closed' || kind === 'pseudonyms-destroyed';
}
