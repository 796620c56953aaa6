/**
 * The OpenID Provider for petition sites: oidc-provider, with everything off that is not promised. Authorization code with
 * PKCE S256 for every client, PAR, `iss` in the response (RFC 9207), pairwise `sub`, ES256 id_tokens of `sub acr auth_time`,
 * no session, no refresh tokens, no registration, no other grant.
 */
import {
  type AdapterFactory,
  type AllClientMetadata,
  type AuthorizationDetail,
  type Configuration,
  errors,
  interactionPolicy,
  type JWKS,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { loginOf } from './logins.ts';
import { checkDetail, PETITION_SIGNATURE, petitionOf } from './petition-signature.ts';
import { isLoopback, SITE_AUTH_METHODS, type Site } from './site.ts';

/** In seconds. What holds something of a person lives ten minutes at most, the sweep included. */
export const LIFETIMES = {
  /** From the site's request to the end of the journey: it holds the request, and nothing of a person. */
  interaction: 30 * 60,
  /** From the end of the journey to the code: a logout at the identity provider may come in between. */
  finished: 5 * 60,
  code: 60,
  token: 2 * 60,
} as const;

export type ConfigurationDeps = {
  readonly origin: string;
  readonly adapter: AdapterFactory;
  readonly jwks: JWKS;
  readonly acrValues: readonly string[];
  findSite(clientId: string): Promise<Site | undefined>;
  readonly petitions: Parameters<typeof checkDetail>[3];
  /** Shows a request's mistake to the person, where there is no address to send it back to. */
  refuse(ctx: KoaContextWithOIDC, error: string, description: string | undefined): void;
};

/** In the address: an answer that posts itself would need a script on a page of ours. */
export const RESPONSE_MODES = ['query', 'fragment'] as const;

/** Cookies of the request under way. They are bound to the journey's own path, which `__Host-` does not allow. */
export function cookieNames(isHttps: boolean) {
  const prefix = isHttps ? '__Secure-' : '';
  return {
    interaction: `${prefix}paraphe_site`,
    resume: `${prefix}paraphe_site_resume`,
    session: `${prefix}paraphe_site_session`,
  };
}

export function providerConfiguration(deps: ConfigurationDeps): Configuration {
  const isHttps = deps.origin.startsWith('https:');
  const cookie = { httpOnly: true, sameSite: 'lax', secure: isHttps, signed: false, overwrite: true } as const;
  const detailsOf = (details: unknown) => details as AuthorizationDetail[] | undefined;
  return {
    adapter: deps.adapter,
    jwks: deps.jwks,
    acrValues: [...deps.acrValues],
    scopes: ['openid'],
    claims: { openid: ['sub', 'acr', 'auth_time'] },
    subjectTypes: ['pairwise'],
    responseTypes: ['code'],
    clientAuthMethods: [...SITE_AUTH_METHODS],
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256'],
      clientAuthSigningAlgValues: ['ES256', 'PS256', 'RS256'],
    },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    clockTolerance: 5,
    // OpenID Connect Core §3.1.2.1 asks for it; the library, that a session's cookie then go to other sites: there is none.
    enableHttpPostMethods: true,
    cookies: { names: cookieNames(isHttps), short: cookie, long: { ...cookie, sameSite: 'none' } },
    ttl: {
      Interaction: LIFETIMES.interaction,
      AuthorizationCode: LIFETIMES.code,
      AccessToken: LIFETIMES.token,
      IdToken: LIFETIMES.token,
      Session: LIFETIMES.code,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: true },
      userinfo: { enabled: true },
      // The library wants every authorization detail to be about a resource: ours are about the gateway. Access tokens are
      // for userinfo alone.
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) => (ctx.oidc.params?.authorization_details === undefined ? [] : deps.origin),
        getResourceServerInfo: (_ctx, resource) => {
          if (resource !== deps.origin) throw new errors.InvalidTarget();
          return { scope: '', accessTokenFormat: 'opaque' };
        },
      },
      richAuthorizationRequests: {
        enabled: true,
        types: {
          [PETITION_SIGNATURE]: {
            validate: async (ctx, detail, client) =>
              checkDetail(
                detail,
                ctx.oidc.params?.authorization_details,
                await deps.findSite(client.clientId),
                deps.petitions,
              ),
          },
        },
        authorizationDetailsForGrantSource: async (ctx) => detailsOf(ctx.oidc.entities.Grant?.rar),
        authorizationDetailsForAccessToken: async (_ctx, token, source) => {
          const receipt = 'accountId' in token ? loginOf(token.accountId).receipt : undefined;
          const details = detailsOf(source && 'rar' in source ? source.rar : undefined);
          return details?.map((detail) => ({ ...detail, receipt }));
        },
      },
    },
    interactions: {
      policy: interactionPolicy.base(),
      url: (_ctx, interaction) => `/oidc/interaction/${interaction.uid}`,
    },
    // Each request is asked anew: what its own interaction ended in is the only grant, and is stored with its code.
    loadExistingGrant: async ({ oidc: { provider, account, client, params, result } }) => {
      if (result?.consent === undefined) return undefined;
      const grant = new provider.Grant({ accountId: account?.accountId, clientId: client?.clientId });
      grant.addOIDCScope('openid');
      const petition = petitionOf(params?.authorization_details);
      if (petition !== undefined) grant.addRar({ type: PETITION_SIGNATURE, petition });
      return grant;
    },
    expiresWithSession: () => false,
    clientBasedCORS: () => false,
    // What the library knows as an account is the login itself; a site is told its pseudonym of the person.
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    pairwiseIdentifier: async (_ctx, accountId) => loginOf(accountId).sub,
    renderError: (ctx, { error, error_description: description }) => deps.refuse(ctx, error, description),
    // The keys of a site are where its operator's command says; on a developer's machine that is this machine, which the
    // library's own guard against requests to the inside would refuse.
    fetch: (url, options) => {
      const isLocal = isLoopback(new URL(deps.origin).hostname) && isLoopback(new URL(url).hostname);
      const { dispatcher, ...plain } = options as RequestInit & { dispatcher?: unknown };
      return fetch(url, isLocal || dispatcher === undefined ? plain : options);
    },
  };
}

/** A site as the library knows a client. */
export function clientMetadata(site: Site, secret: string | undefined): AllClientMetadata {
  return {
    client_id: site.id,
    client_name: site.name,
    redirect_uris: site.redirectUris,
    token_endpoint_auth_method: site.auth,
    ...(secret === undefined ? {} : { client_secret: secret }),
    ...(site.jwksUri === undefined ? {} : { jwks_uri: site.jwksUri }),
    application_type: 'web',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    response_modes: [...RESPONSE_MODES],
    subject_type: 'pairwise',
    id_token_signed_response_alg: 'ES256',
    authorization_details_types: site.petitions.length === 0 ? [] : [PETITION_SIGNATURE],
    scope: 'openid',
  };
}
