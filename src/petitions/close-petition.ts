import type { Day } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { Petition } from './petition.ts';
import type { PetitionStore, Register } from './ports.ts';

type Dependencies = { readonly petitions: PetitionStore; readonly register: Register };

/** Closes a petition for good, with the count that stands. @throws Refusal `petition-unknown` */
export async function closePetition(
  deps: Dependencies,
  slug: string,
): Promise<{ petition: Petition; result: 'closed' | 'already-closed'; count: number }> {
  const petition = await deps.petitions.findBySlug(slug);
  if (petition === undefined) throw new Refusal('petition-unknown');
  const outcome = await deps.register.record({ kind: 'petition-closed', petition: petition.id });
  if (outcome.result === 'closed' || outcome.result === 'already-closed') return { petition, ...outcome };
  throw new Refusal('petition-unknown');
}

/** Closes, with an entry, the petitions whose last day is past. */
export async function closeOverdue(deps: Dependencies, today: Day): Promise<readonly Petition[]> {
  const overdue = (await deps.petitions.list()).filter(
    ({ closed, closes }) => closed === undefined && closes !== undefined && closes < today,
  );
  for (const { id } of overdue) await deps.register.record({ kind: 'petition-closed', petition: id });
  return overdue;
}
