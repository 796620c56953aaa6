/**
 * The identity provider as we know it now: its discovery document and its keys, together one snapshot. Fetched when
 * first needed, renewed every ten minutes (FranceConnect's `max-age`) while logins go on with the last one, and renewed
 * at once, but at most every few seconds, when a signature does not verify. Every JWK Set is archived before a token is
 * checked with it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import * as client from 'openid-client';
import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { ExchangeReport, IdentityKeyArchive } from './ports.ts';
import type { ProviderSettings } from './profile.ts';
import { type Answer, createTransport, type Fetch, ProviderUnavailable } from './transport.ts';
import { toResponse } from './whole-response.ts';

export type Snapshot = {
  readonly configuration: client.Configuration;
  readonly server: Readonly<client.ServerMetadata>;
  readonly jwks: string;
  readonly at: number;
  /** Where the browser is sent to. */
  readonly origins: readonly string[];
};

export type IssuerDependencies = {
  readonly archive: IdentityKeyArchive;
  readonly clock: Clock;
  /** Told each call to the provider once it is over. */
  readonly exchanged?: (report: ExchangeReport) => void;
};

const FRESH_MS = 600_000;

export class Issuer {
  readonly settings: ProviderSettings;
  readonly #transport: { fetch: Fetch; close(): void };
  readonly #deps: IssuerDependencies;
  readonly #cooldownMs: number;
  readonly #ownOrigin: readonly string[];
  /** The answers of one login, so that it can be checked again with fresh keys: a code serves once. */
  readonly #answers = new AsyncLocalStorage<Map<string, Answer>>();
  #snapshot: Snapshot | undefined;
  #loading: Promise<Snapshot> | undefined;
  #tried = Number.NEGATIVE_INFINITY;

  constructor(settings: ProviderSettings, deps: IssuerDependencies, cooldownMs = 10_000) {
    this.settings = settings;
    this.#ownOrigin = [new URL(settings.issuer).origin];
    this.#deps = deps;
    this.#cooldownMs = cooldownMs;
    this.#transport = createTransport(settings.timeoutMs);
  }

  /** @throws ProviderUnavailable, or Refusal `identity-provider-unavailable` for a simulation that is not allowed */
  async current(): Promise<Snapshot> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return this.#load();
    if (this.#now() - snapshot.at > FRESH_MS && this.#rested()) this.#load().catch(() => {}); // goes on with the last one
    return snapshot;
  }

  /** A snapshot with other keys than the one that failed, if there is one now. */
  async newer(failed: Snapshot): Promise<Snapshot | undefined> {
    // Whoever fails while the keys are being fetched waits for them: a rotation meets many logins at once.
    if (this.#snapshot === failed && (this.#loading !== undefined || this.#rested())) await this.#load();
    const now = this.#snapshot;
    return now !== undefined && now.jwks !== failed.jwks ? now : undefined;
  }

  /** Within `work`, each endpoint of the provider is asked once; asked again, it gives the same answer. */
  once<T>(work: () => Promise<T>): Promise<T> {
    return this.#answers.run(new Map(), work);
  }

  /** Origins that a form of ours may end up at (CSP `form-action`), as far as they are known. */
  origins(): readonly string[] {
    return this.#snapshot?.origins ?? this.#ownOrigin;
  }

  close(): void {
    this.#transport.close();
  }

  #now(): number {
    return this.#deps.clock().getTime();
  }

  #rested(): boolean {
    return performance.now() - this.#tried >= this.#cooldownMs;
  }

  #load(): Promise<Snapshot> {
    this.#loading ??= this.#fetchSnapshot().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #fetchSnapshot(): Promise<Snapshot> {
    this.#tried = performance.now();
    const { settings } = this;
    const configuration = await discover(settings, (url, options) => this.#fetch(url, options));
    const server = configuration.serverMetadata();
    if (server.paraphe_simulated_identity === true && !settings.allowSimulated) {
      throw new Refusal('identity-provider-unavailable', 'it is a simulation; ALLOW_SIMULATED_IDENTITY=1 allows it');
    }
    checkAddresses(server, settings.issuer);
    const jwks = await this.#fetchKeys(server.jwks_uri);
    client.setJwksCache(configuration, { jwks: JSON.parse(jwks), uat: Math.floor(Date.now() / 1000) });
    this.#snapshot = { configuration, server, jwks, at: this.#now(), origins: originsOf(this.settings, server) };
    return this.#snapshot;
  }

  /** Fetches and archives the JWK Set; returns its exact bytes as text. */
  async #fetchKeys(uri: string | undefined): Promise<string> {
    if (uri === undefined) throw new ProviderUnavailable('its discovery document names no jwks_uri');
    const answer = await this.#exchange('jwks', uri, { method: 'GET', headers: { accept: 'application/json' } });
    const jwks = answer.body?.toString('utf8') ?? '';
    if (answer.status !== 200 || !isJwks(jwks)) throw new ProviderUnavailable('its jwks_uri serves no JWK Set');
    await this.#deps.archive.keep(this.settings.issuer, Buffer.from(jwks));
    return jwks;
  }

  async #fetch(url: string, options: Parameters<Fetch>[1]): Promise<Response> {
    // openid-client refetches keys on a timer of its own; here they come from the snapshot, archived and cooled down.
    const { jwks, server } = this.#snapshot ?? {};
    if (jwks !== undefined && url === server?.jwks_uri) {
      return new Response(jwks, { headers: { 'content-type': 'application/json' } });
    }
    const answers = this.#answers.getStore();
    const known = answers?.get(url);
    const answer = known ?? (await this.#exchange(this.#endpointOf(url), url, this.#withBearerInBody(url, options)));
    answers?.set(url, answer);
    return toResponse(answer);
  }

  async #exchange(endpoint: ExchangeReport['endpoint'], url: string, options: Parameters<Fetch>[1]): Promise<Answer> {
    const begin = performance.now();
    const tell = (failure: ExchangeReport['failure']) =>
      this.#deps.exchanged?.({ endpoint, seconds: (performance.now() - begin) / 1000, failure });
    try {
      const answer = await this.#transport.fetch(url, options);
      tell(answer.status === 200 ? undefined : 'refused');
      return answer;
    } catch (error) {
      tell(error instanceof ProviderUnavailable ? error.failure : 'network');
      throw error;
    }
  }

  #endpointOf(url: string): ExchangeReport['endpoint'] {
    const { token_endpoint: token, userinfo_endpoint: userinfo } = this.#snapshot?.server ?? {};
    if (url === token) return 'token';
    return url === userinfo ? 'userinfo' : 'discovery';
  }

  #withBearerInBody(url: string, options: Parameters<Fetch>[1]): Parameters<Fetch>[1] {
    if (this.settings.bearer === 'header' || url !== this.#snapshot?.server.userinfo_endpoint) return options;
    const headers = new Headers(options.headers);
    const token = headers.get('authorization')?.replace(/^Bearer /i, '') ?? '';
    headers.delete('authorization');
    headers.set('content-type', 'application/x-www-form-urlencoded');
    return { ...options, method: 'POST', headers, body: new URLSearchParams({ access_token: token }) };
  }
}

/** Discovery (OpenID Connect Discovery 1.0), with the algorithms pinned and signatures of both tokens checked. */
async function discover(settings: ProviderSettings, fetch: client.CustomFetch): Promise<client.Configuration> {
  const { clientId, clientSecret, clientAuth } = settings;
  const auth = clientAuth === 'client_secret_post' ? client.ClientSecretPost : client.ClientSecretBasic;
  const metadata: Partial<client.ClientMetadata> = {
    id_token_signed_response_alg: settings.idTokenAlg,
    ...(settings.userinfoAlg === 'none' ? {} : { userinfo_signed_response_alg: settings.userinfoAlg }),
  };
  const isPlainHttp = settings.issuer.startsWith('http:'); // only ever a loopback address: see config.ts
  const configuration = await client.discovery(new URL(settings.issuer), clientId, metadata, auth(clientSecret), {
    [client.customFetch]: fetch,
    timeout: settings.timeoutMs / 1000,
    execute: [client.enableNonRepudiationChecks, ...(isPlainHttp ? [client.allowInsecureRequests] : [])],
  });
  configuration.timeout = 0; // the transport's own clock covers the whole exchange
  return configuration;
}

const NEEDED = ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri'] as const;

/** Its addresses end up in redirects and in every page's headers: a document with one that is none is not taken. */
function checkAddresses(server: Readonly<client.ServerMetadata>, issuer: string): void {
  const { end_session_endpoint: logout } = server;
  const wrong = NEEDED.find((name) => !isAddress(server[name], issuer));
  if (wrong !== undefined) throw new ProviderUnavailable(`its discovery document has no usable ${wrong}`);
  if (logout !== undefined && !isAddress(logout, issuer)) {
    throw new ProviderUnavailable('its discovery document has no usable end_session_endpoint');
  }
}

/** On https, or on http where the issuer itself is. */
function isAddress(value: unknown, issuer: string): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url !== null && (url.protocol === 'https:' || url.protocol === new URL(issuer).protocol);
}

function isJwks(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys);
  } catch {
    return false;
  }
}

function originsOf({ issuer }: ProviderSettings, server: client.ServerMetadata): readonly string[] {
  const urls = [issuer, server.authorization_endpoint, server.end_session_endpoint];
  return [...new Set(urls.flatMap((url) => (url === undefined ? [] : new URL(url).origin)))];
}
