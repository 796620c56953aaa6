/** How an answer is written: pages, redirects, cached bytes. */
import { hash } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Petition } from '../petitions/petition.ts';
import { compressible, takesGzip } from './compressed.ts';
import type { WebDependencies } from './dependencies.ts';
import { LANGS, type Lang, negotiateLang } from './i18n.ts';
import type { PageModels, PageName } from './page-models.ts';
import { allowForm, type Headers } from './security.ts';

/** What a request turned out to be about, gathered on the way for the page of a refusal. */
export type About = {
  petition?: Petition;
  lang?: Lang | undefined;
  logoutAction?: string;
  path?: string;
  /** The petition site that waits for the outcome: its name, and where it lives. */
  site?: { name: string; origin: string };
  /** What is wrong with a site's request, in the words of OAuth, for its developer. */
  detail?: string | undefined;
};

export function aboutOf(res: Response): About {
  res.locals.about ??= {};
  return res.locals.about as About;
}

/**
 * A personal page, kept by no cache.
 * @param own the words of its model and address that are this person's alone: what is left may be kept as a skeleton
 */
export function sendPage<N extends PageName>(
  deps: WebDependencies,
  req: Request,
  res: Response,
  name: N,
  model: PageModels[N],
  { status = 200, own }: { status?: number; own?: readonly string[] | undefined } = {},
): void {
  const { lang, path, site } = aboutOf(res);
  if (site !== undefined) allowForm(res, site.origin);
  const context = { ...pageContext(deps, req, lang), ...(path === undefined ? {} : { path }) };
  const html =
    own === undefined
      ? Buffer.from(deps.pages.render(name, model, context))
      : deps.pages.renderPersonal(name, model, context, own);
  res.status(status).setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.setHeader('Content-Language', context.lang);
  res.setHeader('Content-Length', html.length);
  res.end(html);
}

export function pageContext(deps: WebDependencies, req: Request, chosen: Lang | undefined) {
  const asked = LANGS.find((lang) => lang === req.query.lang) ?? chosen;
  const { lang, explicit } = negotiateLang(asked, req.headers['accept-language']);
  return { lang, explicitLang: explicit, path: pathWithoutLang(req), simulated: deps.simulated };
}

/** 303: the next page is always fetched by GET (RFC 9110 §15.4.4). */
export function redirect(res: Response, location: string): void {
  res.status(303).setHeader('Cache-Control', 'no-store');
  res.setHeader('Location', location);
  res.end();
}

/** A public answer, ready to be written as it is. */
export type Ready = {
  readonly body: Buffer;
  readonly etag: string;
  readonly headers: Headers;
  /** The same as gzip, made when it is first asked for; `undefined` where it is served as it is. */
  readonly gzip: (() => Buffer) | undefined;
};

/** An answer that is served as it is. */
export function makeReady(body: string | Uint8Array, headers: Headers): Ready {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length);
  const etag = `"${hash('sha256', bytes, 'base64url').slice(0, 22)}"`;
  return { body: bytes, etag, headers, gzip: undefined };
}

/** The same, served as gzip to who takes it, where that is worthwhile. */
export function makeCompressible(body: string | Uint8Array, headers: Headers): Ready {
  const ready = makeReady(body, headers);
  const gzip = compressible(headers.find(([name]) => name === 'Content-Type')?.[1], ready.body);
  return gzip === undefined ? ready : { ...ready, headers: varying(headers), gzip };
}

/** Caches keep the two forms apart. */
function varying(headers: Headers): Headers {
  const vary = headers.find(([name]) => name === 'Vary')?.[1];
  const rest = headers.filter(([name]) => name !== 'Vary');
  return [...rest, ['Vary', vary === undefined ? 'Accept-Encoding' : `${vary}, Accept-Encoding`]];
}

/** Writes a public answer in one go: headers straight to the wire, 304 for a reader who has it in either form. */
export function sendReady(req: Request, res: Response, ready: Ready, security: Headers): void {
  const gzip = takesGzip(req.headers['accept-encoding']) ? ready.gzip : undefined;
  const etags = [ready.etag, ready.etag.replace(/"$/, '-gzip"')] as const;
  const etag = gzip === undefined ? etags[0] : etags[1];
  const all = [...security, ...ready.headers, ['ETag', etag] as const].flat();
  if (matches(req.headers['if-none-match'], etags)) {
    res.writeHead(304, all).end();
    return;
  }
  const body = gzip?.() ?? ready.body;
  const coding = gzip === undefined ? [] : ['Content-Encoding', 'gzip'];
  res.writeHead(200, [...all, ...coding, 'Content-Length', String(body.length)]).end(body);
}

/** Weak comparison of RFC 9110 §13.1.2: proxies that compress weaken an ETag. */
function matches(header: string | undefined, etags: readonly string[]): boolean {
  if (header === undefined) return false;
  const known = header.split(',').map((one) => one.trim().replace(/^W\//, ''));
  return known.includes('*') || known.some((one) => etags.includes(one));
}

function pathWithoutLang(req: Request): string {
  if (!req.originalUrl.includes('?')) return req.originalUrl;
  const [path = '/', query] = req.originalUrl.split('?', 2);
  const rest = new URLSearchParams(query);
  rest.delete('lang');
  return rest.size === 0 ? path : `${path}?${rest}`;
}
