/** How a journey ends well: what it kept is replaced by where the browser goes on to. */

import { Refusal } from '../../errors.ts';
import type { Petition } from '../../petitions/petition.ts';
import type { Signature } from '../../petitions/signature.ts';
import { computeReceipt } from '../../receipt/compute.ts';
import type { WebDependencies } from '../dependencies.ts';
import { withLang } from '../i18n.ts';
import type { Journey, JourneyContent } from '../journey.ts';
import { logoutFrom, type Outcome } from './current-journey.ts';

type Identified = JourneyContent & { kind: 'identified' };
type Signed = { readonly petition: Petition; readonly signature: Signature };

/** The way to the receipt's page. */
export async function finishHere(
  deps: WebDependencies,
  journey: Journey,
  { login }: Identified,
  { petition, signature }: Signed,
): Promise<Outcome> {
  const capability = deps.links.seal(petition.id, signature.index);
  const location = withLang(`/petitions/${petition.slug}/receipt/${capability}`, journey.lang);
  await deps.journeys.save(journey, { kind: 'done', location });
  return { location, logout: await logoutFrom(deps, journey, login) };
}

/** The way back to the site that sent the person, with the receipt for it where it asked for a signature. */
export async function finishAtSite(
  deps: WebDependencies,
  journey: Journey,
  { login, subject }: Identified,
  signed: Signed | undefined,
): Promise<Outcome> {
  if (journey.site === undefined || subject === null) throw new Refusal('journey-unknown', 'no site waits for it');
  const receipt = signed && receiptOf(deps, signed, journey.site.id);
  const location = await deps.sites.admit(journey.site.uid, subject, receipt);
  await deps.journeys.save(journey, { kind: 'done', location });
  return { location, logout: await logoutFrom(deps, journey, login) };
}

/** @param audience the client id of the site that it is for */
export function receiptOf(deps: WebDependencies, { petition, signature }: Signed, audience?: string): string {
  return computeReceipt(deps.receiptKeys(), {
    issuer: deps.config.origin,
    petition: petition.id,
    statementHash: petition.statement.hash,
    nym: signature.nym,
    day: signature.day,
    department: signature.department,
    log: { origin: deps.log.published.origin, index: signature.index },
    audience,
  });
}
