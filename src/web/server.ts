/**
 * The gateway's web face, as an ordered list: each request walks it from the top, so what a crowd asks for stands first.
 * Pages that everyone reads write their headers themselves; everything else, errors included, gets the security headers
 * on the way; a POST passes origin guard, limiter and body parser, in this order.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { parse } from 'node:querystring';
import express, { type Express } from 'express';
import { Refusal } from '../errors.ts';
import { preflight } from './cors.ts';
import type { WebDependencies } from './dependencies.ts';
import { answerError, methodNotAllowed, notFound } from './errors.ts';
import { publicJson } from './routes/api.ts';
import { assets } from './routes/assets.ts';
import { callback } from './routes/callback.ts';
import { confirm, findReceipt, showConfirm } from './routes/confirm.ts';
import { publicFiles } from './routes/figures.ts';
import { healthz, readyz } from './routes/health.ts';
import { logFiles } from './routes/log.ts';
import { backToPetition, logout, logoutCallback } from './routes/logout.ts';
import { openIdProvider } from './routes/oidc.ts';
import { publicPages } from './routes/public-pages.ts';
import { proofFile, receiptFile, receiptPage } from './routes/receipt.ts';
import { confirmLogin, showLogin, startForSite } from './routes/site.ts';
import { startJourney } from './routes/start.ts';
import { guardOrigin, limitPosts, SecurityHeaders } from './security.ts';

export function createServer(deps: WebDependencies): Express {
  const app = express();
  app.set('env', 'production'); // Express's own last resort shows no stack
  app.disable('x-powered-by');
  app.disable('etag'); // public answers carry their own, personal ones none
  app.set('case sensitive routing', true);
  app.set('strict routing', true);
  app.set('query parser', parseQuery());
  app.set('trust proxy', deps.config.trustProxy);

  const security = new SecurityHeaders(deps.config.origin.startsWith('https:'), () => deps.issuer.origins());
  const pages = publicPages(deps, security);
  const json = publicJson(deps, security);
  const files = publicFiles(deps, security);
  const log = logFiles(deps, security);
  const secured = security.handler;
  const limiter = limitPosts(deps.config.postsPerMinute, deps.clock);
  const posts = [secured, guardOrigin(deps.config.origin), limiter, parseForm()];

  app.get('/petitions/:slug', pages.petition);
  app.get('/petitions/:slug/figures', pages.figures);
  app.get('/petitions/:slug/figures.csv', files.figures);
  app.get('/petitions/:slug/qr.svg', files.qrCode);

  app.post('/petitions/:slug/sign', posts, startJourney(deps, 'sign'));
  app.post('/petitions/:slug/withdraw', posts, startJourney(deps, 'withdraw'));
  app.get('/login/callback', secured, callback(deps));
  app.get('/petitions/:slug/confirm', secured, showConfirm(deps));
  app.post('/petitions/:slug/confirm', posts, confirm(deps));
  app.post('/petitions/:slug/receipt', posts, findReceipt(deps));
  app.post('/logout', posts, logout(deps));
  app.get('/logout/callback', secured, logoutCallback(deps));
  app.get('/petitions/:slug/receipt/:capability', secured, receiptPage(deps));
  app.get('/petitions/:slug/receipt/:capability/receipt.jwt', secured, receiptFile(deps));
  app.get('/petitions/:slug/receipt/:capability/receipt.tlog-proof', secured, proofFile(deps));
  app.get(['/petitions/:slug/sign', '/petitions/:slug/withdraw'], secured, backToPetition());

  app.get('/login/confirm', secured, showLogin(deps));
  app.post('/login/confirm', posts, confirmLogin(deps));
  app.get('/oidc/interaction/:uid', secured, startForSite(deps));
  app.get('/oidc/jwks', json.keys); // id_tokens of the minutes before a rotation verify on
  app.use('/oidc', secured, openIdProvider(deps));

  app.get('/', pages.home);
  app.get('/petitions.csv', files.petitions);
  app.get('/how-it-works', pages.howItWorks);
  app.get('/transparency', pages.transparency);
  app.get('/privacy', pages.privacy);
  app.get('/accessibility', pages.accessibility);
  app.get('/verify', pages.verify);
  app.get('/log', pages.log);
  app.options(['/api/*path', '/.well-known/jwks.json', '/log/*path'], preflight());
  app.get('/api', pages.api);
  app.get('/api/openapi.json', json.description);
  app.get('/api/petitions', json.petitions);
  app.get('/api/petitions/:slug', json.petition);
  app.get('/api/petitions/:slug/tally', json.tally);
  app.get('/api/petitions/:slug/signatures/:nym', json.signature);
  app.get('/.well-known/jwks.json', json.keys);
  app.get('/log/checkpoint', log.checkpoint);
  app.get('/log/vkey', log.vkey);
  app.get('/log/tile/*path', log.tile);
  app.get('/log/statements/:hash', log.statement);
  app.get('/log/jwks/:hash', log.jwks);

  app.use(secured);
  app.get('/assets/*path', assets(deps.pages));
  app.get('/healthz', healthz());
  app.get('/readyz', readyz(deps.ready));

  for (const [methods, paths] of KNOWN) app.all([...paths], methodNotAllowed(methods));
  app.use(notFound());
  app.use(answerError(deps, security));
  return app;
}

/** What else is asked of an address that exists is 405, not 404. */
const KNOWN = [
  [
    'GET, HEAD',
    ['/', '/petitions/:slug', '/how-it-works', '/transparency', '/privacy', '/accessibility', '/verify', '/log'],
  ],
  ['GET, HEAD', ['/healthz', '/readyz']],
  [
    'GET, HEAD',
    ['/petitions.csv', '/petitions/:slug/figures', '/petitions/:slug/figures.csv', '/petitions/:slug/qr.svg'],
  ],
  [
    'GET, HEAD',
    [
      '/api',
      '/api/openapi.json',
      '/api/petitions',
      '/api/petitions/:slug',
      '/api/petitions/:slug/tally',
      '/.well-known/jwks.json',
    ],
  ],
  ['GET, HEAD', ['/api/petitions/:slug/signatures/:nym', '/login/callback', '/logout/callback', '/assets/*path']],
  ['GET, HEAD', ['/log/checkpoint', '/log/vkey', '/log/tile/*path', '/log/statements/:hash', '/log/jwks/:hash']],
  ['GET, HEAD', ['/petitions/:slug/receipt/:capability', '/petitions/:slug/receipt/:capability/:file']],
  ['GET, HEAD, POST', ['/petitions/:slug/sign', '/petitions/:slug/withdraw', '/petitions/:slug/confirm']],
  ['GET, HEAD, POST', ['/login/confirm']],
  ['POST', ['/petitions/:slug/receipt', '/logout']],
] as const;

/** Express parses a query each time that it is asked for: the last one is kept. */
function parseQuery() {
  let last: string | null | undefined;
  let parsed = parse('');
  return (query: string | null | undefined) => {
    if (query !== last) parsed = parse(query ?? '');
    last = query;
    return parsed;
  };
}

/** A form's few fields, as UTF-8 that is really UTF-8. A body of any other type is held to the same limits. */
function parseForm() {
  return express.urlencoded({ type: () => true, extended: false, limit: '4kb', parameterLimit: 20, verify: checkUtf8 });
}

function checkUtf8(_req: IncomingMessage, _res: unknown, body: Buffer): void {
  try {
    if (isUtf8(body) && decodeURIComponent(body.toString('latin1').replaceAll('+', ' ')) !== undefined) return;
  } catch {
    // a percent-encoding that is no UTF-8: said below
  }
  throw new Refusal('request-malformed', 'a form that is not UTF-8');
}
