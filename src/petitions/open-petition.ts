import { ulid } from 'ulid';
import { type Clock, parisDay } from '../clock.ts';
import { SetupError } from '../errors.ts';
import { type KeyEncryptionKey, keyReplaced } from '../key-encryption.ts';
import { entryProblem } from '../log/entry.ts';
import { type NewPetition, openedEntry, type Petition, type PetitionId } from './petition.ts';
import type { PetitionFile } from './petition-file.ts';
import { createPetitionKey } from './petition-key.ts';
import type { Register } from './ports.ts';

/** Whose logins a petition is opened for; part of its rules for good. */
export type Collecting = { readonly issuer: string; readonly clientId: string; readonly acr: string };

/**
 * Opens a petition: freezes its statement and rules, and makes its pseudonym key.
 * @throws SetupError when the slug is taken, or its last day is past
 */
export async function openPetition(
  deps: { register: Register; keyEncryptionKey: KeyEncryptionKey; clock: Clock },
  file: PetitionFile,
  collecting: Collecting,
): Promise<Petition> {
  const now = deps.clock();
  if (file.closes !== undefined && file.closes < parisDay(now)) {
    throw new SetupError(`The petition ${file.slug} would be closed from the start: ${file.closes} is past.`);
  }
  const id = ulid(now.getTime()).toLowerCase() as PetitionId;
  const key = createPetitionKey(deps.keyEncryptionKey, id);
  const opening: NewPetition = {
    id,
    slug: file.slug,
    statement: file.statement,
    author: file.author,
    thresholds: file.thresholds ?? [],
    closes: file.closes,
    minAge: file.min_age,
    departments: file.departments,
    acr: file.acr ?? collecting.acr,
    issuer: collecting.issuer,
    clientId: collecting.clientId,
    nymKey: key.nymKey,
  };
  const wrong = entryProblem(openedEntry(opening, parisDay(now)));
  if (wrong !== undefined) throw new SetupError(`The log cannot hold the petition ${file.slug}: ${wrong}.`);
  const outcome = await deps.register.record({
    kind: 'petition-opened',
    opening,
    wrappedSecret: key.wrapped,
    keyId: deps.keyEncryptionKey.id,
  });
  if (outcome.result === 'key-replaced') throw keyReplaced();
  if (outcome.result !== 'opened') throw new SetupError(`A petition with the slug ${file.slug} exists already.`);
  return { ...opening, opened: outcome.opened, closed: undefined, destroyed: undefined, entry: outcome.entry };
}
