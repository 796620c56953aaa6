/**
 * The `sub` of a person for a service, by FranceConnect's algorithm
 * (france-connect/sources, back/libs/cryptography-fcp/src/cryptography-fcp.service.ts):
 *
 *   identityHash = base64(sha256(latin1(given_name family_name birthdate gender [birthplace] birthcountry)))
 *   sub          = hex(sha256(utf8(entityId identityHash platformSecret))) "v1"
 *
 * The birthplace counts for people born in France only. One person has one `sub` for one entity, whichever identity
 * provider stands behind; two entities can not join theirs. Usage name and e-mail address are not part of it.
 */
import { createHash } from 'node:crypto';

export const FRANCE = '99100';

/** The identity as the national register (RNIPP) holds it. */
export type PivotIdentity = {
  given_name: string;
  family_name: string;
  birthdate: string;
  gender: string;
  birthplace: string;
  birthcountry: string;
};

/**
 * Base64, as FranceConnect's account base holds it. Accents are composed (NFC) first: a name typed in two Unicode forms
 * is one name. Beyond Latin-1 the encoding keeps the low byte only (`Œ` reads as `R`), as FranceConnect's own does.
 */
export function identityHash(identity: PivotIdentity): string {
  const birthplace = identity.birthcountry === FRANCE ? identity.birthplace : '';
  const pivot = [
    identity.given_name,
    identity.family_name,
    identity.birthdate,
    identity.gender,
    birthplace,
    identity.birthcountry,
  ];
  return createHash('sha256').update(pivot.join('').normalize('NFC'), 'latin1').digest('base64');
}

/** 64 hexadecimal characters and `v1`. */
export function subjectOf(identity: PivotIdentity, entityId: string, platformSecret: string): string {
  const hash = createHash('sha256').update(`${entityId}${identityHash(identity)}${platformSecret}`, 'utf8');
  return `${hash.digest('hex')}v1`;
}
