/** What a petition's page leads to beside pages: its figures and the list for a spreadsheet, its address as a QR code. */
import type { Request, RequestHandler } from 'express';
import { makeCompressible, type Ready, sendReady } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { figuresCsv, petitionsCsv } from '../figures-csv.ts';
import { getPublished, listPublished } from '../get-petition.ts';
import { PageCache } from '../page-cache.ts';
import { NO_FIGURES, summarise } from '../present.ts';
import { publicCaching } from '../public-caching.ts';
import { drawQrCode } from '../qr-code.ts';
import type { SecurityHeaders } from '../security.ts';

export function publicFiles(deps: WebDependencies, security: SecurityHeaders) {
  const cache = new PageCache(() => deps.log.published);
  const caching = ['Cache-Control', publicCaching(deps.publishEveryMs)] as const;

  function file(make: (req: Request) => Promise<Ready>): RequestHandler {
    return async (req, res) => {
      const key = `${req.route.path} ${req.params.slug}`;
      sendReady(req, res, await cache.get(key, () => make(req)), security.current());
    };
  }

  function spreadsheet(name: string, content: string): Ready {
    return makeCompressible(content, [
      ['Content-Type', 'text/csv; charset=utf-8'],
      ['Content-Disposition', `attachment; filename="${name}.csv"`],
      caching,
    ]);
  }

  return {
    petitions: file(async () => {
      const { published } = deps.log;
      const now = deps.clock();
      const petitions = await listPublished(deps);
      const summaries = petitions.map((one) => summarise(one, published.figures.get(one.id)?.total ?? 0, now));
      return spreadsheet('petitions', petitionsCsv(summaries, published));
    }),

    figures: file(async (req) => {
      const petition = await getPublished(deps, req.params.slug);
      const { published } = deps.log;
      const figures = published.figures.get(petition.id) ?? NO_FIGURES;
      const summary = summarise(petition, figures.total, deps.clock());
      return spreadsheet(petition.slug, figuresCsv(summary, figures, published));
    }),

    qrCode: file(async (req) => {
      const { slug } = await getPublished(deps, req.params.slug);
      const headers = [['Content-Type', 'image/svg+xml'], caching] as const;
      return makeCompressible(drawQrCode(`${deps.config.origin}/petitions/${slug}`), headers);
    }),
  };
}
