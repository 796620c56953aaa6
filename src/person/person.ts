import type { Day } from '../clock.ts';
import { parseDay } from '../clock.ts';

/**
 * One real person, as an identity provider names them: the pair (`iss`, `sub`) of a verified id_token
 * (OpenID Connect Core §2). FranceConnect's `sub` is one for each person and service, whichever provider stands
 * behind it. A value of this type never leaves memory.
 */
export type Person = { readonly issuer: string; readonly sub: string };

/**
 * Whether someone has reached an age on a day. FranceConnect writes `YYYY-MM-DD` and pads an unknown day or month
 * with 01, so such a person counts from the first day possible. Days compare as strings: someone born on 29 February
 * comes of age on 29 February where that year has one, and on 1 March elsewhere.
 */
export function hasReachedAge(birthdate: Day, age: number, today: Day): boolean {
  const year = String(Number(birthdate.slice(0, 4)) + age).padStart(4, '0');
  return `${year}${birthdate.slice(4)}` <= today;
}

/** A `birthdate` claim (OpenID Connect Core §5.1) that names a full, existing day not in the future; else `undefined`. */
export function parseBirthdate(claim: unknown, today: Day): Day | undefined {
  const day = typeof claim === 'string' ? parseDay(claim) : undefined;
  return day !== undefined && day > '1850-01-01' && day <= today ? day : undefined;
}
