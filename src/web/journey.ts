/**
 * A journey: from pressing "sign" to the receipt. It has one cookie, which holds a random secret; everything else of the
 * journey is derived from that secret (`state`, the nonce's salt, PKCE's verifier, the logout's `state`, the key of what
 * waits on the server), so that the server keeps nothing before the login and cannot read what it keeps after it.
 * A petition site's journey is one like the others, that ends at the site: its cookie also names the site and its request.
 * Invariants: a cookie is bound to its action, petition and site by a MAC, a journey to its browser by its cookie's secret, a
 * login to its journey by `state` and nonce; each `state` is claimed once.
 */
import { hash, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { derive, open, seal, secretKey } from '../aead.ts';
import type { Clock, Day } from '../clock.ts';
import type { RefusalCode } from '../errors.ts';
import { Refusal } from '../errors.ts';
import { type Action, computeNonce } from '../person/nonce.ts';
import type { Nym } from '../person/nym.ts';
import type { PetitionId } from '../petitions/petition.ts';
import type { Subject } from '../provider/site-provider.ts';
import type { Lang } from './i18n.ts';
import type { JourneyStore } from './ports.ts';

/** A journey lasts 30 minutes to the login, and 30 more from it. */
export const JOURNEY_SECONDS = 30 * 60;

/** What a journey is for. A login is always for a site, and about no petition; a withdrawal is never for a site. */
export type Purpose = {
  readonly action: Action;
  readonly petition: PetitionId | undefined;
  /** The petition site that sent the person, by its client id, and the request that it waits with. */
  readonly site: { readonly id: string; readonly uid: string } | undefined;
};

export type Journey = Purpose & {
  /** 16 characters, a hash of `state`: names the cookie, the row and the page; opens nothing. */
  readonly id: string;
  /** 64 hex characters. */
  readonly state: string;
  readonly lang: Lang | undefined;
  readonly started: Date;
  /** The cookie's value. */
  readonly cookie: string;
  readonly derived: Derived;
};

/** What comes of a journey's secret, 32 bytes each; none says anything about another. */
type Derived = {
  readonly state: Buffer;
  readonly nonceSalt: Buffer;
  readonly codeVerifier: Buffer;
  readonly logoutState: Buffer;
  readonly contentKey: Buffer;
};

/** What waits on the server, sealed. The outcome replaces everything that was there. */
export type JourneyContent =
  | {
      readonly kind: 'identified';
      /** In the petition; at the site, where there is no petition. */
      readonly nym: Nym;
      readonly birthdate: Day | null;
      readonly login: Login;
      /** What the site may know. */
      readonly subject: Subject | null;
    }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly login: Login | null }
  | { readonly kind: 'done'; readonly location: string };

/**
 * The login at the identity provider, at an instant in milliseconds since 1970. `idToken` ends the session there; `null`
 * once that is over.
 */
export type Login = { readonly idToken: string | null; readonly at: number };

export class Journeys {
  readonly #store: JourneyStore;
  readonly #macKey: KeyObject;
  readonly #clock: Clock;

  constructor(store: JourneyStore, sealingKey: KeyObject, clock: Clock) {
    this.#store = store;
    this.#macKey = secretKey(derive(sealingKey, 'journey cookie'));
    this.#clock = clock;
  }

  begin(purpose: Purpose, lang: Lang | undefined): Journey {
    const { action, petition, site } = purpose;
    const secret = randomBytes(32);
    const started = Math.floor(this.#clock().getTime() / 1000);
    const facts = [
      secret.toString('base64url'),
      action,
      petition ?? '',
      lang ?? '',
      started.toString(36),
      site?.id ?? '',
      site?.uid ?? '',
    ].join('.');
    const cookie = `${facts}.${this.#mac(facts)}`;
    const derived = deriveAll(secret);
    const state = derived.state.toString('hex');
    return { ...purpose, id: idOf(state), state, lang, started: new Date(started * 1000), cookie, derived };
  }

  /**
   * The journey of a cookie that this gateway set, in time.
   * @throws Refusal `journey-unknown`, `journey-expired`
   */
  read(id: string, cookie: string | undefined): Journey {
    const parts = (cookie ?? '').split('.');
    const mac = parts.pop() ?? '';
    const facts = parts.join('.');
    const [secretText = '', action, petition, lang, started = '', site = '', uid = ''] = parts;
    if (cookie === undefined || !sameText(mac, this.#mac(facts))) throw new Refusal('journey-unknown');
    const derived = deriveAll(Buffer.from(secretText, 'base64url'));
    const state = derived.state.toString('hex');
    if (idOf(state) !== id) throw new Refusal('journey-unknown');
    const start = Number.parseInt(started, 36);
    if (this.#now() >= start + 2 * JOURNEY_SECONDS) throw new Refusal('journey-expired');
    return {
      id,
      state,
      action: action as Journey['action'],
      petition: petition === '' ? undefined : (petition as PetitionId),
      site: site === '' ? undefined : { id: site, uid },
      lang: lang === '' ? undefined : lang,
      started: new Date(start * 1000),
      cookie,
      derived,
    };
  }

  /** Whether its login has come too late. */
  isLate({ started }: Journey): boolean {
    return this.#now() >= started.getTime() / 1000 + JOURNEY_SECONDS;
  }

  /** Ours once for each journey. */
  async claim(journey: Journey): Promise<{ isOurs: boolean; since: Date }> {
    const started = journey.started.getTime() / 1000;
    // The claim outlives the cookie, so that no state or nonce serves twice.
    const now = this.#now();
    const since = await this.#store.claim(rowId(journey), now, started + 2 * JOURNEY_SECONDS + 60);
    return { isOurs: since === undefined, since: new Date((since ?? now) * 1000) };
  }

  async find(journey: Journey): Promise<JourneyContent | undefined> {
    const sealed = await this.#store.find(rowId(journey), this.#now());
    const content = sealed === undefined ? undefined : open(contentKey(journey), sealed, journey.id);
    return content === undefined ? undefined : (JSON.parse(content.toString('utf8')) as JourneyContent);
  }

  async save(journey: Journey, content: JourneyContent): Promise<void> {
    const sealed = seal(contentKey(journey), Buffer.from(JSON.stringify(content)), journey.id);
    const login = content.kind === 'done' ? null : content.login;
    const from = login === null ? this.#now() : Math.floor(login.at / 1000); // saving again prolongs nothing
    await this.#store.save(rowId(journey), sealed, from + JOURNEY_SECONDS);
  }

  /** @param graceSeconds for how long a press that was under way still finds the outcome */
  forget(journey: Journey, graceSeconds: number): Promise<void> {
    return this.#store.forget(rowId(journey), this.#now() + graceSeconds);
  }

  /** How many wait for their next request, of all gateways, counted up to 100,000. */
  count(): Promise<number> {
    return this.#store.count(this.#now(), MOST_COUNTED);
  }

  sweep(): Promise<void> {
    return this.#store.sweep(this.#now());
  }

  #mac(facts: string): string {
    return derive(this.#macKey, facts).toString('base64url');
  }

  #now(): number {
    return Math.floor(this.#clock().getTime() / 1000);
  }
}

const NO_STATEMENT: Uint8Array = new Uint8Array(32);

/** What a journey's login is tied to. `state` and `nonce` have 64 hex characters. */
export function tiesOf({ state, action, petition, site, derived }: Journey, statementHash = NO_STATEMENT) {
  return { state, nonce: computeNonce(action, petition ?? site?.id ?? '', statementHash, derived.nonceSalt) };
}

export function codeVerifierOf({ derived }: Journey): string {
  return derived.codeVerifier.toString('base64url');
}

export function logoutStateOf({ derived }: Journey): string {
  return derived.logoutState.toString('hex');
}

/** The id of the journey that a callback's `state` belongs to. */
export function idOf(state: string): string {
  return hash('sha256', `journey ${state}`, 'buffer').toString('base64url', 0, 12);
}

/** One SHAKE256 (FIPS 202) of the secret, cut in pieces. */
function deriveAll(secret: Uint8Array): Derived {
  const input = Buffer.concat([JOURNEY_V1, secret]);
  const bytes = hash('shake256', input, { outputEncoding: 'buffer', outputLength: 160 });
  return {
    state: bytes.subarray(0, 32),
    nonceSalt: bytes.subarray(32, 64),
    codeVerifier: bytes.subarray(64, 96),
    logoutState: bytes.subarray(96, 128),
    contentKey: bytes.subarray(128, 160),
  };
}

/** A count that costs no more on the day of a crowd. */
const MOST_COUNTED = 100_000;
const JOURNEY_V1 = Buffer.from('paraphe-journey-v1\0');

function contentKey({ derived }: Journey): KeyObject {
  return secretKey(derived.contentKey);
}

function rowId({ id }: Journey): Uint8Array {
  return Buffer.from(id, 'base64url');
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
