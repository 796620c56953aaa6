import type { Ground } from '../log/entry.ts';
import type { Nym } from '../person/nym.ts';
import type { PetitionAct, PetitionOutcome } from './acts.ts';
import type { Petition } from './petition.ts';
import type { SignatureStore } from './ports.ts';

/** Which of some pseudonyms have a signature that counts. */
export async function previewInvalidation(
  { signatures }: { readonly signatures: SignatureStore },
  petition: Petition,
  nyms: readonly Nym[],
): Promise<{ readonly active: readonly Nym[]; readonly others: number }> {
  const active: Nym[] = [];
  for (const nym of nyms) {
    const signature = await signatures.find(petition.id, nym, Number.MAX_SAFE_INTEGER);
    if (signature?.state === 'active') active.push(nym);
  }
  return { active, others: nyms.length - active.length };
}

const PORTION = 1000;

/** Invalidates signatures for good, each by an entry. @returns how many: one that was withdrawn meanwhile stays withdrawn */
export async function invalidateSignatures(
  register: { recordAll(acts: readonly PetitionAct[]): Promise<readonly PetitionOutcome[]> },
  petition: Petition,
  nyms: readonly Nym[],
  ground: Ground,
): Promise<number> {
  let invalidated = 0;
  for (let from = 0; from < nyms.length; from += PORTION) {
    const acts = nyms
      .slice(from, from + PORTION)
      .map((nym) => ({ kind: 'invalidated', petition: petition.id, nym, ground }) as const);
    const outcomes = await register.recordAll(acts);
    invalidated += outcomes.filter(({ result }) => result === 'invalidated').length;
  }
  return invalidated;
}
