/**
 * A petition site: an outside relying party that speaks to the gateway over HTTP with `openid-client`, as a city's own site
 * would. People come back to an address that nobody serves: the browser stops there, and the test reads it.
 */
import * as client from 'openid-client';
import type { StorageConfig } from '../../src/config.ts';
import { registerSite } from '../../src/provider/register-site.ts';
import { parseSite } from '../../src/provider/site.ts';
import { readKeys } from '../../src/storage/key-folder.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Browser } from './browser.ts';
import { passFranceConnect, type World } from './world.ts';

export type PetitionSite = {
  readonly id: string;
  readonly secret: string;
  readonly name: string;
  readonly redirectUri: string;
  readonly configuration: client.Configuration;
};

export type Visit = {
  /** Where the site sends the browser. */
  readonly url: URL;
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
};

export type SiteOptions = {
  readonly name?: string;
  readonly redirectUri?: string;
  /** Slugs. */
  readonly petitions?: readonly string[];
};

/** A gateway that runs, and where its data are. */
type Gateway = { readonly origin: string; readonly config: { readonly storage: StorageConfig } };

export async function openSite(world: Gateway, options: SiteOptions = {}): Promise<PetitionSite> {
  const {
    name = 'Ville de Test',
    redirectUri = 'http://localhost:9/retour',
    petitions = ['jardins', 'trains'],
  } = options;
  const storage = await openStorage(world.config.storage);
  try {
    const { keyEncryptionKey } = readKeys(world.config.storage.keysDir);
    const description = parseSite({
      name,
      redirectUris: [redirectUri],
      auth: 'client_secret_basic',
      jwksUri: undefined,
    });
    const granted = await Promise.all(petitions.map(async (slug) => (await storage.petitions.findBySlug(slug))!));
    const deps = { sites: storage.sites, keyEncryptionKey, clock: () => new Date() };
    const { site, secret = '' } = await registerSite(deps, description, granted);
    const configuration = await discover(world, site.id, client.ClientSecretBasic(secret));
    return { id: site.id, secret, name, redirectUri, configuration };
  } finally {
    await storage.close();
  }
}

export function discover(
  world: Pick<World, 'origin'>,
  id: string,
  auth: client.ClientAuth,
): Promise<client.Configuration> {
  const metadata = { id_token_signed_response_alg: 'ES256' };
  const execute = [client.allowInsecureRequests];
  return client.discovery(new URL(`${world.origin}/oidc`), id, metadata, auth, { execute });
}

/** Asks for a login or, with `petition`, for a signature. @param more other parameters, or other values */
export async function beginVisit(
  site: PetitionSite,
  petition?: string,
  more: Record<string, string> = {},
): Promise<Visit> {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(site.configuration, {
    redirect_uri: site.redirectUri,
    scope: 'openid',
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(petition === undefined ? {} : { authorization_details: detailsFor(petition) }),
    ...more,
  });
  return { url, verifier, state, nonce };
}

export function detailsFor(petition: string): string {
  return JSON.stringify([{ type: 'petition_signature', petition }]);
}

/** A browser that stops when it is back at the site. */
export function browserOf(world: World, site: PetitionSite): Browser {
  return world.browser({ stopAt: (url) => url.href.startsWith(site.redirectUri) });
}

/** From the site to the gateway's own page after the login. */
export async function arrive(browser: Browser, visit: Visit, login: string): Promise<void> {
  await browser.get(visit.url);
  await passFranceConnect(browser, login);
}

export type Answer = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

/** Exchanges what the browser came back with. */
export function finishVisit(site: PetitionSite, visit: Visit, browser: Browser): Promise<Answer> {
  return client.authorizationCodeGrant(site.configuration, new URL(browser.page.url), {
    pkceCodeVerifier: visit.verifier,
    expectedState: visit.state,
    expectedNonce: visit.nonce,
    idTokenExpected: true,
  });
}

/** The whole way: the person signs for the site, or logs in there. */
export async function visitSite(
  world: World,
  site: PetitionSite,
  login: string,
  petition?: { id: string; department?: string },
): Promise<{ answer: Answer; browser: Browser }> {
  const browser = browserOf(world, site);
  const visit = await beginVisit(site, petition?.id);
  await arrive(browser, visit, login);
  const fields = petition?.department === undefined ? {} : { department: petition.department };
  await browser.submit(fields, { form: '/confirm' });
  return { answer: await finishVisit(site, visit, browser), browser };
}

/** The receipt in a token response. */
export function receiptIn(answer: Answer): string {
  const [detail] = answer.authorization_details as unknown as { receipt: string }[];
  return detail!.receipt;
}

/** A petition's id. */
export async function idOf(world: World, slug: string): Promise<string> {
  const response = await fetch(`${world.origin}/api/petitions/${slug}`);
  return ((await response.json()) as { id: string }).id;
}
