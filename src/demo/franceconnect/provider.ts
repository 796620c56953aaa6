/**
 * The OpenID engine: oidc-provider, which is FranceConnect's own, set up with FranceConnect low's lifetimes and claims
 * (france-connect/sources, back/instances/core-fcp-low/src/config/oidc-provider.ts). It issues every token; what
 * FranceConnect adds in front and behind stands in the other files.
 */
import { type AdapterFactory, type Configuration, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { type FindCitizen, identityClaims, pivotIdentity } from './citizens.ts';
import { type Client, clientMetadata, type Rules } from './clients.ts';
import { engineKeys, SIGNING_ALGORITHMS } from './keys.ts';
import { endSession } from './logout.ts';
import { errorPage, type Page, pageHeaders, renderPage, TECHNICAL_ERROR } from './pages.ts';
import type { Platform } from './platform.ts';
import { PLATFORM_ACR, pickAcr } from './rules.ts';
import { CLAIMS, SCOPES } from './scopes.ts';
import { subjectOf } from './subject.ts';

const CODE_SECONDS = 30;
const GRANT_SECONDS = 30;
export const TOKEN_SECONDS = 60;
/** Sliding: each journey of a live session prolongs it. */
export const SESSION_SECONDS = 1800;

export type ProviderDeps = {
  rules: Rules;
  clients: readonly Client[];
  findCitizen: FindCitizen;
  adapter: AdapterFactory;
  /** Where our own forms may lead. */
  formTargets: readonly string[];
};

export function createProvider(platform: Platform, deps: ProviderDeps): Provider {
  const { rules, clients, findCitizen, adapter, formTargets } = deps;
  const entityOf = new Map(clients.map((client) => [client.clientId, client.entityId]));
  const show = (ctx: KoaContextWithOIDC, page: Page) => {
    ctx.set({ ...pageHeaders(formTargets), 'content-type': 'text/html; charset=utf-8' });
    ctx.body = renderPage(page);
  };
  const showLoggedOut = (ctx: KoaContextWithOIDC) => show(ctx, { name: 'logged-out', model: {} });
  const provider = new Provider(platform.issuer, {
    adapter,
    clients: clients.map((client) => clientMetadata(client, rules)),
    jwks: { keys: engineKeys(platform.keys) },
    acrValues: [PLATFORM_ACR],
    scopes: SCOPES,
    claims: { ...CLAIMS, acr: null, auth_time: null, iss: null },
    subjectTypes: ['pairwise'],
    responseTypes: ['code'],
    clientAuthMethods:
      rules === 'franceconnect' ? ['client_secret_post'] : ['client_secret_post', 'client_secret_basic'],
    allowOmittingSingleRegisteredRedirectUri: false,
    clockTolerance: 0,
    enabledJWA: {
      idTokenSigningAlgValues: [...SIGNING_ALGORITHMS],
      userinfoSigningAlgValues: [...SIGNING_ALGORITHMS],
    },
    // Unsigned: each holds 256 random bits that mean something in this process's memory only.
    cookies: { names: { session: 'fc_session', interaction: 'fc_interaction', resume: 'fc_resume' } },
    routes: {
      authorization: '/authorize',
      token: '/token',
      userinfo: '/userinfo',
      jwks: '/jwks',
      end_session: '/session/end',
      revocation: '/token/revocation',
    },
    ttl: {
      AuthorizationCode: CODE_SECONDS,
      Grant: GRANT_SECONDS,
      AccessToken: TOKEN_SECONDS,
      IdToken: TOKEN_SECONDS,
      Interaction: SESSION_SECONDS,
      Session: SESSION_SECONDS,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      claimsParameter: { enabled: true },
      jwtUserinfo: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx) => endSession(ctx, showLoggedOut),
        postLogoutSuccessSource: showLoggedOut,
      },
    },
    extraParams: rules === 'franceconnect' ? { idp_hint: frontChannelRules } : [],
    interactions: { url: (_ctx, interaction) => `${new URL(platform.issuer).pathname}/interaction/${interaction.uid}` },
    clientBasedCORS: () => false,
    // Each journey shows the information page, a minute after the last one too.
    loadExistingGrant: async (ctx) => {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    // Otherwise the second of two tabs to come back would revoke the code of the first.
    expiresWithSession: () => false,
    findAccount: (_ctx, accountId) => {
      const citizen = findCitizen(accountId);
      if (citizen === undefined) return undefined;
      return { accountId, claims: () => ({ sub: accountId, ...identityClaims(citizen) }) };
    },
    pairwiseIdentifier: (_ctx, accountId, client) => {
      const citizen = findCitizen(accountId);
      const entityId = entityOf.get(client.clientId);
      if (citizen === undefined || entityId === undefined) throw new TypeError('unknown citizen or client');
      return subjectOf(pivotIdentity(citizen), entityId, platform.subSecret);
    },
    renderError: (ctx, out, error) => {
      show(ctx, errorPage({ code: errorCode(error), message: `${TECHNICAL_ERROR} (${out.error})` }));
    },
  } satisfies Configuration);
  return provider;
}

/** A hint on an identity provider needs a permission; a level above the platform's is refused. Both are told to the service. */
function frontChannelRules(ctx: KoaContextWithOIDC, idpHint: unknown): void {
  if (idpHint !== undefined) throw new errors.CustomOIDCProviderError('invalid_idp_hint', 'idp_hint is not allowed');
  const acr = pickAcr(String(ctx.oidc.params?.acr_values));
  if (acr !== PLATFORM_ACR) throw new errors.CustomOIDCProviderError('invalid_acr', 'acr_value is not valid');
}

/** FranceConnect's code on the page, where it publishes one. */
function errorCode(error: Error): string | undefined {
  if (error instanceof errors.InvalidClient) return 'Y04EA6EF';
  if (error instanceof errors.InvalidRedirectUri) return 'Y04C013C';
  return undefined;
}
