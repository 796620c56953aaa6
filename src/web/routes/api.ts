/** Public JSON: the petitions, their figures, and what became of one pseudonym's signature. */
import type { Request, RequestHandler } from 'express';
import { Refusal } from '../../errors.ts';
import type { Publication } from '../../log/publisher.ts';
import { parseNym } from '../../person/nym.ts';
import { makeCompressible, sendReady } from '../answer.ts';
import { FOR_ALL_SITES } from '../cors.ts';
import type { WebDependencies } from '../dependencies.ts';
import { getPublished, listPublished } from '../get-petition.ts';
import { openApi } from '../openapi.ts';
import { PageCache } from '../page-cache.ts';
import { byDay, NO_FIGURES, petitionJson } from '../present.ts';
import type { SecurityHeaders } from '../security.ts';

const CACHEABLE = [
  ...FOR_ALL_SITES,
  ['Content-Type', 'application/json; charset=utf-8'],
  ['Cache-Control', 'public, max-age=1'],
] as const;

export function publicJson(deps: WebDependencies, security: SecurityHeaders) {
  const cache = new PageCache(() => deps.log.published);

  function json(model: (req: Request) => Promise<unknown>): RequestHandler {
    return async (req, res) => {
      const make = async () => makeCompressible(JSON.stringify(await model(req)), CACHEABLE);
      const key = [req.route.path, req.params.slug, req.params.nym].join(' ');
      await deps.log.refresh(); // never older than /log/checkpoint, whichever process answered that
      sendReady(req, res, await cache.get(key, make), security.shared());
    };
  }

  return {
    petitions: json(async () => {
      const { figures } = deps.log.published;
      const now = deps.clock();
      const petitions = await listPublished(deps);
      return { petitions: petitions.map((one) => petitionJson(one, figures.get(one.id)?.total ?? 0, now)) };
    }),

    petition: json(async (req) => {
      const petition = await getPublished(deps, req.params.slug);
      const { total } = deps.log.published.figures.get(petition.id) ?? NO_FIGURES;
      return { ...petitionJson(petition, total, deps.clock()), text: petition.statement.text };
    }),

    tally: json(async (req) => {
      const petition = await getPublished(deps, req.params.slug);
      const { published } = deps.log;
      const tally = published.figures.get(petition.id) ?? NO_FIGURES;
      const departments = [...tally.byDepartment].sort(([a], [b]) => (a < b ? -1 : 1));
      return {
        petition: petition.id,
        total: tally.total,
        by_day: Object.fromEntries(byDay(tally.byDay).map(({ day, count }) => [day, count])),
        by_department: petition.departments ? Object.fromEntries(departments) : null,
        withdrawn: tally.withdrawn,
        invalidated: Object.fromEntries(tally.invalidated),
        checkpoint: checkpointJson(published),
      };
    }),

    signature: json(async (req) => {
      const petition = await getPublished(deps, req.params.slug);
      const nym = parseNym(String(req.params.nym));
      if (nym === undefined) throw new Refusal('request-malformed', 'not a nym');
      const { published } = deps.log;
      const signature = await deps.signatures.find(petition.id, nym, published.size);
      return {
        state: signature?.state ?? 'unknown',
        index: signature?.index ?? null,
        checkpoint: checkpointJson(published),
      };
    }),

    keys: json(async () => deps.receiptKeys().jwks),

    description: json(async () => openApi(deps.config.origin)),
  };
}

function checkpointJson({ origin, size, root, checkpoint }: Publication) {
  return checkpoint === undefined ? null : { origin, size, root: Buffer.from(root).toString('base64') };
}
