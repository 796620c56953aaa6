/**
 * Configuration: the environment, read once, validated, frozen and handed down in parts. The only reader of
 * `process.env`. A secret has no default: a forgotten one stops the start instead of making up another.
 */
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { type Brand, PLAIN, readBrand } from './brand/brand.ts';
import { milliseconds, type Name, VARIABLES, type Values, type Variable } from './config-variables.ts';
import { SetupError } from './errors.ts';
import type { ProviderSettings } from './identity/profile.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment, for those who start a gateway with settings of their own. */
export function environment(): Environment {
  return process.env;
}

export type StorageConfig = {
  readonly dataDir: string;
  readonly keysDir: string;
  readonly databaseUrl: string;
  readonly lockUrl: string | undefined;
  readonly allowUnsafeCommits: boolean;
};
export type WebConfig = {
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  readonly trustProxy: number;
  readonly postsPerMinute: number;
};
export type ServeConfig = {
  readonly storage: StorageConfig;
  readonly web: WebConfig;
  readonly identity: ProviderSettings;
  /** The identity provider as pages name it. */
  readonly provider: string;
  /** The level asked for where a petition names none. */
  readonly acr: string;
  /** Milliseconds between two publications of the log. */
  readonly publishEveryMs: number;
  /** The file of the policy by which witnesses cosign it, if they do. */
  readonly witnessPolicy: string | undefined;
  readonly brand: Brand;
  /** Where monitoring asks, if it does. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  readonly diagnostics: Values['DIAGNOSTICS'];
};

/** What only the demonstration reads. */
const DEMO = ['FRANCECONNECT_PORT', 'DEMO_SIGNATURES'] as const;
type ServeName = Exclude<Name, (typeof DEMO)[number]>;

const STORAGE = ['DATA_DIR', 'KEYS_DIR', 'DATABASE_URL', 'LOCK_URL', 'ALLOW_UNSAFE_COMMITS'] as const;

export function readStorageConfig(env: Environment = environment()): StorageConfig {
  return storageOf(read(env, STORAGE));
}

/**
 * What a petition is opened for: needs no secret.
 * @param acr the level that the petition itself names
 */
export function readCollectingConfig(acr?: string, env: Environment = environment()) {
  const values = read(env, ['IDENTITY_PROFILE', 'IDENTITY_ISSUER', 'IDENTITY_CLIENT_ID', 'IDENTITY_ACR']);
  return { issuer: values.IDENTITY_ISSUER, clientId: values.IDENTITY_CLIENT_ID, acr: acrOf(values, acr) };
}

/** Of petitions that state none. */
export function readDefaultThresholds(env: Environment = environment()): Brand['thresholds'] {
  return brandOf(read(env, ['BRAND'])).thresholds;
}

/** The gateway's public address, for what is named after it for good. */
export function readOrigin(env: Environment = environment()): string {
  return read(env, ['ORIGIN']).ORIGIN;
}

export function readPorts(env: Environment = environment()): { port: number; franceConnectPort: number } {
  const values = read(env, ['PORT', 'FRANCECONNECT_PORT']);
  return { port: values.PORT, franceConnectPort: values.FRANCECONNECT_PORT };
}

export function readDemoSignatures(env: Environment = environment()): number {
  return read(env, ['DEMO_SIGNATURES']).DEMO_SIGNATURES;
}

/** @throws SetupError with one line for each variable that is missing or wrong */
export function readServeConfig(env: Environment = environment()): ServeConfig {
  const values = read(
    env,
    (Object.keys(VARIABLES) as Name[]).filter((name): name is ServeName => !DEMO.some((one) => one === name)),
  );
  return Object.freeze({
    storage: storageOf(values),
    web: {
      origin: values.ORIGIN,
      host: values.HOST,
      port: values.PORT,
      trustProxy: values.TRUST_PROXY,
      postsPerMinute: values.POSTS_PER_MINUTE,
    },
    identity: identityOf(values),
    provider: providerOf(values),
    acr: acrOf(values),
    publishEveryMs: milliseconds(values.PUBLISH_EVERY),
    witnessPolicy: values.WITNESS_POLICY,
    brand: brandOf(values),
    metrics: values.METRICS_PORT === undefined ? undefined : { host: values.METRICS_HOST, port: values.METRICS_PORT },
    diagnostics: values.DIAGNOSTICS,
  });
}

export type VariableReport = { name: string; about: string; value: string; wrong: string | undefined };

/** Every variable with its value (a secret's is hidden) and what is wrong with it, for `paraphe config`. */
export function explainConfig(env: Environment = environment()): readonly VariableReport[] {
  return Object.entries<Variable>(VARIABLES).map(([name, { about, schema, secret }]) => {
    const value = given(env, name);
    const result = schema.safeParse(value);
    const byDefault = result.success && result.data !== undefined ? `${String(result.data)} (default)` : '(not set)';
    return {
      name,
      about,
      value: secret && value !== undefined ? '(set, not shown)' : (value ?? byDefault),
      wrong: result.success ? undefined : complaint(name, value, result.error),
    };
  });
}

function read<N extends Name>(env: Environment, names: readonly N[]): Pick<Values, N> {
  const wrong: string[] = [];
  const values: Partial<Record<Name, unknown>> = {};
  for (const name of names) {
    const result = (VARIABLES[name] as Variable).schema.safeParse(given(env, name));
    if (result.success) values[name] = result.data;
    else wrong.push(complaint(name, given(env, name), result.error));
  }
  if (wrong.length > 0) throw new SetupError(wrong.join('\n'));
  return values as Pick<Values, N>;
}

/** An empty variable is one that is not set, but for the level that may be empty. */
function given(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === '' && name !== 'IDENTITY_ACR' ? undefined : value;
}

function complaint(name: string, given: string | undefined, error: z.ZodError): string {
  const { about } = (VARIABLES as Record<string, Variable>)[name] as Variable;
  if (given === undefined) return `${name} is not set: ${about}.`;
  return `${name} is wrong (${error.issues.map(({ message }) => message).join('; ')}): ${about}.`;
}

function storageOf(values: Pick<Values, (typeof STORAGE)[number]>): StorageConfig {
  const dataDir = resolve(values.DATA_DIR);
  return {
    dataDir,
    keysDir: values.KEYS_DIR === undefined ? join(dataDir, 'keys') : resolve(values.KEYS_DIR),
    databaseUrl: values.DATABASE_URL,
    lockUrl: values.LOCK_URL,
    allowUnsafeCommits: values.ALLOW_UNSAFE_COMMITS,
  };
}

function identityOf(values: Pick<Values, ServeName>): ProviderSettings {
  const profile = values.IDENTITY_PROFILE;
  const settings: ProviderSettings = {
    profile,
    issuer: values.IDENTITY_ISSUER,
    clientId: values.IDENTITY_CLIENT_ID,
    clientSecret: values.IDENTITY_CLIENT_SECRET,
    clientAuth: values.IDENTITY_CLIENT_AUTH ?? (profile === 'oidc' ? 'client_secret_basic' : 'client_secret_post'),
    idTokenAlg: values.IDENTITY_ID_TOKEN_ALG,
    userinfoAlg: values.IDENTITY_USERINFO_ALG ?? values.IDENTITY_ID_TOKEN_ALG,
    bearer: values.IDENTITY_BEARER,
    scope: values.IDENTITY_SCOPE,
    allowSimulated: values.ALLOW_SIMULATED_IDENTITY,
    timeoutMs: values.IDENTITY_TIMEOUT_MS,
  };
  if (profile === 'franceconnect') {
    if (settings.userinfoAlg === 'none')
      throw new SetupError('IDENTITY_USERINFO_ALG: FranceConnect signs its userinfo.');
    if (settings.bearer === 'body') throw new SetupError('IDENTITY_BEARER: FranceConnect takes it in the header.');
    if (settings.clientAuth === 'client_secret_basic') {
      throw new SetupError('IDENTITY_CLIENT_AUTH: FranceConnect takes client_secret_post.');
    }
  }
  if (settings.issuer.startsWith('http:') && !settings.allowSimulated) {
    throw new SetupError(
      'IDENTITY_ISSUER is on plain http, as only a simulation is: ALLOW_SIMULATED_IDENTITY=1 allows it, and every page then says so.',
    );
  }
  return settings;
}

function brandOf({ BRAND }: Pick<Values, 'BRAND'>): Brand {
  return BRAND === undefined ? PLAIN : readBrand(BRAND);
}

function providerOf(values: Pick<Values, 'IDENTITY_PROFILE' | 'IDENTITY_NAME' | 'IDENTITY_ISSUER'>): string {
  if (values.IDENTITY_PROFILE === 'franceconnect') return 'FranceConnect';
  return values.IDENTITY_NAME ?? new URL(values.IDENTITY_ISSUER).host;
}

function acrOf(values: Pick<Values, 'IDENTITY_PROFILE' | 'IDENTITY_ACR'>, named?: string): string {
  const acr = named ?? values.IDENTITY_ACR ?? (values.IDENTITY_PROFILE === 'franceconnect' ? 'eidas1' : '');
  if (values.IDENTITY_PROFILE === 'franceconnect' && !/^eidas[123]$/.test(acr)) {
    throw new SetupError(
      `${named === undefined ? 'IDENTITY_ACR' : 'acr'}: FranceConnect knows eidas1, eidas2 and eidas3.`,
    );
  }
  return acr;
}
