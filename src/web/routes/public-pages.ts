/** Pages that anyone reads: no cookie, the same bytes for everybody, cacheable. */
import type { Request, RequestHandler } from 'express';
import { parisDay } from '../../clock.ts';
import type { Petition } from '../../petitions/petition.ts';
import { encodeBase64 } from '../../tlog/base64.ts';
import { STEPS } from '../../verifier/steps.ts';
import { makeReady, pageContext, type Ready, sendReady } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { getPublished, listPublished } from '../get-petition.ts';
import type { Lang } from '../i18n.ts';
import { PageCache } from '../page-cache.ts';
import type { PageModels, PageName } from '../page-models.ts';
import { byDay, departmentName, NO_FIGURES, renderStatement, summarise } from '../present.ts';
import type { SecurityHeaders } from '../security.ts';
import { transparencyOf } from '../transparency.ts';

const CACHEABLE = [
  ['Content-Type', 'text/html; charset=utf-8'],
  ['Cache-Control', 'public, max-age=1, stale-while-revalidate=30'],
  ['Vary', 'Accept-Language'],
] as const;

type Modeller<N extends PageName> = (req: Request, lang: Lang) => Promise<PageModels[N]>;

export function publicPages(deps: WebDependencies, security: SecurityHeaders) {
  const cache = new PageCache(() => deps.log.published);

  function page<N extends PageName>(name: N, model: Modeller<N>): RequestHandler {
    return async (req, res) => {
      const context = pageContext(deps, req, undefined);
      // One entry for each page, however its address is spelled.
      const path = typeof req.params.slug === 'string' ? `/petitions/${req.params.slug}` : req.path;
      const where = { ...context, path };
      const key = `${context.lang} ${context.explicitLang} ${path}`;
      const make = async (): Promise<Ready> =>
        makeReady(deps.pages.render(name, await model(req, context.lang), where), [
          ...CACHEABLE,
          ['Content-Language', context.lang],
        ]);
      const headers = name === 'verify' ? security.forVerifier() : security.current();
      sendReady(req, res, await cache.get(key, make), headers);
    };
  }

  return {
    home: page('home', async () => {
      const { figures } = deps.log.published;
      const petitions = await listPublished(deps);
      return {
        petitions: petitions.map((one) => summarise(one, figures.get(one.id)?.total ?? 0, deps.clock())),
        checkpoint: pageCheckpoint(deps),
      };
    }),
    petition: page('petition', async (req, lang) =>
      petitionModel(deps, await getPublished(deps, req.params.slug), lang),
    ),
    howItWorks: page('how-it-works', async () => ({ issuer: deps.config.origin })),
    transparency: page('transparency', async () => {
      const { keys } = deps.receiptKeys().jwks;
      return {
        ...transparencyOf(deps.log.published.figures, await listPublished(deps)),
        issuer: deps.config.origin,
        vkey: deps.log.vkey,
        receiptKeys: keys.flatMap(({ kid }) => kid ?? []),
        checkpoint: pageCheckpoint(deps),
      };
    }),
    privacy: page('privacy', async () => ({})),
    accessibility: page('accessibility', async () => ({})),
    verify: page('verify', async () => ({ issuer: deps.config.origin, steps: STEPS })),
    log: page('log', async () => {
      const { origin, root } = deps.log.published;
      const { vkey } = deps.log;
      return { issuer: deps.config.origin, origin, vkey, root: encodeBase64(root), ...pageCheckpoint(deps) };
    }),
  };
}

function pageCheckpoint({ log }: WebDependencies) {
  const { size, at } = log.published;
  return { size, day: parisDay(at), at };
}

const rendered = new Map<string, string>();

/** A statement never changes, and Markdown is the dearest part of its page: it is rendered once. */
function statementHtml({ id, statement }: Petition): string {
  let html = rendered.get(id);
  if (html === undefined) {
    html = renderStatement(statement.text);
    rendered.set(id, html);
  }
  return html;
}

async function petitionModel(deps: WebDependencies, petition: Petition, lang: Lang): Promise<PageModels['petition']> {
  const { figures } = deps.log.published;
  const tally = figures.get(petition.id) ?? NO_FIGURES;
  return {
    checkpoint: pageCheckpoint(deps),
    petition: {
      ...summarise(petition, tally.total, deps.clock()),
      statementHtml: statementHtml(petition),
      statementHash: Buffer.from(petition.statement.hash).toString('hex'),
    },
    byDay: byDay(tally.byDay),
    byDepartment: petition.departments
      ? [...tally.byDepartment]
          .map(([code, count]) => ({ code, name: departmentName(code, lang), count }))
          .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1))
      : undefined,
    withdrawn: tally.withdrawn,
    invalidated: [...tally.invalidated].map(([ground, count]) => ({ ground, count })),
    signAction: `/petitions/${petition.slug}/sign`,
    withdrawAction: `/petitions/${petition.slug}/withdraw`,
  };
}
