import { Refusal } from '../errors.ts';
import { type Petition, SLUG } from '../petitions/petition.ts';
import type { WebDependencies } from './dependencies.ts';

/** The petition that an address names. @throws Refusal `petition-unknown` */
export async function getPetition(deps: WebDependencies, slug: unknown): Promise<Petition> {
  const petition = typeof slug === 'string' && SLUG.test(slug) ? await deps.petitions.findBySlug(slug) : undefined;
  if (petition === undefined) throw new Refusal('petition-unknown');
  return petition;
}
