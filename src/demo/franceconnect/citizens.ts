/**
 * The people of the simulation. The logins follow those of FranceConnect's own test identity provider
 * (france-connect/sources, docker/volumes/fcp-low/mocks/idp/databases/citizen/base.csv); identities are invented, but
 * for `test`, which is FranceConnect's published one. The password is 123 for all.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import * as z from 'zod';
import { FRANCE, type PivotIdentity } from './subject.ts';

export const PASSWORD = '123';

export type Citizen = {
  login: string;
  /** What the login is for, in French: a rule, never an identity. */
  purpose: string;
  givenNames: readonly string[];
  familyName: string;
  usageName: string;
  gender: string;
  email: string;
  /** As the identity provider says it: an unknown day or month is `00`. */
  birthdate: string;
  birthplace: string;
  birthcountry: string;
  /** The Y-code with which the national register refuses this person. */
  rnipp: string;
};

const rows = z.array(
  z
    .object({
      login: z.string().min(1),
      purpose: z.string().min(1),
      given_names: z.string(),
      family_name: z.string(),
      usage_name: z.string(),
      gender: z.enum(['male', 'female', 'unspecified', '']),
      email: z.string(),
      birthdate: z.string(),
      birthplace: z.string(),
      birthcountry: z.string(),
      rnipp: z.string(),
    })
    .transform(
      (row): Citizen => ({
        login: row.login.normalize('NFC'),
        purpose: row.purpose,
        givenNames: row.given_names.split('|').map((name) => name.normalize('NFC')),
        familyName: row.family_name.normalize('NFC'),
        usageName: row.usage_name.normalize('NFC'),
        gender: row.gender,
        email: row.email,
        birthdate: row.birthdate,
        birthplace: row.birthplace,
        birthcountry: row.birthcountry,
        rnipp: row.rnipp,
      }),
    ),
);

/** Reads the list. `{Y-15}-01-01` is the first of January fifteen years before the reference year. */
export function readCitizens(referenceYear: number): readonly Citizen[] {
  const text = readFileSync(path.join(import.meta.dirname, '..', 'citizens.csv'), 'utf8');
  const citizens = rows.parse(parse(text, { columns: true, trim: true }));
  return citizens.map((citizen) => ({
    ...citizen,
    birthdate: citizen.birthdate.replace(/\{Y-(\d+)\}/, (_, years) => String(referenceYear - Number(years))),
  }));
}

/** How a login is looked up: spaces around it and the form of its accents do not matter. */
export type FindCitizen = (login: string) => Citizen | undefined;

export function citizenFinder(citizens: readonly Citizen[]): FindCitizen {
  const byLogin = new Map(citizens.map((citizen) => [citizen.login, citizen]));
  return (typed) => {
    const login = typed.trim().normalize('NFC');
    return byLogin.get(login) ?? generatedCitizen(login);
  };
}

export const GENERATED_CITIZENS = 10_000_000;
const PRIME = 10_000_019;
const DAYS = 21_900;
const GIVEN_NAMES = [
  'Adèle',
  'Bruno',
  'Chloé',
  'Denis',
  'Élise',
  'Félix',
  'Gisèle',
  'Hugo',
  'Irène',
  'Joël',
  'Karine',
  'Louis',
];
const FAMILY_NAMES = [
  'ABADIE',
  'BESNARD',
  'CHEVRIER',
  'DELMAS',
  'ESTÈVE',
  'FOUCAULT',
  'GRANIER',
  'HUBERT',
  'IMBERT',
  'JOUBERT',
];
const COMMUNES = ['13055', '31555', '33063', '35238', '44109', '59350', '67482', '69123', '75112'];

/**
 * The adult behind `citoyen-<n>`, computed from n: any number of people for a load test. Multiplying modulo a prime
 * scatters neighbours and keeps them distinct; day of birth and names are the digits of the product, so that no two
 * people share an identity.
 */
function generatedCitizen(login: string): Citizen | undefined {
  const digits = /^citoyen-([1-9]\d{0,7})$/.exec(login)?.[1];
  const n = Number(digits);
  if (digits === undefined || n > GENERATED_CITIZENS) return undefined;
  const scattered = (n * 7_368_787) % PRIME;
  const rest = Math.floor(scattered / DAYS);
  const birthday = new Date(Date.UTC(1940, 0, 1) + (scattered % DAYS) * 86_400_000);
  return {
    login,
    purpose: 'adulte',
    givenNames: [pick(GIVEN_NAMES, rest)],
    familyName: pick(FAMILY_NAMES, Math.floor(rest / GIVEN_NAMES.length)),
    usageName: '',
    gender: 'unspecified',
    email: `${login}@exemple.invalid`,
    birthdate: birthday.toISOString().slice(0, 10),
    birthplace: pick(COMMUNES, Math.floor(rest / (GIVEN_NAMES.length * FAMILY_NAMES.length))),
    birthcountry: FRANCE,
    rnipp: '',
  };
}

function pick(list: readonly string[], index: number): string {
  return list[index % list.length] ?? '';
}

/** The identity as the national register rectifies it: an unknown day or month of birth becomes 01. */
export function pivotIdentity(citizen: Citizen): PivotIdentity {
  return {
    given_name: citizen.givenNames.join(' '),
    family_name: citizen.familyName,
    birthdate: citizen.birthdate.replaceAll('-00', '-01'),
    gender: citizen.gender,
    birthplace: citizen.birthplace,
    birthcountry: citizen.birthcountry,
  };
}

/** Every claim that FranceConnect (low) can serve about a person, `sub` aside; the scopes choose among them. */
export function identityClaims(citizen: Citizen): Record<string, unknown> {
  return {
    ...pivotIdentity(citizen),
    given_name_array: citizen.givenNames,
    email: citizen.email,
    idp_birthdate: citizen.birthdate,
    ...(citizen.usageName === '' ? {} : { preferred_username: citizen.usageName }),
  };
}
