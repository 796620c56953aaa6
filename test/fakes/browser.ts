/**
 * A browser without a screen and without scripts: it follows redirects, keeps cookies, fills and submits forms, and
 * sends `Origin` and `Sec-Fetch-*` as browsers do. Every exchange stays in `history`.
 *
 *   const browser = new Browser();
 *   await browser.get('http://localhost:3000/petitions/…');
 *   await browser.submit();                                   // the page's only form
 *   await browser.submit({ login: 'test', password: '123' });
 *   await browser.follow('Revenir sur');                      // a link by its words
 *
 * It holds `form-action` of the page's Content-Security-Policy against the form's target and each redirect after
 * it, as Chromium does.
 */
import { CookieJar } from './cookie-jar.ts';
import { send } from './exchange.ts';
import { type Form, formsOf, linksOf, textOf } from './html.ts';
import { assertFormAction, foreignPage, originOf, type Page, relation } from './navigation.ts';

export type Exchange = {
  method: string;
  url: string;
  requestHeaders: Record<string, string>;
  requestBody: string;
  status: number;
  headers: Headers;
  body: string;
};

export type { Page } from './navigation.ts';

export type BrowserOptions = {
  /** Sent with every request. */
  headers?: Record<string, string>;
  jar?: CookieJar;
  history?: Exchange[];
  /** Milliseconds that one exchange may take. */
  timeout?: number;
  maxRedirects?: number;
  /** Redirects that are not followed: the page is then an empty one at that address. */
  stopAt?: (url: URL) => boolean;
};

export type SubmitOptions = {
  /** Which form, where a page has several: its id, or a part of its action. */
  form?: string;
  /** Which button, where a form has several: a part of its label. */
  button?: string;
};

type Step = {
  method: string;
  url: URL;
  body?: string;
  /** The page that the request comes from; none for an address that was typed. */
  initiator?: Page | undefined;
  headers?: Record<string, string>;
  isForm?: boolean;
};

export class Browser {
  readonly jar: CookieJar;
  /** Every exchange of all tabs, oldest first, redirects included. */
  readonly history: Exchange[];
  readonly #headers: Record<string, string>;
  readonly #timeout: number;
  readonly #maxRedirects: number;
  readonly #stopAt: (url: URL) => boolean;
  #page: Page | undefined;

  constructor(options: BrowserOptions = {}) {
    this.jar = options.jar ?? new CookieJar();
    this.history = options.history ?? [];
    this.#headers = {
      accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
      'accept-language': 'fr',
      ...options.headers,
    };
    this.#timeout = options.timeout ?? 60_000;
    this.#maxRedirects = options.maxRedirects ?? 20;
    this.#stopAt = options.stopAt ?? (() => false);
  }

  /** The page that is open. */
  get page(): Page {
    if (this.#page === undefined) throw new Error('no page is open');
    return this.#page;
  }

  /** Another tab: same cookies and history, its own page. */
  tab(): Browser {
    return new Browser({
      jar: this.jar,
      history: this.history,
      headers: this.#headers,
      timeout: this.#timeout,
      maxRedirects: this.#maxRedirects,
      stopAt: this.#stopAt,
    });
  }

  /** Types an address. */
  get(url: string | URL, options: { headers?: Record<string, string> } = {}): Promise<Page> {
    return this.#navigate({ method: 'GET', url: new URL(url), ...options });
  }

  /** Loads the open page's address again, as a GET. */
  reload(): Promise<Page> {
    return this.get(this.page.url);
  }

  /** Opens an address from the open page, or from a page of another origin, as a link there would. */
  visit(url: string | URL, from?: string): Promise<Page> {
    const initiator = from === undefined ? this.#page : foreignPage(from);
    return this.#navigate({ method: 'GET', url: new URL(url, this.#page?.url), initiator });
  }

  /** Posts a form that stands on a page of `from` (another site: CSRF), or on the open page. */
  post(url: string | URL, fields: Record<string, string> = {}, from?: string): Promise<Page> {
    const initiator = from === undefined ? this.#page : foreignPage(from);
    const body = new URLSearchParams(fields).toString();
    return this.#navigate({ method: 'POST', url: new URL(url, this.#page?.url), body, initiator, isForm: true });
  }

  /** Follows the open page's first link with these words in its text or its address. */
  async follow(words: string | RegExp): Promise<Page> {
    const matches = (text: string) => (typeof words === 'string' ? text.includes(words) : words.test(text));
    const links = linksOf(this.page.html);
    const link = links.find(({ text }) => matches(text)) ?? links.find(({ href }) => matches(href));
    if (link === undefined) throw new Error(`no link ${words} on ${this.#describe()}`);
    return this.#navigate({ method: 'GET', url: new URL(link.href, this.page.url), initiator: this.page });
  }

  /** Fills and submits a form of the open page. A field that the form does not have is an error. */
  async submit(fields: Record<string, string> = {}, options: SubmitOptions = {}): Promise<Page> {
    const form = this.#form(options.form);
    const filled = new URLSearchParams(form.fields);
    const names = [...form.fields.map(([name]) => name), ...this.#unticked()];
    for (const [name, value] of Object.entries(fields)) {
      if (!names.includes(name)) throw new Error(`no field ${name} in the form of ${this.#describe()}`);
      filled.set(name, value);
    }
    const buttons = form.buttons.filter(({ label }) => label.includes(options.button ?? ''));
    const [button] = buttons;
    if (button === undefined) throw new Error(`no button ${options.button ?? ''} in the form of ${this.#describe()}`);
    if (buttons.length > 1) throw new Error(`which button of ${this.#describe()}? ${buttons.map((b) => b.label)}`);
    if (button.name !== undefined) filled.set(button.name, button.value);
    const url = new URL(form.action, this.page.url);
    if (form.method === 'POST') {
      return this.#navigate({ method: 'POST', url, body: filled.toString(), initiator: this.page, isForm: true });
    }
    url.search = filled.toString();
    return this.#navigate({ method: 'GET', url, initiator: this.page, isForm: true });
  }

  /** The exchanges with an address that contains these words. */
  exchangesWith(words: string): Exchange[] {
    return this.history.filter(({ url }) => url.includes(words));
  }

  #form(wanted: string | undefined): Form {
    const forms = formsOf(this.page.html);
    const matching =
      wanted === undefined ? forms : forms.filter(({ id, action }) => id === wanted || action.includes(wanted));
    const [form] = matching;
    if (form === undefined) throw new Error(`no form ${wanted ?? ''} on ${this.#describe()}`);
    if (matching.length > 1)
      throw new Error(`which form of ${this.#describe()}? ${matching.map(({ action }) => action)}`);
    return form;
  }

  /** Names of boxes that are not ticked: they may be filled, but are not sent by themselves. */
  #unticked(): string[] {
    return [...this.page.html.matchAll(/<input\b[^>]*\btype=["']?(?:checkbox|radio)\b[^>]*>/gi)].flatMap(
      ([input]) => /\bname=["']?([^"'\s>]+)/i.exec(input)?.[1] ?? [],
    );
  }

  #describe(): string {
    return `${this.page.status} ${this.page.url}: ${this.page.text.slice(0, 200)}`;
  }

  async #navigate(first: Step): Promise<Page> {
    let step = first;
    let crossed = false;
    for (let redirects = 0; redirects <= this.#maxRedirects; redirects++) {
      assertFormAction(step);
      crossed ||= relation(step.initiator, step.url) === 'cross-site';
      const exchange = await this.#exchange(step, crossed);
      const location = exchange.headers.get('location');
      if (exchange.status < 300 || exchange.status > 399 || location === null) return this.#open(exchange);
      step = redirected(step, exchange, new URL(location, step.url));
      if (this.#stopAt(step.url)) return this.#open({ ...exchange, url: step.url.href, body: '' });
    }
    throw new Error(`more than ${this.#maxRedirects} redirects, the last to ${step.url}`);
  }

  #open({ status, url, headers, body }: Exchange): Page {
    this.#page = { status, url, headers, html: body, text: textOf(body) };
    return this.#page;
  }

  async #exchange(step: Step, crossed: boolean): Promise<Exchange> {
    const { method, url, initiator, body = '' } = step;
    const site = crossed ? 'cross-site' : relation(initiator, url);
    // Cookies go by the page that asks and the target; `Sec-Fetch-Site` by every redirect on the way too.
    const cookie = this.jar.header(url, { sameSite: relation(initiator, url) !== 'cross-site', method });
    const requestHeaders: Record<string, string> = {
      ...this.#headers,
      ...step.headers,
      'sec-fetch-site': site,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-user': '?1',
      'upgrade-insecure-requests': '1',
      ...(method === 'POST'
        ? { 'content-type': 'application/x-www-form-urlencoded', origin: originOf(initiator) }
        : {}),
      ...(cookie === undefined ? {} : { cookie }),
    };
    const answer = await send(method, url, requestHeaders, body, this.#timeout);
    for (const header of answer.headers.getSetCookie()) this.jar.set(header, url);
    const exchange = { method, url: url.href, requestHeaders, requestBody: body, ...answer };
    this.history.push(exchange);
    return exchange;
  }
}

/** 307 and 308 repeat the request; the others become a GET. */
function redirected(step: Step, { status }: Exchange, url: URL): Step {
  if (url.hash === '') url.hash = step.url.hash;
  const repeats = status === 307 || status === 308;
  return repeats ? { ...step, url } : { method: 'GET', url, initiator: step.initiator, isForm: step.isForm ?? false };
}
