/** Public JSON: the petitions, their figures, and what became of one pseudonym's signature. */
import type { Request, RequestHandler } from 'express';
import { Refusal } from '../../errors.ts';
import { parseNym } from '../../person/nym.ts';
import { makeReady, sendReady } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { getPetition } from '../get-petition.ts';
import { PageCache } from '../page-cache.ts';
import { byDay, petitionJson } from '../present.ts';
import type { SecurityHeaders } from '../security.ts';

const CACHEABLE = [
  ['Content-Type', 'application/json; charset=utf-8'],
  ['Cache-Control', 'public, max-age=1'],
] as const;

export function publicJson(deps: WebDependencies, security: SecurityHeaders) {
  const cache = new PageCache();

  function json(model: (req: Request) => Promise<unknown>): RequestHandler {
    return async (req, res) => {
      const make = async () => makeReady(JSON.stringify(await model(req)), CACHEABLE);
      const key = [req.route.path, req.params.slug, req.params.nym].join(' ');
      sendReady(req, res, await cache.get(key, make), security.current());
    };
  }

  return {
    petitions: json(async () => {
      const [petitions, totals] = await Promise.all([deps.petitions.list(), deps.signatures.totals()]);
      const now = deps.clock();
      return { petitions: petitions.map((petition) => petitionJson(petition, totals.get(petition.id) ?? 0, now)) };
    }),

    petition: json(async (req) => {
      const petition = await getPetition(deps, req.params.slug);
      const { total } = await deps.signatures.tally(petition.id);
      return { ...petitionJson(petition, total, deps.clock()), text: petition.statement.text };
    }),

    tally: json(async (req) => {
      const petition = await getPetition(deps, req.params.slug);
      const tally = await deps.signatures.tally(petition.id);
      const departments = [...tally.byDepartment].sort(([a], [b]) => (a < b ? -1 : 1));
      return {
        petition: petition.id,
        total: tally.total,
        by_day: Object.fromEntries(byDay(tally.byDay).map(({ day, count }) => [day, count])),
        by_department: petition.departments ? Object.fromEntries(departments) : null,
        withdrawn: tally.withdrawn,
        invalidated: Object.fromEntries(tally.invalidated),
        checkpoint: null,
      };
    }),

    signature: json(async (req) => {
      const petition = await getPetition(deps, req.params.slug);
      const nym = parseNym(String(req.params.nym));
      if (nym === undefined) throw new Refusal('request-malformed', 'not a nym');
      const signature = await deps.signatures.find(petition.id, nym);
      return { state: signature?.state ?? 'unknown', index: null, checkpoint: null };
    }),

    keys: json(async () => deps.receiptKeys().jwks),
  };
}
