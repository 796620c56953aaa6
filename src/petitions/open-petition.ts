import type { KeyObject } from 'node:crypto';
import { ulid } from 'ulid';
import { type Clock, parisDay } from '../clock.ts';
import { SetupError } from '../errors.ts';
import type { Petition, PetitionId } from './petition.ts';
import type { PetitionFile } from './petition-file.ts';
import { createPetitionKey } from './petition-key.ts';
import type { PetitionStore } from './ports.ts';

/** Whose logins a petition is opened for; part of its rules for good. */
export type Collecting = { readonly issuer: string; readonly clientId: string; readonly acr: string };

/**
 * Opens a petition: freezes its statement and rules, and makes its pseudonym key.
 * @throws SetupError when the slug is taken, or its last day is past
 */
export async function openPetition(
  deps: { petitions: PetitionStore; keyEncryptionKey: KeyObject; clock: Clock },
  file: PetitionFile,
  collecting: Collecting,
): Promise<Petition> {
  const now = deps.clock();
  if (file.closes !== undefined && file.closes < parisDay(now)) {
    throw new SetupError(`The petition ${file.slug} would be closed from the start: ${file.closes} is past.`);
  }
  const id = ulid(now.getTime()).toLowerCase() as PetitionId;
  const key = createPetitionKey(deps.keyEncryptionKey, id);
  const petition: Petition = {
    id,
    slug: file.slug,
    statement: file.statement,
    opened: parisDay(now),
    closes: file.closes,
    closed: undefined,
    minAge: file.min_age,
    departments: file.departments,
    acr: file.acr ?? collecting.acr,
    issuer: collecting.issuer,
    clientId: collecting.clientId,
    nymKey: key.nymKey,
  };
  const result = await deps.petitions.open(petition, key.wrapped);
  if (result === 'slug-taken') throw new SetupError(`A petition with the slug ${file.slug} exists already.`);
  return petition;
}
