/**
 * Journey cookies: one for each journey, HttpOnly, SameSite=Lax (the callback is a top-level GET from another site), and
 * with the `__Host-` prefix (RFC 6265bis) wherever the gateway is on https.
 */
import type { Request, Response } from 'express';
import { JOURNEY_SECONDS, type Journey } from './journey.ts';

const MOST = 8;

export class JourneyCookies {
  readonly #secure: boolean;
  readonly #prefix: string;

  constructor(secure: boolean) {
    this.#secure = secure;
    this.#prefix = secure ? '__Host-paraphe_' : 'paraphe_';
  }

  set(res: Response, { id, cookie }: Journey, seconds = JOURNEY_SECONDS): void {
    res.cookie(this.#prefix + id, cookie, { ...this.#attributes(), maxAge: seconds * 1000 });
  }

  clear(res: Response, id: string): void {
    res.clearCookie(this.#prefix + id, this.#attributes());
  }

  /** The ids and values of the journey cookies that came with a request. */
  all(req: Request): ReadonlyMap<string, string> {
    const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim());
    return new Map(
      pairs.flatMap((pair) => {
        const equals = pair.indexOf('=');
        const isOurs = pair.startsWith(this.#prefix) && equals > 0;
        return isOurs ? [[pair.slice(this.#prefix.length, equals), pair.slice(equals + 1)] as const] : [];
      }),
    );
  }

  /** Abandoned journeys' cookies must not pile up until no header fits: the first ones go. */
  trim(req: Request, res: Response): void {
    const ids = [...this.all(req).keys()];
    for (const id of ids.slice(0, Math.max(0, ids.length - MOST + 1))) this.clear(res, id);
  }

  #attributes() {
    return { httpOnly: true, sameSite: 'lax', secure: this.#secure, path: '/' } as const;
  }
}
