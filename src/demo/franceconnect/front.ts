/**
 * FranceConnect's rules in front of the engine. What they refuse never reaches it, and the service hears nothing: the
 * person sees a page (france-connect/sources, quality/fcp/cypress/integration/api/api-authorize.feature).
 */
import { Readable } from 'node:stream';
import express, { type Request, type Response, type Router } from 'express';
import type { Provider } from 'oidc-provider';
import { errorPage, type SendPage } from './pages.ts';
import { AUTHORIZE, asksForAmr, END_SESSION, REVOCATION, refusedParameter } from './rules.ts';

const FORM = 'application/x-www-form-urlencoded';

export function frontRules(provider: () => Provider, sendPage: SendPage): Router {
  const router = express.Router();
  const body = express.text({ type: FORM, limit: '50kb' });
  const refuse = (response: Response, code: string) => sendPage(response, 400, errorPage({ code }));

  router.all('/authorize', body, (request, response, next) => {
    const parameters = parametersOf(request);
    if (refusedParameter(parameters, AUTHORIZE) !== undefined) return refuse(response, 'Y030007');
    if (asksForAmr(parameters.get('claims') ?? '')) return refuse(response, 'Y100009');
    parameters.delete('claims');
    // A live session never skips the information page, and asking to log in again does not end it.
    parameters.set('prompt', 'login consent');
    request.method = 'GET';
    request.url = `/authorize?${parameters}`;
    next();
  });

  router.all('/session/end', body, async (request, response, next) => {
    const parameters = parametersOf(request);
    if (refusedParameter(parameters, END_SESSION) !== undefined) return refuse(response, 'Y030007');
    const session = await provider().Session.get(provider().createContext(request, response));
    if (session.accountId === undefined) return sendPage(response, 400, errorPage(NO_SESSION));
    request.method = 'GET';
    request.url = `/session/end?${parameters}`;
    next();
  });

  router.post('/token/revocation', body, (request, response, next) => {
    const text = bodyText(request);
    const parameters = new URLSearchParams(text);
    const refused = refusedParameter(parameters, REVOCATION);
    if (refused !== undefined) {
      response.status(400).json({ error: 'invalid_request', error_description: `${refused} is not valid` });
      return;
    }
    replayBody(request, text);
    next();
  });

  router.post('/userinfo', (_request, response) => {
    response.status(404).json({ error: 'invalid_request', error_description: 'GET only' });
  });

  return router;
}

const NO_SESSION = {
  title: 'Vous étiez déjà déconnecté',
  message: 'Votre session FranceConnect a expiré : vous pouvez fermer cette page.',
};

function parametersOf(request: Request): URLSearchParams {
  if (request.method === 'POST') return new URLSearchParams(bodyText(request));
  return new URL(request.url, 'http://localhost').searchParams;
}

function bodyText(request: Request): string {
  const body: unknown = request.body;
  return typeof body === 'string' ? body : '';
}

/** The engine reads the body by itself, and the body has been read: hands it over once more. */
function replayBody(request: Request, text: string): void {
  Object.defineProperties(request, {
    readable: { value: true },
    iterator: { value: () => Readable.from([Buffer.from(text)]).iterator() },
  });
}
