import { Refusal } from '../errors.ts';
import { type Petition, SLUG } from '../petitions/petition.ts';
import type { WebDependencies } from './dependencies.ts';

/** The published petition that an address names. @throws Refusal `petition-unknown` */
export async function getPetition(deps: WebDependencies, slug: unknown): Promise<Petition> {
  const petition = typeof slug === 'string' && SLUG.test(slug) ? await deps.petitions.findBySlug(slug) : undefined;
  if (petition === undefined || petition.entry >= deps.log.published.size) throw new Refusal('petition-unknown');
  return petition;
}

/** The published petitions, newest first. */
export async function listPetitions(deps: WebDependencies): Promise<readonly Petition[]> {
  const { size } = deps.log.published;
  return (await deps.petitions.list()).filter(({ entry }) => entry < size);
}
