/**
 * A browser's cookies: kept for a host name and not for a port (two ports of localhost share them), with Path, Max-Age,
 * Expires, Domain, SameSite and the `__Host-` and `__Secure-` prefixes (RFC 6265bis). Stricter than browsers in one point: a
 * `Secure` cookie needs https, on localhost too, so that a test sees one that was set by mistake.
 */
export type Cookie = {
  name: string;
  value: string;
  domain: string;
  hostOnly: boolean;
  path: string;
  secure: boolean;
  httpOnly: boolean;
  sameSite: 'strict' | 'lax' | 'none';
  /** Milliseconds since 1970; `undefined` lasts as long as the browser. */
  expires: number | undefined;
};

/** How a request comes about, for SameSite. */
export type Navigation = { sameSite: boolean; method: string };

export class CookieJar {
  #cookies: Cookie[] = [];
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Those that are alive. */
  get all(): readonly Cookie[] {
    this.#cookies = this.#cookies.filter(({ expires }) => expires === undefined || expires > this.#now());
    return this.#cookies;
  }

  find(name: string): Cookie | undefined {
    return this.all.find((cookie) => cookie.name === name);
  }

  clear(): void {
    this.#cookies = [];
  }

  /** Takes a `Set-Cookie` header, or drops it as a browser would. */
  set(header: string, from: URL): void {
    const cookie = parseSetCookie(header, from, this.#now());
    if (cookie === undefined) return;
    this.#cookies = this.#cookies.filter(
      ({ name, domain, path }) => name !== cookie.name || domain !== cookie.domain || path !== cookie.path,
    );
    if (cookie.expires === undefined || cookie.expires > this.#now()) this.#cookies.push(cookie);
  }

  /** The `Cookie` header of a request, or nothing. */
  header(url: URL, { sameSite, method }: Navigation): string | undefined {
    const sent = this.all
      .filter((cookie) => domainMatches(cookie, url.hostname) && pathMatches(cookie.path, url.pathname))
      .filter((cookie) => !cookie.secure || url.protocol === 'https:')
      .filter((cookie) => sameSite || cookie.sameSite === 'none' || (cookie.sameSite === 'lax' && method === 'GET'))
      .toSorted((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`);
    return sent.length === 0 ? undefined : sent.join('; ');
  }
}

function parseSetCookie(header: string, from: URL, now: number): Cookie | undefined {
  const [pair = '', ...rest] = header.split(';');
  const separator = pair.indexOf('=');
  if (separator < 1) return undefined;
  const attributes = new Map(
    rest.map((attribute) => {
      const [key = '', ...value] = attribute.trim().split('=');
      return [key.toLowerCase(), value.join('=')];
    }),
  );
  const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase() || undefined;
  const path = attributes.get('path');
  const sameSite = attributes.get('samesite')?.toLowerCase();
  const cookie: Cookie = {
    name: pair.slice(0, separator).trim(),
    value: pair.slice(separator + 1).trim(),
    domain: domain ?? from.hostname,
    hostOnly: domain === undefined,
    path: path?.startsWith('/') === true ? path : defaultPath(from),
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    sameSite: sameSite === 'strict' || sameSite === 'none' ? sameSite : 'lax',
    expires: expiry(attributes, now),
  };
  return isAcceptable(cookie, from) ? cookie : undefined;
}

function isAcceptable(cookie: Cookie, from: URL): boolean {
  if (!domainMatches(cookie, from.hostname)) return false;
  if (cookie.secure && from.protocol !== 'https:') return false;
  if (cookie.sameSite === 'none' && !cookie.secure) return false;
  if (cookie.name.startsWith('__Secure-')) return cookie.secure;
  if (cookie.name.startsWith('__Host-')) return cookie.secure && cookie.hostOnly && cookie.path === '/';
  return true;
}

function expiry(attributes: Map<string, string>, now: number): number | undefined {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return now + Number(maxAge) * 1000;
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? undefined : expires;
}

function domainMatches({ domain, hostOnly }: Cookie, host: string): boolean {
  return host === domain || (!hostOnly && host.endsWith(`.${domain}`) && !/^[\d.]+$|:/.test(host));
}

function pathMatches(path: string, requested: string): boolean {
  return requested === path || requested.startsWith(path.endsWith('/') ? path : `${path}/`);
}

function defaultPath({ pathname }: URL): string {
  const last = pathname.lastIndexOf('/');
  return last <= 0 ? '/' : pathname.slice(0, last);
}
