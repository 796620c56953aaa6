/**
 * Where a petition site's request enters the gateway's journey. `GET /oidc/interaction/:uid`: the site's request was
 * checked, and the person goes on to the identity provider. `GET|POST /login/confirm`: a site that asks for no signature
 * logs the person in; they see which site, and what it will know.
 */
import type { Request, RequestHandler, Response } from 'express';
import { Refusal } from '../../errors.ts';
import { aboutOf, redirect, sendPage } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { LANGS, type Lang, withLang } from '../i18n.ts';
import type { Journey } from '../journey.ts';
import { SingleFlight } from '../single-flight.ts';
import {
  endJourney,
  GRACE_SECONDS,
  getContent,
  goOn,
  namedJourney,
  type Outcome,
  offerLogout,
  subjectOf,
} from './current-journey.ts';
import { finishAtSite } from './finish.ts';
import { checkCollecting, sendToLogin } from './start.ts';

export function startForSite(deps: WebDependencies): RequestHandler {
  return async (req, res) => {
    const { uid, site, petition: id, locales } = await deps.sites.begin(req, res);
    const purpose = { action: id === undefined ? 'login' : 'sign', petition: id, site: { id: site.id, uid } } as const;
    const journey = deps.journeys.begin(purpose, langOf(locales));
    aboutOf(res).lang = journey.lang;
    try {
      const petition = await subjectOf(deps, journey, res);
      if (petition !== undefined) checkCollecting(deps, petition);
      await sendToLogin(deps, req, res, journey, petition);
    } catch (error) {
      const back = error instanceof Refusal ? await deps.sites.refuse(uid, error.code) : undefined;
      if (back === undefined) throw error;
      redirect(res, back); // nothing has begun: the site hears of it at once
    }
  };
}

export function showLogin(deps: WebDependencies): RequestHandler {
  return async (req, res) => {
    const { journey, name } = await loginJourney(deps, req, res);
    const content = await getContent(deps, journey);
    if (content.kind === 'done') return endJourney(deps, res, journey, content.location, GRACE_SECONDS);
    const here = (path: string) => withLang(`${path}?journey=${journey.id}`, journey.lang);
    sendPage(deps, req, res, 'site-login', {
      site: name,
      confirmAction: here('/login/confirm'),
      notMeAction: here('/logout'),
    });
  };
}

export function confirmLogin(deps: WebDependencies): RequestHandler {
  const flights = new SingleFlight<Outcome>();
  return async (req, res) => {
    const { journey } = await loginJourney(deps, req, res);
    const content = await getContent(deps, journey);
    offerLogout(res, journey, content);
    const outcome = await flights.run(journey.id, async () =>
      content.kind === 'done'
        ? { location: content.location, logout: undefined }
        : finishAtSite(deps, journey, content, undefined),
    );
    await goOn(deps, req, res, journey, outcome);
  };
}

async function loginJourney(
  deps: WebDependencies,
  req: Request,
  res: Response,
): Promise<{ journey: Journey; name: string }> {
  const journey = namedJourney(deps, req);
  if (journey.action !== 'login') throw new Refusal('journey-unknown');
  aboutOf(res).lang = journey.lang;
  await subjectOf(deps, journey, res);
  return { journey, name: aboutOf(res).site?.name ?? '' };
}

/** The first of a site's `ui_locales` (BCP 47 tags) that we speak. */
function langOf(locales: readonly string[]): Lang | undefined {
  const spoken = locales.map((tag) => LANGS.find((lang) => tag === lang || tag.startsWith(`${lang}-`)));
  return spoken.find((lang) => lang !== undefined);
}
