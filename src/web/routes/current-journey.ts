/** The journey that a request belongs to, and its end. */
import type { Request, Response } from 'express';
import { describeError } from '../../diagnostics.ts';
import { Refusal } from '../../errors.ts';
import { logoutUrl } from '../../identity/logout.ts';
import type { Petition } from '../../petitions/petition.ts';
import { aboutOf, redirect } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { getPetition } from '../get-petition.ts';
import { LANGS, withLang } from '../i18n.ts';
import { type Journey, type JourneyContent, type Login, logoutStateOf } from '../journey.ts';

/**
 * The journey that a petition's page is about: the one that the address names, or the only one of this browser for this
 * petition.
 * @throws Refusal `petition-unknown`, `journey-unknown`, `journey-expired`
 */
export async function currentJourney(
  deps: WebDependencies,
  req: Request,
  res: Response,
): Promise<{ journey: Journey; petition: Petition }> {
  const petition = await getPetition(deps, req.params.slug);
  aboutOf(res).petition = petition;
  const candidates = typeof req.query.journey === 'string' ? [namedJourney(deps, req)] : allJourneys(deps, req);
  const [journey, other] = candidates.filter((one) => one.petition === petition.id);
  if (journey === undefined || other !== undefined) throw new Refusal('journey-unknown');
  aboutOf(res).lang = journey.lang;
  await subjectOf(deps, journey, res);
  return { journey, petition };
}

/** The journey that the address names, begun in this browser. @throws Refusal `journey-unknown`, `journey-expired` */
export function namedJourney(deps: WebDependencies, req: Request): Journey {
  const id = String(req.query.journey);
  return inLang(req, deps.journeys.read(id, deps.cookies.all(req).get(id)));
}

/** Every journey of this browser that is not over, but one. */
export function allJourneys(deps: WebDependencies, req: Request, but?: Journey): readonly Journey[] {
  return [...deps.cookies.all(req)].flatMap(([id, cookie]) => {
    if (id === but?.id) return [];
    try {
      return [inLang(req, deps.journeys.read(id, cookie))];
    } catch (error) {
      if (error instanceof Refusal) return [];
      throw error;
    }
  });
}

/** The language may be changed on the way: the page's address then says so, and the cookie does not. */
function inLang(req: Request, journey: Journey): Journey {
  return { ...journey, lang: LANGS.find((lang) => lang === req.query.lang) ?? journey.lang };
}

/**
 * What a journey is about, for the pages that it shows: its petition, where there is one, and the site that waits for it.
 * @throws Refusal `petition-unknown`, `site-unavailable`
 */
export async function subjectOf(deps: WebDependencies, journey: Journey, res: Response): Promise<Petition | undefined> {
  const about = aboutOf(res);
  if (journey.site !== undefined) {
    const { name, redirectUris } = await deps.sites.getSite(journey.site.id);
    about.site = { name, origin: new URL(redirectUris[0] ?? '').origin };
    about.logoutAction = logoutPath(journey); // whatever is refused from here on, there is a way back
  }
  if (journey.petition === undefined) return undefined;
  const petition = await deps.petitions.findById(journey.petition);
  if (petition === undefined) throw new Refusal('petition-unknown');
  about.petition = petition;
  return petition;
}

/** What a journey holds after its login. @throws Refusal `journey-expired`, or the one that the login ended on */
export async function getContent(
  deps: WebDependencies,
  journey: Journey,
): Promise<Exclude<JourneyContent, { kind: 'refused' }>> {
  const content = await deps.journeys.find(journey);
  if (content === undefined) throw new Refusal('journey-expired');
  if (content.kind === 'refused') throw new Refusal(content.code);
  return content;
}

/** Where the outcome is, and where to log out first; `undefined` when there is nowhere to. */
export type Outcome = { readonly location: string; readonly logout: string | undefined };

/** A press that ends a journey may have been one of several. */
export const GRACE_SECONDS = 60;

export async function goOn(
  deps: WebDependencies,
  req: Request,
  res: Response,
  journey: Journey,
  { location, logout }: Outcome,
): Promise<void> {
  if (logout === undefined) return endJourney(deps, res, journey, location, GRACE_SECONDS);
  await forgetLogins(deps, req, journey);
  redirect(res, logout);
}

/** Someone who is refused from here on is still logged in at the identity provider. */
export function offerLogout(res: Response, journey: Journey, content: JourneyContent): void {
  const isLoggedIn = content.kind === 'identified' && content.login.idToken !== null;
  if (isLoggedIn) aboutOf(res).logoutAction = logoutPath(journey);
}

export function logoutPath({ id, lang }: Journey): string {
  return withLang(`/logout?journey=${id}`, lang);
}

/** Where to end the session at the identity provider, if that is of use. */
export async function logoutFrom(
  deps: WebDependencies,
  journey: Journey,
  login: Login | null,
): Promise<string | undefined> {
  if (login === null || login.idToken === null) return undefined;
  const url = await logoutUrl(deps.issuer, {
    idToken: login.idToken,
    state: logoutStateOf(journey),
    redirectUri: `${deps.config.origin}/logout/callback`,
    loggedInAt: new Date(login.at),
    now: deps.clock(),
  });
  return url?.href;
}

/**
 * The session at the provider was the whole browser's: its other tabs have none left to end, and its logout would leave
 * them on an error page there.
 */
export async function forgetLogins(deps: WebDependencies, req: Request, ended: Journey): Promise<void> {
  for (const journey of allJourneys(deps, req, ended)) {
    const content = await deps.journeys.find(journey);
    if (content === undefined || content.kind === 'done' || content.login === null) continue;
    await deps.journeys.save(journey, { ...content, login: { ...content.login, idToken: null } });
  }
}

/** Clears cookie and row, and shows the outcome, in the language that its address names. */
export async function endJourney(
  deps: WebDependencies,
  res: Response,
  journey: Journey,
  location: string,
  graceSeconds = 0,
): Promise<void> {
  // A row that stays is sealed and expires by itself; the way to the receipt must not hang on it.
  await deps.journeys.forget(journey, graceSeconds).catch((error: unknown) => {
    deps.diagnostics.warn(describeError(error), 'a journey was not forgotten');
  });
  deps.cookies.clear(res, journey.id);
  if (journey.site !== undefined) clearSiteCookie(deps, res, journey.site.uid);
  redirect(res, location);
}

/** The cookie that handed the browser over: its path is not the page's. */
function clearSiteCookie(deps: WebDependencies, res: Response, uid: string): void {
  const { name, path } = deps.sites.cookieOf(uid);
  res.clearCookie(name, { path, httpOnly: true, sameSite: 'lax', secure: deps.config.origin.startsWith('https:') });
}
