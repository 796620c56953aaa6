import type { Day } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { Petition } from './petition.ts';
import type { PetitionStore } from './ports.ts';

/** Closes a petition for good, from this instant on. @throws Refusal `petition-unknown` */
export async function closePetition(
  deps: { petitions: PetitionStore },
  slug: string,
  today: Day,
): Promise<{ petition: Petition; result: 'closed' | 'already-closed' }> {
  const petition = await deps.petitions.findBySlug(slug);
  if (petition === undefined) throw new Refusal('petition-unknown');
  const result = await deps.petitions.close(petition.id, today);
  if (result === 'unknown') throw new Refusal('petition-unknown');
  return { petition, result };
}
