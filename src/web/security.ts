/**
 * What every answer carries and every POST passes: security headers (helmet, computed once), the origin guard against
 * cross-site requests, and a limiter that keeps no address.
 */
import { hash, randomBytes } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import { type Clock, parisDay } from '../clock.ts';
import { Refusal } from '../errors.ts';

export type Headers = readonly (readonly [string, string])[];

/**
 * @param formTargets origins beside our own that a form may end up at: browsers hold `form-action` to every redirect,
 *   and pressing "sign" redirects to the identity provider
 * @param runsOwnCode on the one page that does: our own scripts run, and ask our own site alone
 */
export function securityHeaders(isHttps: boolean, formTargets: readonly string[], runsOwnCode = false): Headers {
  const headers: [string, string][] = [];
  const recorder = { setHeader: (name: string, value: string) => headers.push([name, value]), removeHeader() {} };
  const handler = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'style-src': ["'self'"],
        'img-src': ["'self'"],
        ...(runsOwnCode ? { 'script-src': ["'self'"], 'connect-src': ["'self'"] } : {}),
        'base-uri': ["'none'"],
        'form-action': ["'self'", ...formTargets],
        'frame-ancestors': ["'none'"],
      },
    },
    // Same-origin, not no-referrer: with that one, browsers send `Origin: null` on our own forms.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: isHttps ? { maxAge: 63_072_000, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
    xXssProtection: false,
    xDownloadOptions: false,
  });
  handler({} as never, recorder as never, () => {});
  return headers;
}

/** Security headers that follow what is known of the identity provider's origins. */
export class SecurityHeaders {
  readonly #isHttps: boolean;
  readonly #formTargets: () => readonly string[];
  #known: readonly string[] | undefined;
  #headers: Headers = [];
  #verifier: Headers = [];

  constructor(isHttps: boolean, formTargets: () => readonly string[]) {
    this.#isHttps = isHttps;
    this.#formTargets = formTargets;
  }

  current(): Headers {
    this.#follow();
    return this.#headers;
  }

  /** For what pages of other sites may read as well. */
  shared(): Headers {
    return this.current().map(([name, value]) =>
      name === 'Cross-Origin-Resource-Policy' ? [name, 'cross-origin'] : [name, value],
    );
  }

  /** Those of the page that checks receipts, the only one whose browser runs code. */
  forVerifier(): Headers {
    this.#follow();
    return this.#verifier;
  }

  #follow(): void {
    const targets = this.#formTargets();
    if (targets === this.#known) return;
    this.#known = targets;
    this.#headers = securityHeaders(this.#isHttps, targets);
    this.#verifier = securityHeaders(this.#isHttps, targets, true);
  }

  set(res: Response): void {
    for (const [name, value] of this.current()) res.setHeader(name, value);
  }

  readonly handler: RequestHandler = (_req, res, next) => {
    this.set(res);
    next();
  };
}

/** Lets this page's forms end up at one more origin, after whatever redirects: a petition site's people go back to it. */
export function allowForm(res: Response, origin: string): void {
  const policy = String(res.getHeader('Content-Security-Policy'));
  res.setHeader('Content-Security-Policy', policy.replace("form-action 'self'", `form-action 'self' ${origin}`));
}

/**
 * A POST must come from our own pages. Browsers say where it comes from in `Sec-Fetch-Site` (Fetch Metadata) or at least
 * in `Origin`; a client that sends neither is no browser, and has no cookies of anyone's to misuse.
 */
export function guardOrigin(origin: string): RequestHandler {
  return (req, _res, next) => {
    const site = req.get('sec-fetch-site');
    const from = req.get('origin');
    const isOwn =
      site === undefined ? from === undefined || from === origin : site === 'same-origin' || site === 'none';
    if (!isOwn) throw new Refusal('foreign-origin');
    next();
  };
}

/**
 * Limits the POSTs from one address. An address is known only as a keyed hash, under a key that is made at random each
 * day, in memory alone.
 */
export function limitPosts(perMinute: number, clock: Clock): RequestHandler {
  let day = '';
  let key = randomBytes(32);
  return rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    legacyHeaders: false,
    standardHeaders: false,
    validate: false,
    keyGenerator: (req) => {
      const today = parisDay(clock());
      if (today !== day) {
        day = today;
        key = randomBytes(32);
      }
      return hash('sha256', Buffer.concat([key, Buffer.from(ipKeyGenerator(req.ip ?? ''))]), 'base64url');
    },
    handler: () => {
      throw new Refusal('too-many-requests');
    },
  });
}

/** Personal answers: kept by no cache. */
export function noStore(res: Response): void {
  res.setHeader('Cache-Control', 'no-store');
}
