/**
 * A petition site: a relying party of ours (OpenID Connect), registered by the operator's command, never by itself.
 * Invariants: redirect URIs are compared as exact strings, share one host (the sector within which a person keeps one
 * pseudonym) and are https, but on a loopback; a site asks for signatures of the petitions that it was granted, and no
 * others; its secret is stored sealed and shown once.
 */
import { SetupError } from '../errors.ts';
import type { PetitionId } from '../petitions/petition.ts';

/** A lowercase ULID: the `client_id`. */
export type SiteId = string & { readonly brand: 'SiteId' };

export const SITE_AUTH_METHODS = ['client_secret_basic', 'private_key_jwt'] as const;
export type SiteAuthMethod = (typeof SITE_AUTH_METHODS)[number];

export type Site = {
  readonly id: SiteId;
  /** As people read it on the confirm page. */
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly auth: SiteAuthMethod;
  /** Where its public keys are, for `private_key_jwt`. */
  readonly jwksUri: string | undefined;
  /** Sealed; for `client_secret_basic`. */
  readonly sealedSecret: Uint8Array | undefined;
  /** The petitions that it may ask signatures for. */
  readonly petitions: readonly PetitionId[];
  /** The secret half of its pseudonym key, wrapped. */
  readonly wrappedKey: Uint8Array;
};

/** What of it is secret, wrapped. */
export type SiteSecrets = Pick<Site, 'id' | 'wrappedKey' | 'sealedSecret'>;

/** What an operator says of a site, read and found good. */
export type SiteDescription = Pick<Site, 'name' | 'redirectUris' | 'auth' | 'jwksUri'>;

const LONGEST_NAME = 60;
const LONGEST_URI = 1000;
const MOST_URIS = 10;

/** @throws SetupError with one line that says what is wrong */
export function parseSite(given: {
  readonly name: string | undefined;
  readonly redirectUris: readonly string[];
  readonly auth: string | undefined;
  readonly jwksUri: string | undefined;
}): SiteDescription {
  const auth = SITE_AUTH_METHODS.find((method) => method === given.auth);
  if (auth === undefined) throw new SetupError(`--auth is one of ${SITE_AUTH_METHODS.join(', ')}.`);
  if (auth === 'private_key_jwt' && given.jwksUri === undefined) {
    throw new SetupError('--auth private_key_jwt needs --jwks-uri, where the site publishes its public keys.');
  }
  if (auth === 'client_secret_basic' && given.jwksUri !== undefined) {
    throw new SetupError('--jwks-uri is for --auth private_key_jwt.');
  }
  return {
    name: parseName(given.name),
    redirectUris: parseRedirectUris(given.redirectUris),
    auth,
    jwksUri: given.jwksUri === undefined ? undefined : parseAddress('--jwks-uri', given.jwksUri).href,
  };
}

function parseName(text: string | undefined): string {
  const name = text?.normalize('NFC').trim() ?? '';
  if (name === '') throw new SetupError('--name is missing: the site as people know it.');
  if ([...name].length > LONGEST_NAME) throw new SetupError(`--name has at most ${LONGEST_NAME} characters.`);
  // Control, format (bidirectional overrides among them), private and unassigned characters; line and paragraph breaks.
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(name)) throw new SetupError('--name holds a character that cannot be seen.');
  return name;
}

function parseRedirectUris(texts: readonly string[]): readonly string[] {
  if (texts.length === 0) throw new SetupError('--redirect-uri is missing: where people come back to.');
  if (texts.length > MOST_URIS) throw new SetupError(`A site has at most ${MOST_URIS} redirect URIs.`);
  const urls = texts.map((text) => parseAddress('--redirect-uri', text));
  if (new Set(urls.map(({ host }) => host)).size > 1) {
    throw new SetupError('The redirect URIs of a site have one host: add another site for another host.');
  }
  return [...new Set(urls.map(({ href }) => href))];
}

/** An address in its one spelling, so that it can be compared as a string. */
function parseAddress(option: string, text: string): URL {
  const url = text.length > LONGEST_URI ? null : URL.parse(text);
  if (url === null) throw new SetupError(`${option} ${text.slice(0, 100)}: not an address.`);
  if (!isSecure(url)) throw new SetupError(`${option} ${text}: https, but for localhost.`);
  if (url.username !== '' || url.password !== '') throw new SetupError(`${option} ${text}: it names a user.`);
  if (text.includes('#')) throw new SetupError(`${option} ${text}: it has a fragment.`);
  if (url.hostname.includes('*')) throw new SetupError(`${option} ${text}: there are no wildcards.`);
  if (url.href !== text) throw new SetupError(`${option} ${text}: write it as ${url.href}`);
  return url;
}

function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** Whether a host name of a URL is this machine's own. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
