/**
 * `GET|POST /petitions/:slug/confirm`: the page on which a person sees who they are to us, what is kept, and consents;
 * and the act. Pressing twice, reloading or coming back finds the same outcome.
 */
import type { Request, RequestHandler, Response } from 'express';
import { parisDay } from '../../clock.ts';
import { Refusal, type RefusalCode } from '../../errors.ts';
import type { Nym } from '../../person/nym.ts';
import { type Petition, statusOf } from '../../petitions/petition.ts';
import { checkDepartment, checkMaySign, signPetition } from '../../petitions/sign-petition.ts';
import type { Signature } from '../../petitions/signature.ts';
import { withdrawSignature } from '../../petitions/withdraw-signature.ts';
import { aboutOf, pageContext, sendPage } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { withLang } from '../i18n.ts';
import type { Journey, JourneyContent } from '../journey.ts';
import type { PageModels } from '../page-models.ts';
import { statementHtml } from '../present.ts';
import { retryAfter, STATUS } from '../refusals.ts';
import { SingleFlight } from '../single-flight.ts';
import {
  currentJourney,
  endJourney,
  GRACE_SECONDS,
  getContent,
  goOn,
  type Outcome,
  offerLogout,
} from './current-journey.ts';
import { finishAtSite, finishHere } from './finish.ts';

type Identified = JourneyContent & { kind: 'identified' };
type Open = Awaited<ReturnType<typeof getContent>>;

/** Within this, someone may wait on the page that they are on. */
const SOON_SECONDS = 60;

export function showConfirm(deps: WebDependencies): RequestHandler {
  return async (req, res) => {
    const { journey, petition } = await currentJourney(deps, req, res);
    const content = await getContent(deps, journey);
    if (content.kind === 'done') return endJourney(deps, res, journey, content.location, GRACE_SECONDS);
    offerLogout(res, journey, content);
    const model = await confirmModel(deps, req, res, journey, petition, content).catch(async (error: unknown) => {
      if (error instanceof Refusal) await keepRefusal(deps, journey, content, error.code);
      throw error;
    });
    aboutOf(res).path = `/petitions/${petition.slug}/confirm?journey=${journey.id}`;
    // For a site it holds the petition's text, and is as good as that petition's own.
    const own = model.site === undefined ? [journey.id, model.birthdate ?? ''] : undefined;
    sendPage(deps, req, res, 'confirm', model, { own });
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
      if (outcome === undefined) {
        await keepRefusal(deps, journey, content, error.code);
        throw error;
      }
      deps.refused?.(error.code);
      const model = await confirmModel(deps, req, res, journey, petition, content).catch(() => {
        throw error;
      });
      if (outcome.trouble !== undefined) {
        deps.diagnostics.warn({ code: error.code, reason: error.reason }, 'refused');
        res.setHeader('Retry-After', String(retryAfter(error.code)));
      }
      const status = STATUS[error.code];
      sendPage(deps, req, res, 'confirm', { ...model, ...outcome, chosen: department }, { status });
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

/** Records, and replaces what the journey kept by its outcome. */
async function act(
  deps: WebDependencies,
  journey: Journey,
  petition: Petition,
  content: Open,
  department: string | undefined,
): Promise<Outcome> {
  if (content.kind === 'done') return alreadyDone(content);
  if (journey.site !== undefined) await deps.sites.checkWaiting(journey.site.uid); // nothing is recorded for nobody
  const finish = journey.site === undefined ? finishHere : finishAtSite;
  const signature =
    journey.action === 'withdraw'
      ? await withdrawSignature(deps, petition, content.nym)
      : await signOnce(deps, petition, content, department);
  return finish(deps, journey, content, { petition, signature });
}

async function alreadyDone({ location }: JourneyContent & { kind: 'done' }): Promise<Outcome> {
  return { location, logout: undefined };
}

async function find(deps: WebDependencies, journey: Journey, petition: Petition, content: Open): Promise<Outcome> {
  if (content.kind === 'done') return alreadyDone(content);
  const signature = await findSealed(deps, petition, content.nym);
  if (signature === undefined) throw new Refusal('not-signed');
  return finishHere(deps, journey, content, { petition, signature });
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
  if (signature?.state === 'invalidated') throw new Refusal('signature-invalidated');
  const { site, lang: chosen } = aboutOf(res);
  const { lang } = pageContext(deps, req, chosen);
  const signed = signature?.state === 'active' ? signature : undefined;
  const asks = journey.action === 'sign' && signed === undefined && petition.departments;
  const mayFind = journey.action === 'withdraw' && signed !== undefined;
  const here = (path: string) => withLang(`${path}?journey=${journey.id}`, journey.lang);
  return {
    petition: { slug: petition.slug, title: petition.statement.title },
    action: journey.action === 'withdraw' ? 'withdraw' : 'sign',
    site: site && { name: site.name, statementHtml: statementHtml(petition) },
    birthdate: birthdate === null ? undefined : deps.pages.speechOf(lang).date(birthdate),
    withdrawn: journey.action === 'withdraw' && signature?.state === 'withdrawn' ? signature.day : undefined,
    signed: signed && { day: signed.day },
    open: statusOf(petition, parisDay(deps.clock())) === 'open',
    departments: asks,
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

const FINAL: readonly RefusalCode[] = [
  'petition-closed',
  'pseudonyms-destroyed',
  'signature-invalidated',
  'too-young',
  'birthdate-missing',
];

/** A refusal for good is what the site that sent the person will be told. */
async function keepRefusal(deps: WebDependencies, journey: Journey, content: Open, code: RefusalCode): Promise<void> {
  const isFinal = FINAL.includes(code);
  if (!isFinal || journey.site === undefined || content.kind !== 'identified') return;
  await deps.journeys.save(journey, { kind: 'refused', code, login: content.login });
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
