/**
 * `GET|POST /petitions/:slug/confirm`: the page on which a person sees who they are to us, what is kept, and consents;
 * and the act. Pressing twice, reloading or coming back finds the same outcome.
 */
import type { Request, RequestHandler, Response } from 'express';
import { parisDay } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import type { Nym } from '../../person/nym.ts';
import type { Petition } from '../../petitions/petition.ts';
import { checkDepartment, checkMaySign, signPetition } from '../../petitions/sign-petition.ts';
import type { Signature } from '../../petitions/signature.ts';
import { withdrawSignature } from '../../petitions/withdraw-signature.ts';
import { aboutOf, pageContext, redirect, sendPage } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { withLang } from '../i18n.ts';
import type { Journey, JourneyContent } from '../journey.ts';
import type { PageModels } from '../page-models.ts';
import { departmentChoices } from '../present.ts';
import { retryAfter, STATUS } from '../refusals.ts';
import { SingleFlight } from '../single-flight.ts';
import { currentJourney, endJourney, forgetLogins, logoutFrom } from './current-journey.ts';

type Identified = JourneyContent & { kind: 'identified' };
type Open = Exclude<JourneyContent, { kind: 'refused' }>;

/** Within this, someone may wait on the page that they are on. */
const SOON_SECONDS = 60;
/** A press that ends a journey may have been one of several. */
const GRACE_SECONDS = 60;

export function showConfirm(deps: WebDependencies): RequestHandler {
  return async (req, res) => {
    const { journey, petition } = await currentJourney(deps, req, res);
    const content = await getContent(deps, journey);
    if (content.kind === 'done') return endJourney(deps, res, journey, content.location, GRACE_SECONDS);
    sendPage(deps, req, res, 'confirm', await confirmModel(deps, req, res, journey, petition, content));
  };
}

export function confirm(deps: WebDependencies): RequestHandler {
  const flights = new SingleFlight<Outcome>();
  return async (req, res) => {
    const { journey, petition } = await currentJourney(deps, req, res);
    const content = await getContent(deps, journey);
    offerLogout(res, journey, content);
    const department = departmentOf(req.body);
    try {
      const outcome = await flights.run(journey.id, () => act(deps, journey, petition, content, department));
      await goOn(deps, req, res, journey, outcome);
    } catch (error) {
      if (!(error instanceof Refusal) || content.kind !== 'identified') throw error;
      const outcome = againAfter(error);
      if (outcome === undefined) throw error;
      deps.refused?.(error.code);
      const model = await confirmModel(deps, req, res, journey, petition, content).catch(() => {
        throw error;
      });
      if (outcome.trouble !== undefined) {
        deps.diagnostics.warn({ code: error.code, reason: error.reason }, 'refused');
        res.setHeader('Retry-After', String(retryAfter(error.code)));
      }
      sendPage(deps, req, res, 'confirm', { ...model, ...outcome, chosen: department }, STATUS[error.code]);
    }
  };
}

/**
 * `POST /petitions/:slug/receipt`: someone who came to withdraw, or after closing, and only wants their receipt. Nothing
 * is recorded.
 */
export function findReceipt(deps: WebDependencies): RequestHandler {
  const flights = new SingleFlight<Outcome>();
  return async (req, res) => {
    const { journey, petition } = await currentJourney(deps, req, res);
    const content = await getContent(deps, journey);
    offerLogout(res, journey, content);
    const outcome = await flights.run(journey.id, () => find(deps, journey, petition, content));
    await goOn(deps, req, res, journey, outcome);
  };
}

/** @throws Refusal `journey-expired`, or the one that the login ended on */
async function getContent(deps: WebDependencies, journey: Journey): Promise<Open> {
  const content = await deps.journeys.find(journey);
  if (content === undefined) throw new Refusal('journey-expired');
  if (content.kind === 'refused') throw new Refusal(content.code);
  return content;
}

/** Where the receipt is, and where to log out first; `undefined` when there is nowhere to. */
type Outcome = { readonly location: string; readonly logout: string | undefined };

/** Records, and replaces what the journey kept by its outcome. */
async function act(
  deps: WebDependencies,
  journey: Journey,
  petition: Petition,
  content: Open,
  department: string | undefined,
): Promise<Outcome> {
  if (content.kind === 'done') return alreadyDone(content);
  const signature =
    journey.action === 'withdraw'
      ? await withdrawSignature(deps, petition, content.nym)
      : await signOnce(deps, petition, content, department);
  return finish(deps, journey, petition, content, signature);
}

/** Replaces what the journey kept by the way to its receipt. */
async function finish(
  deps: WebDependencies,
  journey: Journey,
  petition: Petition,
  { login }: Identified,
  signature: Signature,
): Promise<Outcome> {
  const capability = deps.links.seal(petition.id, signature.index);
  const location = withLang(`/petitions/${petition.slug}/receipt/${capability}`, journey.lang);
  await deps.journeys.save(journey, { kind: 'done', location });
  return { location, logout: await logoutFrom(deps, journey, login) };
}

async function alreadyDone({ location }: JourneyContent & { kind: 'done' }): Promise<Outcome> {
  return { location, logout: undefined };
}

async function find(deps: WebDependencies, journey: Journey, petition: Petition, content: Open): Promise<Outcome> {
  if (content.kind === 'done') return alreadyDone(content);
  const signature = await findSealed(deps, petition, content.nym);
  if (signature === undefined) throw new Refusal('not-signed');
  return finish(deps, journey, petition, content, signature);
}

async function goOn(
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
function offerLogout(res: Response, journey: Journey, content: Open): void {
  const isLoggedIn = content.kind === 'identified' && content.login.idToken !== null;
  if (isLoggedIn) aboutOf(res).logoutAction = withLang(`/logout?journey=${journey.id}`, journey.lang);
}

async function signOnce(
  deps: WebDependencies,
  petition: Petition,
  { nym, birthdate }: Identified,
  input: string | undefined,
): Promise<Signature> {
  try {
    checkMaySign(petition, birthdate ?? undefined, parisDay(deps.clock()));
    const department = checkDepartment(petition, input);
    return (await signPetition(deps, petition, { nym, department })).signature;
  } catch (error) {
    // Whoever has signed is not refused any more, whatever they send now: their signature stands.
    const earlier = error instanceof Refusal ? await findSealed(deps, petition, nym) : undefined;
    if (earlier?.state !== 'active') throw error;
    return earlier;
  }
}

async function confirmModel(
  deps: WebDependencies,
  req: Request,
  res: Response,
  journey: Journey,
  petition: Petition,
  { nym, birthdate }: Identified,
): Promise<PageModels['confirm']> {
  const signature = await findSealed(deps, petition, nym);
  const { lang } = pageContext(deps, req, aboutOf(res).lang);
  const signed = signature?.state === 'active' ? signature : undefined;
  const asks = journey.action === 'sign' && signed === undefined && petition.departments;
  const mayFind = journey.action === 'withdraw' && signed !== undefined;
  const here = (path: string) => withLang(`${path}?journey=${journey.id}`, journey.lang);
  return {
    petition: { slug: petition.slug, title: petition.statement.title },
    action: journey.action,
    birthdate: birthdate ?? undefined,
    withdrawn: journey.action === 'withdraw' && signature?.state === 'withdrawn' ? signature.day : undefined,
    signed: signed && { day: signed.day },
    departments: asks ? departmentChoices(lang) : undefined,
    error: undefined,
    trouble: undefined,
    chosen: undefined,
    confirmAction: here(`/petitions/${petition.slug}/confirm`),
    findAction: mayFind ? here(`/petitions/${petition.slug}/receipt`) : undefined,
    notMeAction: here('/logout'),
  };
}

/** Their signature as the signed log tells it: what is being recorded right now is nobody's yet. */
async function findSealed(deps: WebDependencies, petition: Petition, nym: Nym): Promise<Signature | undefined> {
  return deps.signatures.find(petition.id, nym, await deps.log.sealedSize());
}

/**
 * What is told on the same page: a mistake that can be mended there, or trouble that passes soon. Nobody logs in or chooses
 * twice for it.
 */
function againAfter({ code }: Refusal): Pick<PageModels['confirm'], 'error' | 'trouble'> | undefined {
  if (code === 'department-missing' || code === 'department-unknown') return { error: code, trouble: undefined };
  const isSoon = (retryAfter(code) ?? Number.POSITIVE_INFINITY) <= SOON_SECONDS;
  return isSoon ? { error: undefined, trouble: { code, status: STATUS[code] } } : undefined;
}

function departmentOf(body: unknown): string | undefined {
  const value = typeof body === 'object' && body !== null && 'department' in body ? body.department : undefined;
  return typeof value === 'string' ? value : undefined;
}
