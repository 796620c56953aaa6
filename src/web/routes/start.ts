/** `POST /petitions/:slug/sign` and `/withdraw`: begins a journey and sends the person to the identity provider. */
import type { Request, RequestHandler, Response } from 'express';
import { parisDay } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import { startLogin } from '../../identity/login.ts';
import { type Petition, statusOf } from '../../petitions/petition.ts';
import { aboutOf, pageContext, redirect } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { getPetition } from '../get-petition.ts';
import { LANGS, type Lang } from '../i18n.ts';
import { codeVerifierOf, type Journey, tiesOf } from '../journey.ts';

export function startJourney(deps: WebDependencies, action: 'sign' | 'withdraw'): RequestHandler {
  return async (req, res) => {
    const lang = chosenLang(req.body);
    aboutOf(res).lang = lang;
    const petition = await getPetition(deps, req.params.slug);
    aboutOf(res).petition = petition;
    if (action === 'sign' && statusOf(petition, parisDay(deps.clock())) === 'closed') {
      throw new Refusal('petition-closed');
    }
    if (petition.destroyed !== undefined) throw new Refusal('pseudonyms-destroyed');
    checkCollecting(deps, petition);
    await sendToLogin(
      deps,
      req,
      res,
      deps.journeys.begin({ action, petition: petition.id, site: undefined }, lang),
      petition,
    );
  };
}

/** Sends the browser to the identity provider, with the journey's cookie. */
export async function sendToLogin(
  deps: WebDependencies,
  req: Request,
  res: Response,
  journey: Journey,
  petition: Petition | undefined,
): Promise<void> {
  const { lang } = pageContext(deps, req, journey.lang);
  const location = await startLogin(deps.issuer, loginTies(deps, journey, petition), lang);
  deps.cookies.trim(req, res);
  deps.cookies.set(res, journey);
  redirect(res, location.href);
}

/** @param petition that the journey is about, where it is about one */
export function loginTies(deps: WebDependencies, journey: Journey, petition: Petition | undefined) {
  return {
    ...tiesOf(journey, petition?.statement.hash),
    codeVerifier: deps.issuer.settings.profile === 'oidc' ? codeVerifierOf(journey) : undefined,
    acr: acrFor(deps, petition),
    redirectUri: `${deps.config.origin}/login/callback`,
  };
}

/** The level that a login must have. */
export function acrFor(deps: WebDependencies, petition: Petition | undefined): string {
  return petition?.acr ?? deps.loginAcr;
}

/** Under another issuer or client id every `sub`, and so every nym, would be another: one person could sign twice. */
export function checkCollecting(deps: WebDependencies, petition: Petition): void {
  const { issuer, clientId } = deps.issuer.settings;
  if (petition.issuer !== issuer || petition.clientId !== clientId) {
    throw new Refusal('petition-not-collecting', 'it was opened for another issuer or client id');
  }
}

function chosenLang(body: unknown): Lang | undefined {
  const lang = typeof body === 'object' && body !== null && 'lang' in body ? body.lang : undefined;
  return LANGS.find((known) => known === lang);
}
