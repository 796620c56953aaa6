/**
 * The two checks between the login and the information page: is the identity that the provider sent complete, and does
 * the national register (RNIPP) know one living person by it? A refusal is a page at FranceConnect; the service hears
 * of it only if the person follows the link back (france-connect/sources, back/_doc/erreurs.md and
 * quality/fcp/cypress, connexion-rnipp.feature, fournisseur-service-retour.feature).
 */
import type { Citizen } from './citizens.ts';
import { FRANCE } from './subject.ts';

export type Refused = {
  code: string;
  status: number;
  message: string;
  /** What the link back says to the service. */
  error: string;
  errorDescription: string;
};

const ABORTED = { error: 'access_denied', errorDescription: 'user authentication aborted' };
const TECHNICAL = {
  error: 'server_error',
  errorDescription: 'authentication aborted due to a technical error on the authorization server',
};
const IDENTITY = 'Un problème lié à vos données d’identité empêche la connexion d’aboutir.';
const FAILURE = 'Une erreur technique est survenue, fermez l’onglet de votre navigateur et reconnectez-vous.';

const REFUSALS: Record<string, Omit<Refused, 'code'>> = {
  Y010004: { status: 403, message: IDENTITY, ...ABORTED },
  Y010006: { status: 403, message: IDENTITY, ...ABORTED },
  Y010007: { status: 403, message: IDENTITY, ...ABORTED },
  Y010008: { status: 403, message: IDENTITY, ...ABORTED },
  Y010015: { status: 403, message: 'Cette identité ne permet pas de se connecter.', ...ABORTED },
  Y010009: { status: 400, message: FAILURE, ...TECHNICAL },
  Y010013: { status: 400, message: FAILURE, ...TECHNICAL },
  Y010011: { status: 504, message: FAILURE, ...TECHNICAL, error: 'temporarily_unavailable' },
  Y010012: { status: 502, message: FAILURE, ...TECHNICAL },
  Y600006: { status: 400, message: FAILURE, ...TECHNICAL },
};

/** The refusal, or nothing when FranceConnect lets the person through. It checks neither age nor nationality. */
export function refusalOf(citizen: Citizen): Refused | undefined {
  const code = isComplete(citizen) ? citizen.rnipp : 'Y600006';
  const refusal = REFUSALS[code];
  return refusal === undefined ? undefined : { code, ...refusal };
}

const COG = /^(?:2[AB]|[0-9]{2})[0-9]{3}$/;
/** A known day of an unknown month is refused. */
const BIRTHDATE = /^\d{4}-(?:00-00|(?:0[1-9]|1[0-2])-\d{2})$/;

function isComplete(citizen: Citizen): boolean {
  const birthplaceKnown = citizen.birthcountry !== FRANCE || COG.test(citizen.birthplace);
  return citizen.email !== '' && citizen.gender !== '' && BIRTHDATE.test(citizen.birthdate) && birthplaceKnown;
}
