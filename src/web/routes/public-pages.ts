/** Pages that anyone reads: no cookie, the same bytes for everybody, cacheable. */
import type { Request, RequestHandler } from 'express';
import { parisDay } from '../../clock.ts';
import type { Figures } from '../../log/figures.ts';
import { lastDay, type Petition } from '../../petitions/petition.ts';
import { encodeBase64 } from '../../tlog/base64.ts';
import { STEPS } from '../../verifier/steps.ts';
import { makeCompressible, pageContext, type Ready, sendReady } from '../answer.ts';
import { drawDepartmentMap } from '../charts/department-map.ts';
import { drawTimeline, periodsOf } from '../charts/timeline.ts';
import type { WebDependencies } from '../dependencies.ts';
import { getPublished, listPublished } from '../get-petition.ts';
import type { Lang } from '../i18n.ts';
import { OPERATIONS } from '../openapi.ts';
import { PageCache } from '../page-cache.ts';
import type { PageModels, PageName } from '../page-models.ts';
import { foldWords, type Listed, listPath, listPetitions, parseListQuery } from '../petition-list.ts';
import { departmentName, departmentNames, NO_FIGURES, statementHtml, summarise } from '../present.ts';
import { progressOf } from '../progress.ts';
import { publicCaching } from '../public-caching.ts';
import type { SecurityHeaders } from '../security.ts';
import { transparencyOf } from '../transparency.ts';

type Modeller<N extends PageName> = (req: Request, lang: Lang) => Promise<PageModels[N]>;
type Where = ReturnType<typeof pageContext>;

export function publicPages(deps: WebDependencies, security: SecurityHeaders) {
  const cache = new PageCache(() => deps.log.published);
  const lists = new PageCache<readonly Listed[]>(() => deps.log.published);
  const headers = [
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Cache-Control', publicCaching(deps.publishEveryMs)],
    ['Vary', 'Accept-Language'],
  ] as const;

  function render<N extends PageName>(name: N, model: PageModels[N], where: Where): Ready {
    return makeCompressible(deps.pages.render(name, model, where), [...headers, ['Content-Language', where.lang]]);
  }

  function page<N extends PageName>(name: N, model: Modeller<N>): RequestHandler {
    return async (req, res) => {
      const context = pageContext(deps, req, undefined);
      // One entry for each page, however its address is spelled.
      const path = typeof req.params.slug === 'string' ? req.route.path.replace(':slug', req.params.slug) : req.path;
      const where = { ...context, path };
      const key = `${context.lang} ${context.explicitLang} ${path}`;
      const make = async () => render(name, await model(req, context.lang), where);
      const secured = name === 'verify' ? security.forVerifier() : security.current();
      sendReady(req, res, await cache.get(key, make), secured);
    };
  }

  /** The list's first page in each order is kept like any other; what is looked for, and later pages, are as many as anyone likes, and made from a list that is kept. */
  const home: RequestHandler = async (req, res) => {
    const context = pageContext(deps, req, undefined);
    const query = parseListQuery(req.query);
    const make = async () => {
      const list = listPetitions(await lists.get('', () => listAll(deps)), query);
      const path = listPath(list.query);
      return render('home', homeModel(deps, list), { ...context, path });
    };
    const isUsual = query.q === '' && query.page === 1;
    const key = `${context.lang} ${context.explicitLang} ${listPath(query)}`;
    sendReady(req, res, await (isUsual ? cache.get(key, make) : make()), security.current());
  };

  return {
    home,
    petition: page('petition', async (req, lang) =>
      petitionModel(deps, await getPublished(deps, req.params.slug), lang),
    ),
    figures: page('figures', async (req, lang) => figuresModel(deps, await getPublished(deps, req.params.slug), lang)),
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
    api: page('api', async () => ({ issuer: deps.config.origin, operations: OPERATIONS })),
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

/** By petition: its words never change, and making them ready is the dearest part of a list. */
const folded = new Map<string, string>();

function wordsOf({ id, author, statement }: Petition): string {
  const words = folded.get(id) ?? foldWords(`${statement.title} ${author ?? ''} ${statement.text}`);
  folded.set(id, words);
  return words;
}

async function listAll(deps: WebDependencies): Promise<readonly Listed[]> {
  const { figures } = deps.log.published;
  const now = deps.clock();
  return (await listPublished(deps)).map((one) => ({
    petition: summarise(one, figures.get(one.id)?.total ?? 0, now),
    words: () => wordsOf(one),
  }));
}

function homeModel(deps: WebDependencies, list: PageModels['home']['list']): PageModels['home'] {
  const { query, pages } = list;
  const at = (page: number) => listPath({ ...query, page });
  return {
    list,
    previousHref: query.page > 1 ? at(query.page - 1) : undefined,
    nextHref: query.page < pages ? at(query.page + 1) : undefined,
    checkpoint: pageCheckpoint(deps),
  };
}

async function petitionModel(deps: WebDependencies, petition: Petition, lang: Lang): Promise<PageModels['petition']> {
  const tally = deps.log.published.figures.get(petition.id) ?? NO_FIGURES;
  const address = `${deps.config.origin}/petitions/${petition.slug}`;
  const { title } = petition.statement;
  return {
    checkpoint: pageCheckpoint(deps),
    petition: {
      ...summarise(petition, tally.total, deps.clock()),
      statementHtml: statementHtml(petition),
      statementHash: Buffer.from(petition.statement.hash).toString('hex'),
    },
    progress: progressOf(petition.thresholds, tally, lang),
    timeline: tally.total === 0 ? undefined : drawTimeline(periods(deps, petition, tally)),
    map: petition.departments && tally.total > 0 ? drawDepartmentMap(tally.byDepartment) : undefined,
    departmentNames: departmentNames(lang),
    withdrawn: tally.withdrawn,
    invalidated: [...tally.invalidated].map(([ground, count]) => ({ ground, count })),
    signAction: `/petitions/${petition.slug}/sign`,
    withdrawAction: petition.destroyed === undefined ? `/petitions/${petition.slug}/withdraw` : undefined,
    destroyed: petition.destroyed,
    address,
    mailHref: `mailto:?subject=${encodeURIComponent(title)}&body=${encodeURIComponent(`${title}\r\n\r\n${address}`)}`,
  };
}

async function figuresModel(deps: WebDependencies, petition: Petition, lang: Lang): Promise<PageModels['figures']> {
  const tally = deps.log.published.figures.get(petition.id) ?? NO_FIGURES;
  return {
    checkpoint: pageCheckpoint(deps),
    petition: summarise(petition, tally.total, deps.clock()),
    periods: tally.total === 0 ? [] : periods(deps, petition, tally),
    byDepartment: petition.departments
      ? [...tally.byDepartment]
          .map(([code, count]) => ({ code, name: departmentName(code, lang), count }))
          .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1))
      : undefined,
    withdrawn: tally.withdrawn,
    invalidated: [...tally.invalidated].map(([ground, count]) => ({ ground, count })),
  };
}

/** From the opening to the last day on which one could sign, at most until today. */
function periods(deps: WebDependencies, petition: Petition, { byDay }: Pick<Figures, 'byDay'>) {
  const today = parisDay(deps.clock());
  const end = lastDay(petition);
  const to = end === undefined || end > today ? today : end;
  const latest = [petition.opened, to, ...byDay.keys()].sort().at(-1) ?? to;
  return periodsOf(byDay, petition.opened, latest);
}
