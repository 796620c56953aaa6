/**
 * Signing: decide from values, record by one atomic act, answer with the one signature. The decision is made twice: once
 * here, for clear words early, and once for good inside the storage act.
 */
import type { Day } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { Nym } from '../person/nym.ts';
import { hasReachedAge } from '../person/person.ts';
import { isDepartment } from './department.ts';
import { type Petition, statusOf } from './petition.ts';
import type { Register } from './ports.ts';
import type { Signature } from './signature.ts';

/**
 * @param birthdate as the identity provider gave it, `undefined` when it gave none that can be read
 * @throws Refusal `petition-closed`, `birthdate-missing`, `too-young`
 */
export function checkMaySign(petition: Petition, birthdate: Day | undefined, today: Day): void {
  if (statusOf(petition, today) === 'closed') throw new Refusal('petition-closed');
  if (petition.minAge === 0) return;
  if (birthdate === undefined) throw new Refusal('birthdate-missing');
  if (!hasReachedAge(birthdate, petition.minAge, today)) throw new Refusal('too-young');
}

/**
 * The département that a signature declares, `undefined` where the petition does not ask (whatever was sent).
 * @throws Refusal `department-missing`, `department-unknown`
 */
export function checkDepartment(petition: Petition, input: string | undefined): string | undefined {
  if (!petition.departments) return undefined;
  if (input === undefined || input === '') throw new Refusal('department-missing');
  if (!isDepartment(input)) throw new Refusal('department-unknown');
  return input;
}

/**
 * Signs, once: for someone who has signed already, their first signature stands and is returned.
 * @throws Refusal `petition-closed`, `signature-invalidated`; `overloaded`, `storage-unavailable`, `log-stopped`: signing again is safe
 */
export async function signPetition(
  deps: { register: Register },
  petition: Petition,
  signer: { nym: Nym; department: string | undefined },
): Promise<{ result: 'signed' | 'already-signed'; signature: Signature }> {
  const outcome = await deps.register.record({ kind: 'signed', petition: petition.id, ...signer });
  if (outcome.result === 'signed' || outcome.result === 'already-signed') {
    return { result: outcome.result, signature: outcome.signature };
  }
  if (outcome.result === 'was-invalidated') throw new Refusal('signature-invalidated');
  throw new Refusal('petition-closed', outcome.result);
}
