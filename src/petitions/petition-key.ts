/**
 * A petition's pseudonym key: one random pair for each petition. The secret is stored wrapped under the key-encryption
 * key (context = the petition's id) and is unwrapped for the length of one evaluation. Once it is destroyed, with every key
 * that unwraps a copy of it, the petition's nyms mean nothing to anyone.
 */
import { Refusal } from '../errors.ts';
import type { KeyEncryptionKey } from '../key-encryption.ts';
import type { Nym } from '../person/nym.ts';
import type { Person } from '../person/person.ts';
import { generatePseudonymKeyPair, type Pseudonyms, pseudonymPublicKey } from '../person/pseudonym.ts';
import type { Petition, PetitionId } from './petition.ts';
import type { PetitionStore } from './ports.ts';

export function createPetitionKey(
  keyEncryptionKey: KeyEncryptionKey,
  id: PetitionId,
): { nymKey: Uint8Array; wrapped: Uint8Array } {
  const pair = generatePseudonymKeyPair();
  return { nymKey: pair.public, wrapped: keyEncryptionKey.wrap(pair.secret, id) };
}

/** Whether a stored secret unwraps and is the one of the petition's public key. */
export function isPetitionKeyWhole(
  keyEncryptionKey: KeyEncryptionKey,
  petition: Petition,
  wrapped: Uint8Array,
): boolean {
  const secret = keyEncryptionKey.unwrap(wrapped, petition.id);
  const isWhole = secret !== undefined && Buffer.from(petition.nymKey).equals(pseudonymPublicKey(secret));
  secret?.fill(0);
  return isWhole;
}

/**
 * The person's nym for a petition.
 * @throws Refusal `pseudonyms-destroyed`; `petition-not-collecting` when its secret is lost, or was wrapped under another key
 */
export async function computeNym(
  deps: { petitions: PetitionStore; keyEncryptionKey: KeyEncryptionKey; pseudonyms: Pseudonyms },
  petition: Petition,
  person: Person,
): Promise<Nym> {
  const wrapped = await deps.petitions.findWrappedSecret(petition.id);
  if (petition.destroyed !== undefined) throw new Refusal('pseudonyms-destroyed');
  if (wrapped === undefined) throw new Refusal('petition-not-collecting', 'its pseudonym key is lost');
  const secret = deps.keyEncryptionKey.unwrap(wrapped, petition.id);
  if (secret === undefined) throw new Refusal('petition-not-collecting', 'its pseudonym key does not unwrap');
  return deps.pseudonyms.evaluate(secret, person).finally(() => secret.fill(0));
}
