/**
 * Logging out at the identity provider, so that the next person on a shared computer does not sign as this one. Our own
 * session ends first: a provider that never comes back leaves nothing of us behind but the way to the outcome.
 */
import type { Request, RequestHandler, Response } from 'express';
import { aboutOf, redirect } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { withLang } from '../i18n.ts';
import { type Journey, logoutStateOf } from '../journey.ts';
import { allJourneys, endJourney, logoutFrom, namedJourney } from './current-journey.ts';

/** `GET /logout/callback`: back from the identity provider, on to the outcome. */
export function logoutCallback(deps: WebDependencies): RequestHandler {
  return async (req, res) => {
    const journey = allJourneys(deps, req).find((one) => logoutStateOf(one) === req.query.state);
    if (journey === undefined) return redirect(res, '/'); // of another browser, or over: nothing is wrong
    const content = await deps.journeys.find(journey);
    if (content?.kind === 'done') return endJourney(deps, res, journey, content.location);
    redirect(res, await backTo(deps, journey)); // answered before, and the answer was lost
  };
}

/** `POST /logout?journey=`: "this is not me", or leaving after a refusal. Nothing was recorded, and nothing is kept. */
export function logout(deps: WebDependencies): RequestHandler {
  return async (req, res) => {
    const journey = namedJourney(deps, req);
    aboutOf(res).lang = journey.lang;
    const content = await deps.journeys.find(journey);
    if (content?.kind === 'done') return endJourney(deps, res, journey, content.location);
    const refused = content?.kind === 'refused' ? content.code : content ? 'login-cancelled' : 'login-expired';
    const atSite = journey.site && (await deps.sites.refuse(journey.site.uid, refused));
    const location = atSite ?? (await backTo(deps, journey));
    const login = content?.login ?? null;
    await deps.journeys.save(journey, { kind: 'done', location });
    if (content?.kind === 'identified') await endOthers(deps, req, res, journey);
    const elsewhere = await logoutFrom(deps, journey, login);
    if (elsewhere === undefined) await endJourney(deps, res, journey, location);
    else redirect(res, elsewhere);
  };
}

/** The page that a journey without an outcome leads back to. */
async function backTo(deps: WebDependencies, { petition: id, lang }: Journey): Promise<string> {
  const petition = id && (await deps.petitions.findById(id));
  return withLang(petition ? `/petitions/${petition.slug}` : '/', lang);
}

/** "This is not me": what the person before left open in this browser is over too. */
async function endOthers(deps: WebDependencies, req: Request, res: Response, ended: Journey): Promise<void> {
  for (const journey of allJourneys(deps, req, ended)) {
    deps.cookies.clear(res, journey.id);
    await deps.journeys.forget(journey, 0);
  }
}

/** Someone reloads an address that only takes a POST: back to the petition. */
export function backToPetition(): RequestHandler {
  return (req, res) => redirect(res, `/petitions/${encodeURIComponent(String(req.params.slug))}`);
}
