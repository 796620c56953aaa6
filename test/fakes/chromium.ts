/**
 * A real Chromium in the hands of a person: JavaScript off, French, a laptop's screen, unless said otherwise. What the
 * pages do unasked is written down on the way: cookies, requests to other sites, complaints of the browser.
 *
 *   const louise = await chromium.person();
 *   await louise.open(`${world.origin}/petitions/jardins`);
 *   await louise.press();                      // the one button of the page's main form
 *   await louise.passFranceConnect('test');    // choice, login, information; back on our page
 *
 * Its security is a browser's own: of the flags that `@sparticuz/chromium` proposes only the missing sandbox is taken, and
 * not those that switch the same-origin policy and site isolation off.
 */
import { statfsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
  type Response,
} from 'playwright-core';
import { unpackChromium } from './chromium-setup.ts';

export class Chromium implements AsyncDisposable {
  readonly #browser: Browser;

  static async start(): Promise<Chromium> {
    const { executablePath, env } = await unpackChromium();
    const options = { executablePath, env: { ...process.env, ...env }, args: ['--no-sandbox'] };
    const ignoreDefaultArgs = hasSharedMemory() ? ['--disable-dev-shm-usage'] : [];
    return new Chromium(await chromium.launch({ ...options, ignoreDefaultArgs }));
  }

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** A browser profile of its own, with one tab. */
  async person(options: BrowserContextOptions = {}): Promise<Person> {
    const context = await this.#browser.newContext({ javaScriptEnabled: false, locale: 'fr-FR', ...options });
    context.setDefaultTimeout(60_000);
    const watch = new Watch(context);
    return new Person(context, await context.newPage(), watch);
  }

  close(): Promise<void> {
    return this.#browser.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Playwright keeps a browser's shared memory in files, since a container may have little of it (64 MB). Where there is
 * enough, it is a tenth quicker there.
 */
function hasSharedMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize >= 2 ** 30;
  } catch {
    return false;
  }
}

/** What a browser does and hears, written down. */
export class Watch {
  /** `METHOD URL` of every request, redirects included. */
  readonly requests: string[] = [];
  /** What the browser wrote on its console; a violated policy is among it. */
  readonly complaints: string[] = [];
  readonly #answers: Promise<string[]>[] = [];

  constructor(context: BrowserContext) {
    context.on('request', (request) => this.requests.push(`${request.method()} ${request.url()}`));
    context.on('response', (response) => this.#answers.push(cookiesOf(response)));
    context.on('console', (message) => this.complaints.push(`${message.type()}: ${message.text()}`));
    context.on('weberror', (error) => this.complaints.push(`error: ${error.error().message}`));
  }

  /** `URL: name` of every cookie that an answer set or cleared. */
  async cookies(): Promise<string[]> {
    return (await Promise.all(this.#answers)).flat();
  }
}

async function cookiesOf(response: Response): Promise<string[]> {
  const headers = await response.headersArray().catch(() => []); // an answer that the browser no longer waited for
  const set = headers.filter(({ name }) => name.toLowerCase() === 'set-cookie');
  return set.map(({ value }) => `${response.url()}: ${value.split('=', 1)[0]}`);
}

export class Person {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly watch: Watch;

  constructor(context: BrowserContext, page: Page, watch: Watch) {
    this.context = context;
    this.page = page;
    this.watch = watch;
  }

  /** Another tab of the same browser. */
  async tab(): Promise<Person> {
    return new Person(this.context, await this.context.newPage(), this.watch);
  }

  /** Types an address; the status of the page that it ends on. */
  async open(url: string): Promise<number> {
    return (await this.page.goto(url))?.status() ?? 0;
  }

  /** The one button of the page's main form. */
  get mainButton(): Locator {
    return this.page.locator('main form button[type=submit]');
  }

  /** Presses the one button of the main form, or another one by its words, and waits for the page that it leads to. */
  async press(words?: string): Promise<void> {
    const button = words === undefined ? this.mainButton : this.page.getByRole('button', { name: words });
    await this.arrive(() => button.click());
  }

  /** Follows a link by its words. */
  async follow(words: string): Promise<void> {
    await this.arrive(() => this.page.getByRole('link', { name: words }).click());
  }

  /** Does something that leads to another page, and waits until that is there. */
  async arrive(act: () => Promise<unknown>): Promise<void> {
    const arrived = this.page.waitForEvent('load');
    await Promise.all([arrived, act()]);
  }

  /** From the petition's page to the confirm page. */
  async logIn(petition: string, login: string): Promise<string[]> {
    await this.open(petition);
    await this.press();
    return this.passFranceConnect(login);
  }

  /** The whole journey, to the receipt. */
  async sign(petition: string, login: string, department?: string): Promise<void> {
    await this.logIn(petition, login);
    if (department !== undefined) await this.page.locator('select[name=department]').selectOption(department);
    await this.press();
  }

  /** Puts the mouse on the main button: what is returned presses there, whether or not the last answer has come. */
  async aim(): Promise<() => Promise<void>> {
    await this.mainButton.scrollIntoViewIfNeeded();
    const box = await this.mainButton.boundingBox();
    if (box === null) throw new Error('the button is not on the screen');
    return () => this.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  }

  /**
   * The net goes away: the first request to such an address, also where a redirect leads there, gets no answer. Waits
   * until it was made; the next ones pass.
   */
  async loseAnswer(urlPattern: string, act: () => Promise<unknown>): Promise<void> {
    const session = await this.context.newCDPSession(this.page);
    const asked = Promise.withResolvers<void>();
    session.once('Fetch.requestPaused', () => {
      asked.resolve();
      session.on('Fetch.requestPaused', ({ requestId }) => void session.send('Fetch.continueRequest', { requestId }));
    });
    await session.send('Fetch.enable', { patterns: [{ urlPattern }] });
    await Promise.all([asked.promise, act()]);
  }

  /** The page's title for its reader, narrow spaces written as plain ones. */
  async heading(): Promise<string> {
    return plain(await this.page.locator('h1').textContent());
  }

  /** What can be read on the screen. */
  async text(): Promise<string> {
    // biome-ignore lint/performance/useDomNodeTextContent: only this leaves out what is not shown
    return plain(await this.page.locator('body').innerText());
  }

  /** Fills and sends FranceConnect's login form. */
  async logInHere(login: string): Promise<void> {
    await this.page.locator('input[name=login]').fill(login);
    await this.page.locator('input[name=password]').fill('123');
    await this.press();
  }

  /** From FranceConnect's first page back to ours, whatever it asks on the way: the titles of the pages that were shown. */
  async passFranceConnect(login: string): Promise<string[]> {
    const shown: string[] = [];
    while (this.page.url().includes('/api/v2/interaction/') && shown.length < 5) {
      shown.push(await this.heading());
      if ((await this.page.locator('input[name=login]').count()) > 0) await this.logInHere(login);
      else await this.press();
    }
    return shown;
  }

  /** Downloads the receipt of the open page, as the person would. */
  async receipt(): Promise<{ jwt: string; claims: Record<string, unknown> }> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.page.locator('a[href*="/receipt.jwt"]').click(),
    ]);
    const jwt = await readFile(await download.path(), 'utf8');
    const payload = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8');
    return { jwt, claims: JSON.parse(payload) as Record<string, unknown> };
  }

  /** The names of every cookie of this browser, FranceConnect's too. */
  async cookies(): Promise<string[]> {
    return (await this.context.cookies()).map(({ name }) => name).sort();
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

/** French sets narrow spaces before its signs; whoever reads a test need not see which. */
function plain(text: string | null): string {
  return (text ?? '').replace(/\s+/g, ' ').trim();
}
