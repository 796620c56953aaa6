import type { Clock } from '../clock.ts';
import type { WebConfig } from '../config.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { RefusalCode } from '../errors.ts';
import type { Issuer } from '../identity/issuer.ts';
import type { LogReader } from '../log/reader.ts';
import type { Nym } from '../person/nym.ts';
import type { Person } from '../person/person.ts';
import type { Petition } from '../petitions/petition.ts';
import type { PetitionStore, Register, SignatureStore } from '../petitions/ports.ts';
import type { SiteProvider } from '../provider/site-provider.ts';
import type { ReceiptKeys } from '../receipt/keys.ts';
import type { JourneyCookies } from './cookies.ts';
import type { Journeys } from './journey.ts';
import type { Pages } from './pages.ts';
import type { ReceiptLinks } from './receipt-links.ts';

/** What the routes work with, made once by `app.ts`. */
export type WebDependencies = {
  readonly config: WebConfig;
  /** Milliseconds between two publications of the log: what pages show changes no faster. */
  readonly publishEveryMs: number;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly pages: Pages;
  readonly petitions: PetitionStore;
  readonly signatures: SignatureStore;
  readonly register: Register;
  readonly log: LogReader;
  readonly issuer: Issuer;
  /** The edge never touches a pseudonym key. @throws Refusal `pseudonyms-destroyed`, `petition-not-collecting` */
  readonly computeNym: (petition: Petition, person: Person) => Promise<Nym>;
  /** The keys of this moment: a rotation takes effect without a restart. */
  readonly receiptKeys: () => ReceiptKeys;
  readonly journeys: Journeys;
  readonly cookies: JourneyCookies;
  readonly links: ReceiptLinks;
  /** The OpenID Provider of petition sites. */
  readonly sites: SiteProvider;
  /** The level of assurance asked of a login that is about no petition. */
  readonly loginAcr: string;
  /** The identity provider is a simulation: every page says so. */
  readonly simulated: boolean;
  /** Told each refusal, for the operator's monitoring. */
  readonly refused?: ((code: RefusalCode | 'internal-error') => void) | undefined;
  /** Resolves when requests can be served well. @throws Refusal `stopping`, `storage-unavailable` */
  readonly ready: () => Promise<void>;
};
