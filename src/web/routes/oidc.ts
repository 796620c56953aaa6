/** `/oidc`: the OpenID Provider of petition sites. It reads its own bodies; what it would show a person is a page of ours. */
import type { RequestHandler } from 'express';
import { Refusal } from '../../errors.ts';
import { aboutOf } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';

export function openIdProvider(deps: WebDependencies): RequestHandler {
  return (req, res, next) =>
    deps.sites.handle(req, res, (error) => {
      if (error instanceof Refusal) aboutOf(res).detail = error.reason;
      next(error);
    });
}
