/**
 * `GET /login/callback`: the browser comes back from the identity provider. The code is exchanged once, whoever asks
 * twice: in this process they share one flight, elsewhere the claim on the journey's row decides, and the outcome, good
 * or bad, is what the row then holds.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import { parisDay } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import { checkAcr, completeLogin, type VerifiedLogin } from '../../identity/login.ts';
import type { Nym } from '../../person/nym.ts';
import { parseBirthdate } from '../../person/person.ts';
import type { Petition } from '../../petitions/petition.ts';
import { checkMaySign } from '../../petitions/sign-petition.ts';
import type { Subject } from '../../provider/site-provider.ts';
import { aboutOf, redirect } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { withLang } from '../i18n.ts';
import { idOf, type Journey, type JourneyContent } from '../journey.ts';
import { SingleFlight } from '../single-flight.ts';
import { logoutPath, subjectOf } from './current-journey.ts';
import { acrFor, loginTies } from './start.ts';

/** For how long someone who was refused after logging in can end their session from the refusal's page. */
const REFUSED_COOKIE_SECONDS = 5 * 60;
/** Of one login, each with a time-out of its own: the code, who it is, and keys that are fetched anew, once for each. */
const EXCHANGES = 4;

export function callback(deps: WebDependencies): RequestHandler {
  const flights = new SingleFlight<JourneyContent>();
  return async (req, res) => {
    const journey = journeyOfState(deps, req);
    aboutOf(res).lang = journey.lang;
    const petition = await subjectOf(deps, journey, res);
    aboutOf(res).path = petition === undefined ? '/' : `/petitions/${petition.slug}`; // a callback's address serves once
    const content = await flights.run(journey.id, () => arrive(deps, journey, petition, callbackUrl(deps, req)));
    if (content.kind === 'refused') return refuse(deps, res, journey, content);
    deps.cookies.set(res, journey);
    const page = petition === undefined ? '/login/confirm' : `/petitions/${petition.slug}/confirm`;
    redirect(res, withLang(`${page}?journey=${journey.id}`, journey.lang));
  };
}

/** The journey that the callback's `state` belongs to, in the browser that began it. @throws Refusal `journey-…` */
function journeyOfState(deps: WebDependencies, req: Request): Journey {
  const { state } = req.query;
  if (typeof state !== 'string' || !/^[0-9a-f]{64}$/.test(state)) throw new Refusal('journey-unknown');
  const id = idOf(state);
  return deps.journeys.read(id, deps.cookies.all(req).get(id));
}

function callbackUrl(deps: WebDependencies, req: Request): URL {
  return new URL(`/login/callback?${req.originalUrl.split('?', 2)[1] ?? ''}`, deps.config.origin);
}

async function arrive(
  deps: WebDependencies,
  journey: Journey,
  petition: Petition | undefined,
  url: URL,
): Promise<JourneyContent> {
  if (deps.journeys.isLate(journey)) return outcomeOfBefore(deps, journey);
  const claim = await deps.journeys.claim(journey);
  if (!claim.isOurs) return outcomeOfOther(deps, journey, claim.since);
  try {
    const content = await identify(deps, journey, petition, url);
    await deps.journeys.save(journey, content);
    return content;
  } catch (error) {
    // A bug, or a row that could not be written: the code is used, so the outcome is that there is none.
    await deps.journeys.save(journey, { kind: 'refused', code: 'journey-interrupted', login: null }).catch(() => {});
    throw error;
  }
}

/** Too late to log in, but not to come back to a login. */
async function outcomeOfBefore(deps: WebDependencies, journey: Journey): Promise<JourneyContent> {
  const content = await deps.journeys.find(journey);
  if (content === undefined) throw new Refusal('journey-expired');
  return content;
}

/** The code was exchanged before, another process is exchanging it, or one died doing it. */
async function outcomeOfOther(deps: WebDependencies, journey: Journey, since: Date): Promise<JourneyContent> {
  for (;;) {
    const content = await deps.journeys.find(journey);
    if (content !== undefined) return content;
    // After that, nobody is working on it.
    const patience = EXCHANGES * deps.issuer.settings.timeoutMs;
    if (deps.clock().getTime() > since.getTime() + patience) throw new Refusal('journey-interrupted');
    await wait(100);
  }
}

/** Who came back, as a nym, and whether they may go on. A refusal is an outcome too: it is kept, and stays the answer. */
async function identify(
  deps: WebDependencies,
  journey: Journey,
  petition: Petition | undefined,
  url: URL,
): Promise<JourneyContent> {
  let login: VerifiedLogin | undefined;
  try {
    login = await completeLogin(deps.issuer, deps.clock, url, loginTies(deps, journey, petition));
    checkAcr(deps.issuer, acrFor(deps, petition), login);
    const subject = journey.site === undefined ? null : await subjectAt(deps, journey.site, login);
    if (petition === undefined) return onlyLoggedIn(subject, login);
    const today = parisDay(deps.clock());
    const birthdate = parseBirthdate(login.birthdate, today);
    const nym = await deps.computeNym(petition, login.person);
    await checkArrival(deps, journey, petition, nym, () => checkMaySign(petition, birthdate, today));
    return { kind: 'identified', nym, birthdate: birthdate ?? null, login: keep(login), subject };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    deps.diagnostics.info({ code: error.code, reason: error.reason }, 'login refused');
    return { kind: 'refused', code: error.code, login: login === undefined ? null : keep(login) };
  }
}

/** The person as the site may know them. @throws Refusal `site-unavailable`, `login-too-old` */
async function subjectAt(
  deps: WebDependencies,
  { id, uid }: NonNullable<Journey['site']>,
  login: VerifiedLogin,
): Promise<Subject> {
  const site = await deps.sites.getSite(id);
  const authTime = login.authTime ?? Math.floor(login.at.getTime() / 1000);
  await deps.sites.checkLoginAge(uid, authTime);
  return { sub: await deps.sites.computeNym(site, login.person), acr: login.acr, authTime };
}

function onlyLoggedIn(subject: Subject | null, login: VerifiedLogin): JourneyContent {
  if (subject === null) throw new Refusal('journey-unknown', 'neither a petition nor a site');
  return { kind: 'identified', nym: subject.sub, birthdate: null, login: keep(login), subject };
}

/**
 * Refuses who has nothing to do here. Whoever has signed is not refused any more: that is looked up only for someone who
 * would be.
 */
async function checkArrival(
  deps: WebDependencies,
  journey: Journey,
  petition: Petition,
  nym: Nym,
  check: () => void,
): Promise<void> {
  const find = async () => deps.signatures.find(petition.id, nym, await deps.log.sealedSize());
  if (journey.action === 'withdraw') {
    const state = (await find())?.state;
    if (state === undefined) throw new Refusal('not-signed');
    if (state === 'invalidated') throw new Refusal('signature-invalidated');
    return;
  }
  try {
    check();
  } catch (error) {
    if ((await find())?.state !== 'active') throw error;
  }
}

function keep(login: VerifiedLogin) {
  return { idToken: login.idToken, at: login.at.getTime() };
}

/** Ends the journey; someone who is still logged in at the identity provider is offered to log out there. */
function refuse(
  deps: WebDependencies,
  res: Response,
  journey: Journey,
  { code, login }: JourneyContent & { kind: 'refused' },
): never {
  if (login === null && journey.site === undefined) {
    deps.cookies.clear(res, journey.id);
  } else {
    // Whoever a site sent goes back to it by the same way, logged in or not.
    deps.cookies.set(res, journey, REFUSED_COOKIE_SECONDS);
    aboutOf(res).logoutAction = logoutPath(journey);
  }
  throw new Refusal(code);
}
