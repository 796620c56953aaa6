/**
 * FranceConnect low's scopes, the claims behind them and the words of its information page
 * (france-connect/sources, back/libs/scopes/src/data/fcp-low/fcp-low.scopes.ts).
 */
const SINGLE: Record<string, { claims: readonly string[]; label: string }> = {
  gender: { claims: ['gender'], label: 'sexe' },
  birthdate: { claims: ['birthdate'], label: 'date de naissance' },
  birthcountry: { claims: ['birthcountry'], label: 'pays de naissance' },
  birthplace: { claims: ['birthplace'], label: 'lieu de naissance' },
  given_name: { claims: ['given_name', 'given_name_array'], label: 'prénoms' },
  family_name: { claims: ['family_name'], label: 'nom de naissance' },
  email: { claims: ['email'], label: 'adresse électronique' },
  preferred_username: { claims: ['preferred_username'], label: 'nom d’usage' },
  idp_birthdate: { claims: ['idp_birthdate'], label: 'date de naissance' },
};

const GROUPS: Record<string, readonly string[]> = {
  openid: [],
  identite_pivot: ['given_name', 'family_name', 'birthdate', 'gender', 'birthplace', 'birthcountry'],
  profile: ['given_name', 'family_name', 'birthdate', 'gender', 'preferred_username'],
  birth: ['birthplace', 'birthcountry'],
};

export const SCOPES = [...Object.keys(GROUPS), ...Object.keys(SINGLE)];

/** In oidc-provider's form. */
export const CLAIMS: Record<string, string[]> = Object.fromEntries(
  SCOPES.map((scope) => [
    scope,
    scope === 'openid' ? ['sub'] : singleScopes(scope).flatMap((single) => SINGLE[single]?.claims ?? []),
  ]),
);

/** What a person reads before going back to the service. Nothing for `openid` alone: the login is then anonymous. */
export function transmittedData(scopes: readonly string[]): string[] {
  const labels = scopes.flatMap(singleScopes).map((scope) => SINGLE[scope]?.label ?? scope);
  return [...new Set(labels)];
}

function singleScopes(scope: string): readonly string[] {
  return GROUPS[scope] ?? (scope in SINGLE ? [scope] : []);
}
