/** A service that logs people in with the simulated FranceConnect, with openid-client as its OpenID side. */
import * as oidc from 'openid-client';
import type { Client } from '../../src/demo/franceconnect/clients.ts';
import {
  type FranceConnect,
  type FranceConnectOptions,
  startFranceConnect,
} from '../../src/demo/franceconnect/server.ts';
import { Browser } from '../fakes/browser.ts';

export const CALLBACK = 'http://127.0.0.1:9/callback';
export const AFTER_LOGOUT = 'http://127.0.0.1:9/logout/callback';

export const CLIENT: Client = {
  clientId: 'paraphe',
  clientSecret: '5'.repeat(64),
  entityId: 'entity-of-paraphe',
  name: 'Paraphe',
  redirectUris: [CALLBACK],
  postLogoutRedirectUris: [AFTER_LOGOUT],
};

export type Parameters = Record<string, string | undefined>;

export const NONCE = 'a1'.repeat(32);
export const STATE = 'b2'.repeat(32);

export class RelyingParty implements AsyncDisposable {
  readonly franceConnect: FranceConnect;
  readonly client: Client;
  #config: oidc.Configuration | undefined;

  static async start(client: Partial<Client> = {}, options: Partial<FranceConnectOptions> = {}): Promise<RelyingParty> {
    const registered = { ...CLIENT, ...client };
    const franceConnect = await startFranceConnect({
      port: 0,
      publicHost: '127.0.0.1',
      dataDir: undefined,
      clients: [registered],
      onError: (error) => console.error(error),
      ...options,
    });
    return new RelyingParty(franceConnect, registered);
  }

  private constructor(franceConnect: FranceConnect, client: Client) {
    this.franceConnect = franceConnect;
    this.client = client;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.franceConnect.close();
  }

  /** A browser that stops at the door of the service. */
  browser(): Browser {
    return new Browser({ stopAt: (url) => url.port === '9' });
  }

  async config(): Promise<oidc.Configuration> {
    const { clientId, clientSecret, signingAlg = 'ES256', tokenAuth, userinfo } = this.client;
    const metadata = {
      id_token_signed_response_alg: signingAlg,
      ...(userinfo === 'json' ? {} : { userinfo_signed_response_alg: signingAlg }),
    };
    const authentication =
      tokenAuth === 'client_secret_basic' ? oidc.ClientSecretBasic(clientSecret) : oidc.ClientSecretPost(clientSecret);
    this.#config ??= await oidc.discovery(new URL(this.franceConnect.issuer), clientId, metadata, authentication, {
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
    });
    return this.#config;
  }

  /** Forgets the provider's documents and keys. */
  forget(): void {
    this.#config = undefined;
  }

  /** The address of a login; `undefined` takes a parameter out. */
  authorizeUrl(parameters: Parameters = {}): string {
    const url = new URL(`${this.franceConnect.issuer}/authorize`);
    const all: Parameters = {
      client_id: this.client.clientId,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'openid birthdate',
      acr_values: 'eidas1',
      nonce: NONCE,
      state: STATE,
      ...parameters,
    };
    for (const [name, value] of Object.entries(all)) if (value !== undefined) url.searchParams.set(name, value);
    return url.href;
  }

  /** A whole login in a browser; ends at the service's callback. */
  async logIn(login: string, browser: Browser = this.browser(), parameters: Parameters = {}): Promise<URL> {
    await browser.get(this.authorizeUrl(parameters));
    await browser.submit();
    await browser.submit({ login, password: '123' });
    await browser.submit();
    return new URL(browser.page.url);
  }

  /** What the service does with a callback: exchange, checks, userinfo. */
  async redeem(callback: URL, checks: oidc.AuthorizationCodeGrantChecks = {}) {
    const config = await this.config();
    const wanted = { expectedNonce: NONCE, expectedState: STATE, ...checks };
    const tokens = await oidc.authorizationCodeGrant(config, callback, wanted);
    const claims = tokens.claims();
    if (claims === undefined) throw new Error('no id_token');
    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
    return { tokens, claims, userinfo };
  }

  /** A request to the token endpoint by hand. */
  token(callback: URL, parameters: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.franceConnect.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: callback.searchParams.get('code') ?? '',
        redirect_uri: CALLBACK,
        client_id: this.client.clientId,
        client_secret: this.client.clientSecret,
        ...parameters,
      }),
    });
  }

  userinfo(accessToken: string): Promise<Response> {
    return fetch(`${this.franceConnect.issuer}/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } });
  }

  endSessionUrl(parameters: Parameters): string {
    const url = new URL(`${this.franceConnect.issuer}/session/end`);
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
    return url.href;
  }
}

export async function json(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}
