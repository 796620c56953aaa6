/**
 * A petition's pseudonym key: one random pair for each petition. The secret is stored wrapped under the key-encryption
 * key (AES-256-GCM, AAD = the petition's id) and is unwrapped for the length of one evaluation. Once the row or the
 * key-encryption key is destroyed, the petition's nyms mean nothing to anyone.
 */
import type { KeyObject } from 'node:crypto';
import { open, seal } from '../aead.ts';
import { Refusal } from '../errors.ts';
import type { Nym } from '../person/nym.ts';
import type { Person } from '../person/person.ts';
import { generatePseudonymKeyPair, type Pseudonyms, pseudonymPublicKey } from '../person/pseudonym.ts';
import type { Petition, PetitionId } from './petition.ts';
import type { PetitionStore } from './ports.ts';

export function createPetitionKey(
  keyEncryptionKey: KeyObject,
  id: PetitionId,
): { nymKey: Uint8Array; wrapped: Uint8Array } {
  const pair = generatePseudonymKeyPair();
  return { nymKey: pair.public, wrapped: seal(keyEncryptionKey, pair.secret, id) };
}

/** Whether a stored secret unwraps and is the one of the petition's public key. */
export function isPetitionKeyWhole(keyEncryptionKey: KeyObject, petition: Petition, wrapped: Uint8Array): boolean {
  const secret = open(keyEncryptionKey, wrapped, petition.id);
  return secret !== undefined && Buffer.from(petition.nymKey).equals(pseudonymPublicKey(secret));
}

/**
 * The person's nym for a petition.
 * @throws Refusal `petition-not-collecting` when the secret is destroyed, or was wrapped under another key
 */
export async function computeNym(
  deps: { petitions: PetitionStore; keyEncryptionKey: KeyObject; pseudonyms: Pseudonyms },
  petition: Petition,
  person: Person,
): Promise<Nym> {
  const wrapped = await deps.petitions.findWrappedSecret(petition.id);
  if (wrapped === undefined) throw new Refusal('petition-not-collecting', 'its pseudonym key is destroyed');
  const secret = open(deps.keyEncryptionKey, wrapped, petition.id);
  if (secret === undefined) throw new Refusal('petition-not-collecting', 'its pseudonym key does not unwrap');
  return deps.pseudonyms.evaluate(secret, person).finally(() => secret.fill(0));
}
