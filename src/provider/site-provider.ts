/**
 * Petition sites sign people in with Paraphe: the OpenID Provider, its registered sites, and the seam to the gateway's own
 * journey. The library checks a site's request and hands the browser over (`begin`); the journey ends in exactly one of
 * `admit` and `refuse`, each of which says where the browser goes on to: back to the library, which answers the site.
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';
import type { Day } from '../clock.ts';
import { Refusal, type RefusalCode } from '../errors.ts';
import type { KeyEncryptionKey } from '../key-encryption.ts';
import type { Nym } from '../person/nym.ts';
import type { Person } from '../person/person.ts';
import type { Pseudonyms } from '../person/pseudonym.ts';
import type { Petition, PetitionId } from '../petitions/petition.ts';
import type { ReceiptKeys } from '../receipt/keys.ts';
import { sealedAdapter } from './adapter.ts';
import { clientMetadata, cookieNames, LIFETIMES, providerConfiguration, RESPONSE_MODES } from './configuration.ts';
import { keepSites } from './kept-sites.ts';
import { accountOf } from './logins.ts';
import { petitionOf } from './petition-signature.ts';
import type { ProviderRows, SiteStore } from './ports.ts';
import { refusedFor } from './refused.ts';
import { SealedRows } from './sealed-rows.ts';
import type { Site, SiteId } from './site.ts';
import { computeSiteNym, openClientSecret } from './site-key.ts';

export type SiteProviderDeps = {
  /** The gateway's public address. */
  readonly origin: string;
  readonly sites: SiteStore;
  readonly rows: ProviderRows;
  /** The key of this moment: destroying a petition's pseudonyms replaces it. */
  readonly keyEncryptionKey: () => KeyEncryptionKey;
  readonly pseudonyms: Pseudonyms;
  /** The keys of this moment sign id_tokens too: their `typ` tells them from receipts. */
  readonly receiptKeys: () => ReceiptKeys;
  findPetition(id: PetitionId): Promise<Petition | undefined>;
  today(): Day;
  /** The levels that logins can have, for discovery. */
  readonly acrValues: readonly string[];
  /** Told of a bug, or of storage that fails. */
  failed(error: unknown): void;
};

/** A site's request, checked, as the journey serves it. */
export type SiteRequest = {
  /** Names the request in this gateway; 21 characters of base64url. */
  readonly uid: string;
  readonly site: Site;
  /** The petition that it asks a signature of; `undefined` asks for a login alone. */
  readonly petition: PetitionId | undefined;
  /** The languages that the site asks for, best first. */
  readonly locales: readonly string[];
};

/** Who came back from the identity provider, as a site may know them. */
export type Subject = {
  /** Their pairwise pseudonym at this site. */
  readonly sub: Nym;
  /** The level of assurance, as the identity provider gave it. */
  readonly acr: string | undefined;
  /** When they proved who they are there, in seconds since 1970. */
  readonly authTime: number;
};

/** Seconds by which the identity provider's clock may be behind. */
const CLOCKS_DIFFER = 2;

type Handle = (req: IncomingMessage, res: ServerResponse) => Promise<void>;
type Engine = { readonly kid: string; readonly provider: Provider; readonly handle: Handle };

export class SiteProvider {
  readonly #deps: SiteProviderDeps;
  readonly #rows: SealedRows;
  readonly #findSite: SiteStore['find'];
  readonly #refusers = new WeakMap<IncomingMessage, (error: unknown) => void>();
  readonly #sessionCookie: string;
  readonly #host: string;
  readonly #scheme: string;
  #engine: Engine | undefined;

  constructor(deps: SiteProviderDeps) {
    this.#deps = deps;
    this.#rows = new SealedRows(deps.rows);
    this.#findSite = keepSites(deps.sites);
    this.#sessionCookie = cookieNames(deps.origin.startsWith('https:')).session;
    const { protocol, host } = new URL(deps.origin);
    this.#scheme = protocol.slice(0, -1);
    this.#host = host;
    this.#current(); // what is wrong with the set-up shows at the start
  }

  /** Serves everything under `/oidc`. @param refuse told what is to be shown as a page of ours */
  async handle(req: IncomingMessage, res: ServerResponse, refuse: (error: unknown) => void): Promise<void> {
    // Addresses are built from the request: it is told our own, whatever a client or a proxy said.
    req.headers.host = this.#host;
    req.headers['x-forwarded-proto'] = this.#scheme;
    delete req.headers['x-forwarded-host'];
    this.#refusers.set(req, refuse);
    await this.#current().handle(req, res);
  }

  /** The request that this browser was handed over with. @throws Refusal `site-request-unknown`, `site-unavailable` */
  async begin(req: IncomingMessage, res: ServerResponse): Promise<SiteRequest> {
    const { provider } = this.#current();
    const interaction = await provider.interactionDetails(req, res).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'SessionNotFound') throw new Refusal('site-request-unknown');
      throw error;
    });
    const { client_id: id, authorization_details: details, ui_locales: locales } = interaction.params;
    const site = await this.getSite(String(id));
    return {
      uid: interaction.uid,
      site,
      petition: petitionOf(details),
      locales: typeof locales === 'string' ? locales.split(' ') : [],
    };
  }

  /** @throws Refusal `site-unavailable` */
  async getSite(id: string): Promise<Site> {
    const site = await this.#findSite(id as SiteId);
    if (site === undefined) throw new Refusal('site-unavailable', 'it is not registered any more');
    return site;
  }

  computeNym(site: Site, person: Person): Promise<Nym> {
    const { keyEncryptionKey, pseudonyms } = this.#deps;
    return computeSiteNym({ keyEncryptionKey: keyEncryptionKey(), pseudonyms }, site, person);
  }

  /**
   * Checks that a login is as young as the site asks (`max_age`, OpenID Connect Core §3.1.2.1) when it asks: who logs in for
   * its request always is, however long they read after that.
   * @param authTime in seconds since 1970
   * @throws Refusal `login-too-old`
   */
  async checkLoginAge(uid: string, authTime: number): Promise<void> {
    const interaction = await this.#current().provider.Interaction.find(uid);
    if (interaction?.params.max_age === undefined) return;
    const age = interaction.iat - authTime; // negative for a login that was made for it
    if (age > Number(interaction.params.max_age) + CLOCKS_DIFFER) throw new Refusal('login-too-old');
  }

  /** @throws Refusal `site-request-unknown` when nobody waits for the outcome any more */
  async checkWaiting(uid: string): Promise<void> {
    await this.#waiting(uid);
  }

  /**
   * Ends the journey well.
   * @param receipt with the site as its audience, where a signature was asked for
   * @returns where the browser goes on to
   * @throws Refusal `site-request-unknown`
   */
  async admit(uid: string, { sub, acr, authTime }: Subject, receipt: string | undefined): Promise<string> {
    const interaction = await this.#waiting(uid);
    const accountId = accountOf({ sub, receipt });
    return this.#finish(interaction, {
      login: { accountId, ts: authTime, remember: false, ...(acr === undefined ? {} : { acr }) },
      consent: {},
    });
  }

  /**
   * Ends the journey with the standard error for a refusal. @returns where the browser goes on to, `undefined` when nobody
   * waits any more
   */
  async refuse(uid: string, code: RefusalCode): Promise<string | undefined> {
    const interaction = await this.#current().provider.Interaction.find(uid);
    return interaction && this.#finish(interaction, refusedFor(code));
  }

  /** Name and path of the cookie that handed the browser over, to be cleared when the journey ends. */
  cookieOf(uid: string): { name: string; path: string } {
    const { interaction } = cookieNames(this.#deps.origin.startsWith('https:'));
    return { name: interaction, path: `/oidc/interaction/${uid}` };
  }

  sweep(): Promise<void> {
    return this.#rows.sweep();
  }

  async #waiting(uid: string) {
    const interaction = await this.#current().provider.Interaction.find(uid);
    if (interaction === undefined) throw new Refusal('site-request-unknown');
    return interaction;
  }

  async #finish(
    interaction: InstanceType<Provider['Interaction']>,
    result: typeof interaction.result,
  ): Promise<string> {
    interaction.result = result;
    await interaction.save(LIFETIMES.finished);
    const { pathname } = new URL(interaction.returnTo);
    return pathname;
  }

  /** The engine of the key that signs now: a rotation makes another, and what waits is in storage. */
  #current(): Engine {
    const keys = this.#deps.receiptKeys();
    if (this.#engine?.kid !== keys.kid) this.#engine = this.#create(keys);
    return this.#engine;
  }

  #create(keys: ReceiptKeys): Engine {
    const { origin, acrValues, findPetition, today, failed, keyEncryptionKey } = this.#deps;
    const findSite = (id: string) => this.#findSite(id as SiteId);
    const provider = new Provider(
      `${origin}/oidc`,
      providerConfiguration({
        origin,
        acrValues,
        findSite,
        petitions: { findPetition, today },
        jwks: { keys: [{ ...keys.privateKey.export({ format: 'jwk' }), kid: keys.kid, use: 'sig', alg: 'ES256' }] },
        adapter: sealedAdapter(this.#rows, LIFETIMES, async (id) => {
          const site = await findSite(id);
          if (site === undefined) return undefined;
          const { sealedSecret: sealed } = site;
          return clientMetadata(site, sealed && openClientSecret(keyEncryptionKey(), site.id, sealed));
        }),
        refuse: (ctx, error, description) => {
          ctx.respond = false;
          const reason = [error, description].filter((text) => text !== undefined).join(': ');
          this.#refusers.get(ctx.req)?.(new Refusal('site-request-refused', reason));
        },
      }),
    );
    provider.proxy = true; // see handle(): what it trusts are the headers that we set
    // No session is kept, so none is named: the library would set its cookie all the same.
    provider.use(async (ctx, next) => {
      await next();
      describeWhatIsOurs(ctx.body);
      const cookies = ctx.res.getHeader('set-cookie');
      if (!Array.isArray(cookies)) return;
      const kept = cookies.filter((cookie) => !cookie.startsWith(`${this.#sessionCookie}=`));
      if (kept.length === 0) ctx.remove('set-cookie');
      else ctx.set('set-cookie', kept);
    });
    // Not by a page that posts itself, which our pages may not: a mistake is told in the address.
    provider.on('authorization.error', ({ oidc }) => {
      if (oidc.params?.response_mode === 'form_post') oidc.params.response_mode = undefined;
    });
    provider.on('server_error', (_ctx, error) => failed(error));
    const koa: EventEmitter = provider;
    koa.on('error', (error: unknown) => failed(error)); // with a listener of ours, Koa prints nothing
    return { kid: keys.kid, provider, handle: provider.callback() };
  }
}

/** Discovery lists what the library has; our sites get an answer in these ways alone, and there is no session to name. */
function describeWhatIsOurs(body: unknown): void {
  if (typeof body !== 'object' || body === null || !('response_modes_supported' in body)) return;
  body.response_modes_supported = RESPONSE_MODES;
  if (!('claims_supported' in body) || !Array.isArray(body.claims_supported)) return;
  body.claims_supported = body.claims_supported.filter((claim) => claim !== 'sid');
}
