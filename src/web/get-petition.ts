import { Refusal } from '../errors.ts';
import { type Petition, SLUG } from '../petitions/petition.ts';
import type { WebDependencies } from './dependencies.ts';

/** The published petition that an address names. @throws Refusal `petition-unknown` */
export async function getPetition(deps: WebDependencies, slug: unknown): Promise<Petition> {
  const petition = typeof slug === 'string' && SLUG.test(slug) ? await deps.petitions.findBySlug(slug) : undefined;
  if (petition === undefined || petition.entry >= deps.log.published.size) throw new Refusal('petition-unknown');
  return petition;
}

/** A petition as the published log tells it: what is sealed and not yet published, readers learn at the next publication. */
export async function getPublished(deps: WebDependencies, slug: unknown): Promise<Petition> {
  return asPublished(deps, await getPetition(deps, slug));
}

/** The published petitions, newest first. */
export async function listPublished(deps: WebDependencies): Promise<readonly Petition[]> {
  const { size } = deps.log.published;
  return (await deps.petitions.list()).filter(({ entry }) => entry < size).map((one) => asPublished(deps, one));
}

function asPublished({ log }: WebDependencies, petition: Petition): Petition {
  return { ...petition, closed: log.published.figures.get(petition.id)?.closed };
}
