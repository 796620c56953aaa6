/** What browsers say about where a request comes from, and what a page lets its forms do. */

export type Page = { status: number; url: string; html: string; headers: Headers; text: string };

export type Site = 'none' | 'same-origin' | 'same-site' | 'cross-site';

/** Two ports of one host name are one site; localhost and 127.0.0.1 are two. */
export function relation(initiator: Page | undefined, target: URL): Site {
  if (initiator === undefined) return 'none';
  const from = new URL(initiator.url);
  if (from.origin === target.origin) return 'same-origin';
  return from.protocol === target.protocol && from.hostname === target.hostname ? 'same-site' : 'cross-site';
}

/** A page that lets no referrer out posts with an opaque origin. */
export function originOf(initiator: Page | undefined): string {
  if (initiator === undefined || initiator.headers.get('referrer-policy') === 'no-referrer') return 'null';
  return new URL(initiator.url).origin;
}

/** A page of another site, of which nothing but the address matters. */
export function foreignPage(url: string): Page {
  return { status: 200, url: new URL(url).href, html: '', headers: new Headers(), text: '' };
}

type Submission = { isForm?: boolean; initiator?: Page | undefined; url: URL };

/** Throws where the `form-action` of the page's policy does not allow a form, or a redirect after it, to go. */
export function assertFormAction({ isForm, initiator, url }: Submission): void {
  const policy = initiator?.headers.get('content-security-policy') ?? '';
  const directive = /(?:^|;)\s*form-action\s+([^;]*)/i.exec(policy)?.[1];
  if (isForm !== true || initiator === undefined || directive === undefined) return;
  const allowed = directive
    .trim()
    .split(/\s+/)
    .some((source) => {
      if (source === "'self'") return new URL(initiator.url).origin === url.origin;
      if (source.endsWith(':')) return url.protocol === source;
      return URL.canParse(source) && new URL(source).origin === url.origin;
    });
  if (!allowed) throw new Error(`form-action of ${initiator.url} does not allow ${url.origin}`);
}
