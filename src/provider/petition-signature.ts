/**
 * The authorization details type `petition_signature` (RFC 9396): `[{"type":"petition_signature","petition":ID}]` asks for
 * one signature of one petition that the site was granted; the token response returns the same object with `"receipt"`.
 */
import { errors } from 'oidc-provider';
import type { Day } from '../clock.ts';
import { type Petition, type PetitionId, statusOf } from '../petitions/petition.ts';
import type { Site } from './site.ts';

export const PETITION_SIGNATURE = 'petition_signature';

export type PetitionSignatureDetail = {
  readonly type: typeof PETITION_SIGNATURE;
  readonly petition: PetitionId;
};

/**
 * Checks one object of a request. An unknown petition and one that the site was not granted are answered alike.
 * @param all the parameter as it was sent
 * @throws InvalidAuthorizationDetails; AccessDenied for a petition that is closed
 */
export async function checkDetail(
  detail: Readonly<Record<string, unknown>>,
  all: unknown,
  site: Site | undefined,
  deps: { findPetition(id: PetitionId): Promise<Petition | undefined>; today(): Day },
): Promise<void> {
  const refuse = (why: string) => new errors.InvalidAuthorizationDetails(why);
  if (countOf(all) !== 1) throw refuse('one petition in a request');
  const others = Object.keys(detail).filter((name) => name !== 'type' && name !== 'petition');
  if (others.length > 0) throw refuse('a petition_signature has the members type and petition, and no other');
  const id = detail.petition;
  if (typeof id !== 'string' || !/^[0-9a-z]{26}$/.test(id)) throw refuse('petition is the id of a petition');
  const granted = site?.petitions.find((one) => one === id);
  const petition = granted === undefined ? undefined : await deps.findPetition(granted);
  if (petition === undefined) throw refuse('this site was not granted such a petition');
  if (statusOf(petition, deps.today()) === 'closed') throw new errors.AccessDenied('the petition is closed');
}

/** The parameter is text at the authorization endpoint, and may be parsed already where it was pushed. */
function countOf(all: unknown): number {
  const details: unknown = typeof all === 'string' ? JSON.parse(all) : all;
  return Array.isArray(details) ? details.length : 0;
}

/** The petition that a checked request asks a signature of. */
export function petitionOf(all: unknown): PetitionId | undefined {
  if (typeof all !== 'string') return undefined;
  const [detail] = JSON.parse(all) as readonly PetitionSignatureDetail[];
  return detail?.petition;
}
