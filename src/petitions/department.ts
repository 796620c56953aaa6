/**
 * Départements and overseas collectivities by INSEE code (Code officiel géographique), and `99` for people who live
 * abroad. Declared by the signer, never verified.
 */
import list from '@etalab/decoupage-administratif/data/departements.json' with { type: 'json' };

export const ABROAD = '99';

export const DEPARTMENTS: ReadonlyMap<string, string> = new Map(
  (list as readonly { code: string; nom: string }[]).map(({ code, nom }) => [code, nom]),
);

export function isDepartment(code: string): boolean {
  return code === ABROAD || DEPARTMENTS.has(code);
}
