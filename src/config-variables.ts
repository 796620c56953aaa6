/** Every environment variable: what it means and what it may be. `paraphe config` prints this list. */
import { z } from 'zod';

export type Variable = { readonly about: string; readonly schema: z.ZodType; readonly secret?: true };

const port = z.coerce.number().int().min(0).max(65535);
const flag = z.enum(['0', '1']).transform((value) => value === '1');

export const VARIABLES = {
  DATA_DIR: { about: 'folder of the data', schema: z.string().min(1).default('./data') },
  KEYS_DIR: { about: 'folder of the keys, by default `keys` in DATA_DIR', schema: z.string().min(1).optional() },
  DATABASE_URL: {
    about: 'where the data are: `sqlite:` (paraphe.sqlite in DATA_DIR), `sqlite:<file>` or `postgres://…`',
    schema: z
      .string()
      .regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'begins with `sqlite:` or `postgres://`')
      .default('sqlite:'),
    secret: true, // it may hold a password
  },
  LOCK_URL: {
    about:
      'a PostgreSQL database for the log’s lock alone, another than the data’s and in no backup of theirs; by default the lock is beside the data',
    schema: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'begins with `postgres://`')
      .optional(),
    secret: true,
  },
  ALLOW_UNSAFE_COMMITS: {
    about: '1 accepts a PostgreSQL that can lose what it has acknowledged (synchronous_commit, fsync)',
    schema: flag.default(false),
  },
  ORIGIN: {
    about: 'public address of the gateway, without a path: `https://petitions.example.org` (http on a loopback only)',
    schema: z.string().superRefine(checkOrigin),
  },
  HOST: { about: 'address to listen on', schema: z.string().min(1).default('127.0.0.1') },
  PORT: { about: 'port to listen on', schema: port.default(3000) },
  FRANCECONNECT_PORT: {
    about: 'port of the simulated FranceConnect (`paraphe demo` only)',
    schema: port.default(3001),
  },
  DEMO_SIGNATURES: {
    about: 'synthetic signatures that a new demonstration begins with (`paraphe demo` only)',
    schema: z.coerce.number().int().min(0).max(100_000).default(2000),
  },
  TRUST_PROXY: {
    about: 'how many reverse proxies stand in front and set X-Forwarded-For',
    schema: z.coerce.number().int().min(0).max(10).default(0),
  },
  POSTS_PER_MINUTE: {
    about: 'POSTs accepted from one address in a minute; a signature takes two',
    schema: z.coerce.number().int().min(1).default(2000),
  },
  PUBLISH_EVERY: {
    about:
      'how often the log, and the figures with it, are published: seconds, or with a unit (`500ms`, `5m`). Longer hides who signs when few do',
    schema: z
      .string()
      .regex(/^[0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m)?$/, 'a duration such as 1, 500ms or 5m')
      .refine((text) => milliseconds(text) >= 50 && milliseconds(text) <= 86_400_000, 'between 50ms and a day')
      .default('1s'),
  },
  WITNESS_POLICY: {
    about:
      'a file (c2sp.org/tlog-policy) that names this log, its witnesses and their quorum; with it, nothing is published without the quorum',
    schema: z.string().min(1).optional(),
  },
  BRAND: {
    about: 'a folder with brand.yaml: name, logo, colours, notices and footer of the pages',
    schema: z.string().min(1).optional(),
  },
  METRICS_PORT: {
    about: 'port on which `/metrics` is served to your monitoring, and nothing else; not set: nowhere',
    schema: port.optional(),
  },
  METRICS_HOST: {
    about: 'address that `/metrics` listens on: one that the public cannot reach',
    schema: z.string().min(1).default('127.0.0.1'),
  },
  DIAGNOSTICS: {
    about: 'least level of diagnostics that is written: debug, info, warn, error or silent',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  },
  IDENTITY_PROFILE: {
    about: '`franceconnect`, or `oidc` for any OpenID Provider',
    schema: z.enum(['franceconnect', 'oidc']).default('franceconnect'),
  },
  IDENTITY_NAME: {
    about: 'the identity provider as pages name it (profile `oidc` only); by default its host',
    schema: z.string().min(1).max(60).optional(),
  },
  IDENTITY_ISSUER: {
    about: 'the identity provider, for example `https://oidc.franceconnect.gouv.fr/api/v2`',
    schema: z.string().superRefine(checkIssuer),
  },
  IDENTITY_CLIENT_ID: { about: 'our client id at the identity provider', schema: z.string().min(1) },
  IDENTITY_CLIENT_SECRET: {
    about: 'our client secret, as the identity provider gave it',
    schema: z.string().min(16, 'at least 16 characters'),
    secret: true,
  },
  IDENTITY_CLIENT_AUTH: {
    about: '`client_secret_post` (FranceConnect) or `client_secret_basic`; by default post, for `oidc` basic',
    schema: z.enum(['client_secret_post', 'client_secret_basic']).optional(),
  },
  IDENTITY_ID_TOKEN_ALG: {
    about: 'the one algorithm that id_tokens are accepted under: ES256 or RS256',
    schema: z.enum(['ES256', 'RS256']).default('ES256'),
  },
  IDENTITY_USERINFO_ALG: {
    about: 'the same for userinfo; `none` (profile `oidc` only) accepts plain JSON. By default IDENTITY_ID_TOKEN_ALG',
    schema: z.enum(['ES256', 'RS256', 'none']).optional(),
  },
  IDENTITY_BEARER: {
    about: 'where userinfo takes the access token: `header`, or `body` (profile `oidc` only)',
    schema: z.enum(['header', 'body']).default('header'),
  },
  IDENTITY_SCOPE: {
    about: 'scopes asked for; FranceConnect must have granted them',
    schema: z
      .string()
      .regex(/^openid( [\w-]+)*$/, 'scopes with `openid` first')
      .default('openid birthdate'),
  },
  IDENTITY_ACR: {
    about: 'level asked for where a petition names none; empty asks for none (profile `oidc` only)',
    schema: z.string().optional(),
  },
  IDENTITY_TIMEOUT_MS: {
    about: 'patience with the identity provider, for each call',
    schema: z.coerce.number().int().min(100).max(60_000).default(5000),
  },
  ALLOW_SIMULATED_IDENTITY: {
    about: '1 lets `serve` run against the simulated FranceConnect; every page then says so',
    schema: flag.default(false),
  },
} as const satisfies Record<string, Variable>;

export type Name = keyof typeof VARIABLES;
export type Values = { readonly [N in Name]: z.infer<(typeof VARIABLES)[N]['schema']> };

/** Of a duration as PUBLISH_EVERY spells it. */
export function milliseconds(text: string): number {
  const unit = text.endsWith('ms') ? 1 : text.endsWith('m') ? 60_000 : 1000;
  return Math.round(Number.parseFloat(text) * unit);
}

function checkOrigin(text: string, context: z.RefinementCtx): void {
  const url = URL.parse(text);
  if (url === null || url.origin !== text)
    context.addIssue({ code: 'custom', message: 'not an origin such as https://example.org' });
  else if (!isSecure(url)) context.addIssue({ code: 'custom', message: 'plain http outside a loopback address' });
}

function checkIssuer(text: string, context: z.RefinementCtx): void {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '')
    context.addIssue({ code: 'custom', message: 'not an issuer' });
  else if (!isSecure(url)) context.addIssue({ code: 'custom', message: 'plain http outside a loopback address' });
}

function isSecure({ protocol, hostname }: URL): boolean {
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback);
}
