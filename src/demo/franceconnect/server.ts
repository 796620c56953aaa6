/**
 * A simulated FranceConnect (low), for the demonstration and for tests: a real OpenID Provider behind FranceConnect's
 * own rules and pages, with invented citizens, that can be made to fail and to lie. It is not the State's service and
 * proves nobody's identity; its discovery document says so. Sessions and tokens live in memory; a citizen's `sub`
 * is the same after a restart as long as `dataDir` is.
 */
import type { EventEmitter } from 'node:events';
import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { errors } from 'oidc-provider';
import type { Clock } from '../../clock.ts';
import { memoryAdapter } from './adapter.ts';
import { Decoys } from './alterations.ts';
import { jwksDocument } from './answers.ts';
import { bendAnswers } from './bend.ts';
import { type Citizen, citizenFinder, pivotIdentity, readCitizens } from './citizens.ts';
import { type Client, clientOrigins, type Rules } from './clients.ts';
import { frontRules } from './front.ts';
import { interactionPages } from './interactions.ts';
import { publishedKeys, type Rotation, rotatedKeys } from './keys.ts';
import { listen } from './listen.ts';
import { errorPage, pageSender, type SendPage, STYLE_PATH, style } from './pages.ts';
import { openPlatform, type Platform, savePlatform } from './platform.ts';
import { createProvider } from './provider.ts';
import { simulatorPage } from './simulator.ts';
import { subjectOf } from './subject.ts';
import { honestSwitches, type Switches } from './switches.ts';
import { type IssueTokens, tokenIssuer } from './tokens.ts';

const MOUNT = '/api/v2';
/** Names under which a browser may have reached us, besides the issuer's. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

export type FranceConnectOptions = {
  /** 0 takes a free one. */
  port: number;
  /** The address to listen on; `localhost` listens on both 127.0.0.1 and ::1. */
  host?: string;
  /** The host name in the issuer. */
  publicHost?: string;
  /** Where keys and the secret behind each `sub` are kept; `undefined` keeps them in memory. */
  dataDir: string | undefined;
  clients: readonly Client[];
  rules?: Rules;
  /** Fixes the year against which minors' birth dates are computed, at the first start. Tokens go by the real time. */
  clock?: Clock;
  switches?: Partial<Switches>;
  /** Hears of what goes wrong inside the simulation itself. */
  onError?: (error: unknown) => void;
};

export type FranceConnect = {
  issuer: string;
  origin: string;
  port: number;
  switches: Switches;
  citizens: readonly Citizen[];
  /** The `sub` that a client sees for a citizen. */
  subOf(login: string, clientId: string): string;
  rotateKeys(rotation?: Rotation): Promise<void>;
  /** Who is behind a login name, generated ones included. */
  citizen(login: string): Citizen | undefined;
  /** The JWK Set, as `/jwks` serves it while no switch is touched. */
  jwks(): string;
  /** Issues what a login gives a client, without the HTTP that leads there. */
  tokenIssuer(clientId: string): Promise<IssueTokens>;
  close(): Promise<void>;
};

export async function startFranceConnect(options: FranceConnectOptions): Promise<FranceConnect> {
  const { host = '127.0.0.1', publicHost = 'localhost' } = options;
  let app: RequestListener | undefined;
  const listening = await listen((request, response) => app?.(request, response), options.port, host);
  try {
    const origin = `http://${publicHost}:${listening.port}`;
    const platform = await openPlatform(options.dataDir, origin + MOUNT, options.clock ?? (() => new Date()));
    const simulation = simulate(platform, { ...options, origin });
    app = simulation.app;
    return { ...simulation.face, origin, port: listening.port, close: listening.close };
  } catch (error) {
    await listening.close();
    throw error;
  }
}

type Face = Omit<FranceConnect, 'origin' | 'port' | 'close'>;

function simulate(opened: Platform, options: FranceConnectOptions & { origin: string }): { app: Express; face: Face } {
  const { clients, rules = 'franceconnect', dataDir, origin, onError = () => {} } = options;
  let platform = opened;
  const switches = Object.assign(honestSwitches(), options.switches);
  const citizens = readCitizens(platform.referenceYear);
  const findCitizen = citizenFinder(citizens);
  const { port } = new URL(origin);
  const origins = [origin, ...LOOPBACK.map((name) => `http://${name}:${port}`)];
  const formTargets = [origin, ...clientOrigins(clients)];
  const sendPage = pageSender(formTargets);
  const adapter = memoryAdapter();
  const bend = bendAnswers({ platform: () => platform, switches, decoys: new Decoys(), clients, rules });

  const engine = () => {
    const provider = createProvider(platform, { rules, clients, findCitizen, adapter, formTargets });
    provider.use(bend);
    provider.on('server_error', (_context, error) => onError(error));
    // With a listener of ours, Koa prints nothing: a simulation that is broken on purpose is quiet about it.
    const koa: EventEmitter = provider;
    koa.on('error', (error: unknown) => onError(error));
    return { provider, handle: provider.callback() };
  };
  let current = engine();
  const provider = () => current.provider;

  const rotateKeys = async (rotation: Rotation = {}) => {
    platform = { ...platform, keys: await rotatedKeys(platform.keys, rotation) };
    if (dataDir !== undefined) await savePlatform(dataDir, platform);
    current = engine();
  };

  const app = express().disable('x-powered-by').disable('etag');
  app.get(STYLE_PATH, (_request, response) => {
    response.set('cache-control', 'public, max-age=3600').type('css').send(style);
  });
  app.get('/', (_request, response) => response.redirect('/simulator'));
  app.use('/simulator', simulatorPage({ switches, rotateKeys, origins, sendPage }));
  if (rules === 'franceconnect') app.use(MOUNT, frontRules(provider, sendPage));
  const pages = { provider, citizens, findCitizen, clients, rules, origins, sendPage };
  app.use(`${MOUNT}/interaction`, interactionPages(pages));
  app.use(MOUNT, (request, response) => void current.handle(request, response));
  app.use((_request, response) => sendPage(response, 404, errorPage(NOT_FOUND)));
  app.use(errorHandler(sendPage, onError));

  const getClient = (clientId: string) => {
    const client = clients.find((candidate) => candidate.clientId === clientId);
    if (client === undefined) throw new TypeError('unknown client');
    return client;
  };
  const subOf = (login: string, clientId: string) => {
    const citizen = findCitizen(login);
    const client = getClient(clientId);
    if (citizen === undefined) throw new TypeError('unknown citizen');
    return subjectOf(pivotIdentity(citizen), client.entityId, platform.subSecret);
  };
  const jwks = () => JSON.stringify(jwksDocument(publishedKeys(platform.keys)));
  const issuer = (clientId: string) => tokenIssuer(platform, getClient(clientId));
  return {
    app,
    face: {
      issuer: platform.issuer,
      switches,
      citizens,
      subOf,
      rotateKeys,
      citizen: findCitizen,
      jwks,
      tokenIssuer: issuer,
    },
  };
}

const NOT_FOUND = { title: 'Page introuvable', message: 'Cette page n’existe pas.' };
const EXPIRED = 'Votre session a expiré : retournez sur le service et recommencez.';

/** Express knows an error handler by its four parameters. */
function errorHandler(sendPage: SendPage, onError: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    if (response.headersSent) return void response.destroy();
    if (error instanceof errors.SessionNotFound) return sendPage(response, 400, errorPage({ message: EXPIRED }));
    const status = error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 500;
    if (status >= 500) onError(error);
    sendPage(response, status, errorPage({}));
  };
}
