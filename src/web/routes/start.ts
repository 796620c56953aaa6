/** `POST /petitions/:slug/sign` and `/withdraw`: begins a journey and sends the person to the identity provider. */
import type { RequestHandler } from 'express';
import { parisDay } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import { startLogin } from '../../identity/login.ts';
import { type Petition, statusOf } from '../../petitions/petition.ts';
import { aboutOf, pageContext, redirect } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { getPetition } from '../get-petition.ts';
import { LANGS, type Lang } from '../i18n.ts';
import { codeVerifierOf, type Journey, tiesOf } from '../journey.ts';

export function startJourney(deps: WebDependencies, action: Journey['action']): RequestHandler {
  return async (req, res) => {
    const lang = chosenLang(req.body);
    aboutOf(res).lang = lang;
    const petition = await getPetition(deps, req.params.slug);
    aboutOf(res).petition = petition;
    checkCollecting(deps, petition, action);
    const journey = deps.journeys.begin(action, petition.id, lang);
    const ties = loginTies(deps, journey, petition);
    const location = await startLogin(deps.issuer, ties, pageContext(deps, req, lang).lang);
    deps.cookies.trim(req, res);
    deps.cookies.set(res, journey);
    redirect(res, location.href);
  };
}

export function loginTies(deps: WebDependencies, journey: Journey, petition: Petition) {
  return {
    ...tiesOf(journey, petition.statement.hash),
    codeVerifier: deps.issuer.settings.profile === 'oidc' ? codeVerifierOf(journey) : undefined,
    acr: petition.acr,
    redirectUri: `${deps.config.origin}/login/callback`,
  };
}

/** Under another issuer or client id every `sub`, and so every nym, would be another: one person could sign twice. */
function checkCollecting(deps: WebDependencies, petition: Petition, action: Journey['action']): void {
  const { issuer, clientId } = deps.issuer.settings;
  if (action === 'sign' && statusOf(petition, parisDay(deps.clock())) === 'closed')
    throw new Refusal('petition-closed');
  if (petition.issuer !== issuer || petition.clientId !== clientId) {
    throw new Refusal('petition-not-collecting', 'it was opened for another issuer or client id');
  }
}

function chosenLang(body: unknown): Lang | undefined {
  const lang = typeof body === 'object' && body !== null && 'lang' in body ? body.lang : undefined;
  return LANGS.find((known) => known === lang);
}
