/**
 * FranceConnect's own rules in front of its OpenID engine: closed lists of parameters, and the choice of a level. Sources, in
 * france-connect/sources: back/apps/core-fcp/src/dto/authorize-params.dto.ts, back/libs/oidc-provider/src/dto/
 * logout-params.dto.ts and revocation-token-params.dto.ts, back/libs/core/src/transforms/acr.transform.ts,
 * quality/fcp/cypress/integration/api/api-authorize.feature.
 */

type ParameterRules = {
  required: readonly string[];
  optional: readonly string[];
  /** What a value must be, beyond not being empty. */
  values?: Readonly<Record<string, (value: string) => boolean>>;
};

/** No `code_challenge`, no `response_mode`, no `login_hint`, no `max_age`: one more parameter is an error page. */
export const AUTHORIZE: ParameterRules = {
  required: ['client_id', 'acr_values', 'response_type', 'nonce', 'state', 'redirect_uri', 'scope'],
  optional: ['claims', 'prompt', 'idp_hint', 'ui_locales'],
  values: {
    nonce: (value) => value.length >= 22,
    prompt: (value) => value.split(' ').every((word) => word === 'login' || word === 'consent'),
  },
};

export const END_SESSION: ParameterRules = {
  required: ['id_token_hint'],
  optional: ['client_id', 'logout_hint', 'ui_locales', 'post_logout_redirect_uri', 'state'],
};

/** `token_type_hint` is refused too. */
export const REVOCATION: ParameterRules = {
  required: ['token', 'client_id', 'client_secret'],
  optional: [],
  values: {
    token: (value) => value.length >= 43,
    client_secret: (value) => value.length >= 32,
  },
};

/** The first parameter that a list does not take: missing, empty, doubled, unknown or malformed. */
export function refusedParameter(parameters: URLSearchParams, rules: ParameterRules): string | undefined {
  const names = [...parameters.keys()];
  const known = [...rules.required, ...rules.optional];
  return (
    rules.required.find((name) => !parameters.has(name)) ??
    names.find((name, index) => {
      const value = parameters.get(name) ?? '';
      const doubled = names.indexOf(name) !== index;
      return doubled || value === '' || !known.includes(name) || rules.values?.[name]?.(value) === false;
    })
  );
}

const ACR_VALUES = ['eidas1', 'eidas2', 'eidas3'];
/** FranceConnect low. */
export const PLATFORM_ACR = 'eidas1';

/** The lowest known level that is asked for; the platform's own when none is known. */
export function pickAcr(acrValues: string): string {
  const asked = acrValues.split(' ');
  return ACR_VALUES.find((acr) => asked.includes(acr)) ?? PLATFORM_ACR;
}

/** Whether a `claims` parameter asks for `amr`, which a service needs a permission for (Y100009). */
export function asksForAmr(claims: string): boolean {
  try {
    const parsed: unknown = JSON.parse(claims);
    const idToken = isObject(parsed) ? parsed.id_token : undefined;
    return isObject(idToken) && Object.hasOwn(idToken, 'amr');
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
