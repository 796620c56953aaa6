/** The last two of the list: what nothing answered, and whatever went wrong, as a page or as problem+json (RFC 9457). */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { type Diagnostics, describeError } from '../diagnostics.ts';
import { Refusal, type RefusalCode } from '../errors.ts';
import { aboutOf, pageContext, sendPage } from './answer.ts';
import { FOR_ALL_SITES, isForAllSites } from './cors.ts';
import type { WebDependencies } from './dependencies.ts';
import { retryAfter, STATUS } from './refusals.ts';
import type { SecurityHeaders } from './security.ts';

export function notFound(): RequestHandler {
  return () => {
    throw new Refusal('not-found');
  };
}

export function methodNotAllowed(methods: string): RequestHandler {
  return (_req, res) => {
    res.setHeader('Allow', methods);
    throw new Refusal('method-not-allowed');
  };
}

export function answerError(deps: WebDependencies, security: SecurityHeaders): ErrorRequestHandler {
  const report = reportRefusals(deps.diagnostics);
  return (error: unknown, req, res, _next) => {
    const refusal = asRefusal(error);
    if (refusal === undefined) deps.diagnostics.error(describeError(error), 'internal error');
    else report(refusal);
    const code = refusal?.code ?? 'internal-error';
    deps.refused?.(code);
    if (res.headersSent) return void res.destroy();
    security.set(res);
    const seconds = retryAfter(code);
    if (seconds !== undefined) res.setHeader('Retry-After', String(seconds));
    if (isForAllSites(req.path)) sendProblem(deps, req, res, code);
    else sendRefusal(deps, req, res, code);
  };
}

/** A refusal, also for what Express and its body parser refuse; `undefined` for a bug. */
function asRefusal(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 413) return new Refusal('request-too-large');
  if (typeof status === 'number' && status >= 400 && status < 500) return new Refusal('request-malformed');
  return undefined;
}

const SAY_AGAIN_MS = 1000;
const MOST_REASONS = 100;

/**
 * What is refused for no fault of who asked is told to the operator: at once, and after that once a second, with how many
 * there were `since`. While a database is away, a crowd would fill a disk otherwise.
 */
export function reportRefusals(diagnostics: Diagnostics): (refusal: Refusal) => void {
  const said = new Map<string, { at: number; since: number }>();
  return ({ code, reason }) => {
    if (STATUS[code] < 500) return diagnostics.debug({ code, reason }, 'refused');
    const name = `${code} ${reason}`;
    const last = said.get(name);
    const now = performance.now();
    if (last !== undefined && now - last.at < SAY_AGAIN_MS) {
      last.since++;
      return;
    }
    diagnostics.warn({ code, reason, ...(last !== undefined && { since: last.since }) }, 'refused');
    if (said.size >= MOST_REASONS) said.clear();
    said.set(name, { at: now, since: 0 });
  };
}

function sendProblem(deps: WebDependencies, req: Request, res: Response, code: RefusalCode | 'internal-error'): void {
  const { lang } = pageContext(deps, req, undefined);
  const status = STATUS[code];
  res.status(status).setHeader('Content-Type', 'application/problem+json');
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Language', lang);
  for (const [name, value] of FOR_ALL_SITES) res.setHeader(name, value); // as what is found there
  res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
  res.end(
    JSON.stringify({ type: 'about:blank', title: deps.pages.speechOf(lang).t(`refusal.${code}.title`), status, code }),
  );
}

function sendRefusal(deps: WebDependencies, req: Request, res: Response, code: RefusalCode | 'internal-error'): void {
  const { petition, logoutAction, site, detail } = aboutOf(res);
  const model = {
    code,
    status: STATUS[code],
    petition: petition && { slug: petition.slug, title: petition.statement.title },
    minAge: petition?.minAge,
    logoutAction,
    site: site?.name,
    detail,
  };
  sendPage(deps, req, res, 'refusal', model, { status: model.status });
}
