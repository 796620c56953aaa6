/**
 * The layer around the engine's answers: FranceConnect's form first, then the switches: wrong clock, lies, faults.
 * With all switches at rest nothing is decoded or signed again.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { type Alterations, type Decoys, decodeToken, signToken, type TokenAlteration } from './alterations.ts';
import { DOCUMENT_CACHE, franceConnectDiscovery, franceConnectError, jwksDocument, SIMULATED } from './answers.ts';
import type { Client, Rules } from './clients.ts';
import { publicKey, publishedKeys } from './keys.ts';
import { LIES, shiftedBy } from './lies.ts';
import type { Platform } from './platform.ts';
import type { Endpoint, Fault, Switches } from './switches.ts';

export type BendDeps = {
  platform: () => Platform;
  switches: Switches;
  decoys: Decoys;
  clients: readonly Client[];
  rules: Rules;
};

type Middleware = Parameters<Provider['use']>[0];
type Context = Parameters<Middleware>[0];

const ENDPOINT_OF: Record<string, Endpoint> = {
  '/.well-known/openid-configuration': 'discovery',
  '/jwks': 'jwks',
  '/token': 'token',
  '/userinfo': 'userinfo',
};

export function bendAnswers(deps: BendDeps): Middleware {
  const { switches } = deps;
  return async (ctx, next) => {
    const endpoint = ENDPOINT_OF[ctx.path];
    if (endpoint === undefined) {
      await next();
      if (ctx.path.startsWith('/authorize')) bendCallback(ctx, deps);
      return;
    }
    const { latency, status, fault } = switches[endpoint];
    if (latency > 0) await wait(latency);
    if (status !== undefined) return answer(ctx, status, 'text/html; charset=utf-8', '<h1>Service indisponible</h1>');
    if (fault === 'hang') {
      ctx.respond = false;
      return;
    }
    if (fault === 'redirect-loop') return ctx.redirect(`${deps.platform().issuer}${ctx.path}`);
    await next();
    await BENDERS[endpoint](ctx, deps);
    if (fault !== undefined) corrupt(ctx, fault);
  };
}

const BENDERS: Record<Endpoint, (ctx: Context, deps: BendDeps) => Promise<void> | void> = {
  discovery(ctx, { rules, switches }) {
    ctx.set('cache-control', DOCUMENT_CACHE);
    const document = rules === 'franceconnect' ? franceConnectDiscovery(record(ctx.body)) : record(ctx.body);
    ctx.body = alterations(switches).reduce(
      (body: Record<string, unknown>, { discovery }) => discovery?.(body) ?? body,
      { ...document, [SIMULATED]: true },
    );
  },

  async jwks(ctx, { clients, decoys, platform, switches }) {
    ctx.set('cache-control', DOCUMENT_CACHE);
    const used = clients.map((client) => client.signingAlg ?? 'ES256');
    let keys: readonly ReturnType<typeof publicKey>[] = publishedKeys(platform().keys);
    for (const { jwks } of alterations(switches)) {
      if (jwks !== undefined) keys = jwks(keys, { used, decoy: publicKey(await decoys.get(used[0] ?? 'ES256')) });
    }
    ctx.body = jwksDocument(keys);
  },

  async token(ctx, deps) {
    if (ctx.status !== 200) return bendError(ctx, deps);
    const response = record(ctx.body);
    const { id_token: idToken, access_token: accessToken } = response;
    const alterationsInForce = alterations(deps.switches);
    const facts = { accessToken: typeof accessToken === 'string' ? accessToken : undefined };
    if (typeof idToken === 'string') {
      response.id_token = await bendToken(
        idToken,
        alterationsInForce.map((alteration) => alteration.idToken),
        facts,
        ctx,
        deps,
      );
    }
    ctx.body = alterationsInForce.reduce((body, { tokenResponse }) => tokenResponse?.(body) ?? body, response);
  },

  async userinfo(ctx, deps) {
    if (ctx.status !== 200) return bendError(ctx, deps);
    const wanted = alterations(deps.switches).map((alteration) => alteration.userinfo);
    const facts = { accessToken: undefined };
    if (typeof ctx.body !== 'string') {
      const bent = wanted.reduce((token, alteration) => alteration?.change?.(token, facts) ?? token, {
        header: {},
        payload: record(ctx.body),
      });
      ctx.body = bent.payload;
      return;
    }
    const jwt = await bendToken(ctx.body, wanted, facts, ctx, deps);
    if (wanted.some((alteration) => alteration?.form === 'json')) {
      const { aud: _aud, exp: _exp, iat: _iat, iss: _iss, ...claims } = decodeToken(jwt).payload;
      ctx.body = claims;
      ctx.type = 'application/json; charset=utf-8';
    } else {
      ctx.body = jwt;
      ctx.type = 'application/jwt; charset=utf-8';
    }
  },
};

/** The named lie, then the unnamed ones. */
function alterations({ lie, alterations: unnamed }: Switches): Alterations[] {
  return lie === undefined ? [unnamed] : [LIES[lie], unnamed];
}

async function bendToken(
  jwt: string,
  wanted: readonly (TokenAlteration | undefined)[],
  facts: { accessToken: string | undefined },
  ctx: Context,
  { clients, decoys, platform, switches }: BendDeps,
): Promise<string> {
  const { clockOffset } = switches;
  const changes = wanted.filter((alteration) => alteration?.change !== undefined || alteration?.signer !== undefined);
  if (changes.length === 0 && clockOffset === 0) return jwt;
  const shifted = clockOffset === 0 ? decodeToken(jwt) : shiftedBy(clockOffset)(decodeToken(jwt), facts);
  const token = changes.reduce((bent, alteration) => alteration?.change?.(bent, facts) ?? bent, shifted);
  const signer = changes.findLast((alteration) => alteration?.signer !== undefined)?.signer ?? 'current';
  const clientId = (ctx as KoaContextWithOIDC).oidc.client?.clientId;
  const clientSecret = clients.find((client) => client.clientId === clientId)?.clientSecret ?? '';
  return signToken(token, signer, { ring: platform().keys, decoys, clientSecret });
}

function bendError(ctx: Context, { rules }: BendDeps): void {
  if (rules === 'franceconnect' && 'error' in record(ctx.body)) ctx.body = franceConnectError(record(ctx.body));
}

/** The redirect back to a service, with a code or an error. */
function bendCallback(ctx: Context, { clients, switches }: BendDeps): void {
  const changes = alterations(switches).flatMap(({ callback }) => callback ?? []);
  const location = ctx.response.get('location');
  if (changes.length === 0 || !URL.canParse(location)) return;
  const target = new URL(location);
  const base = `${target.origin}${target.pathname}`;
  if (!clients.some((client) => client.redirectUris.some((uri) => uri.startsWith(base)))) return;
  for (const change of changes) change(target.searchParams);
  ctx.set('location', target.href);
}

const MEGABYTE = 1_000_000;

function corrupt(ctx: Context, fault: Fault): void {
  const text = typeof ctx.body === 'string' ? ctx.body : JSON.stringify(ctx.body);
  const type = ctx.response.get('content-type');
  if (fault === 'truncated') answer(ctx, ctx.status, type, text.slice(0, text.length / 2));
  if (fault === 'wrong-content-type') answer(ctx, ctx.status, 'text/html; charset=utf-8', text);
  if (fault === 'ten-megabytes') {
    const padding = ' '.repeat(10 * MEGABYTE);
    answer(ctx, ctx.status, type, text.startsWith('{') ? `${padding}${text}` : `${text}${'A'.repeat(10 * MEGABYTE)}`);
  }
}

function answer(ctx: Context, status: number, type: string, body: string): void {
  ctx.status = status;
  ctx.body = body;
  ctx.set('content-type', type);
}

function record(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? { ...body } : {};
}
