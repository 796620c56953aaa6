/**
 * The demonstration's three petitions, each with other rules, and the signatures that they begin with: every one goes
 * through the core as a visitor's would, on a login that the simulated FranceConnect signed for it, on its own day. The log
 * goes forward from the first petition's opening to today. Whatever was done is found done: a start that was interrupted is
 * made again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, type Day, dayFromNumber, dayNumber, parisDay, parisMidnight } from '../clock.ts';
import type { KeyEncryptionKey } from '../key-encryption.ts';
import { pseudonyms } from '../person/pseudonym.ts';
import { closePetition } from '../petitions/close-petition.ts';
import { type Collecting, openPetition } from '../petitions/open-petition.ts';
import type { Petition } from '../petitions/petition.ts';
import { type PetitionFile, parsePetitionFile } from '../petitions/petition-file.ts';
import { computeNym } from '../petitions/petition-key.ts';
import type { PetitionStore, Register } from '../petitions/ports.ts';
import { checkDepartment, checkMaySign, signPetition } from '../petitions/sign-petition.ts';
import { withdrawSignature } from '../petitions/withdraw-signature.ts';
import { PETITIONS, type PlannedAct, planActs } from './plan.ts';
import type { LogIn } from './synthetic-login.ts';

const FOLDER = join(import.meta.dirname, 'petitions');
const NOON_MS = 12 * 3_600_000;

/** A clock that stands at noon of a day. */
export class SeedClock {
  #at = new Date(0);

  stand(day: Day): void {
    this.#at = new Date(parisMidnight(day) * 1000 + NOON_MS);
  }

  readonly now: Clock = () => this.#at;
}

export type SeedDependencies = {
  readonly petitions: PetitionStore;
  readonly register: Register;
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly clock: SeedClock;
  readonly logIn: LogIn;
  /** The identity provider's JWK Set: an entry before the first login that it verifies. */
  readonly jwks: string;
};

export type Seed = { readonly firstDay: Day; readonly signatures: number };

/** @param after the last entry's day, where an earlier start was interrupted: days before it are done */
export async function seed(
  deps: SeedDependencies,
  collecting: Collecting,
  { firstDay, signatures }: Seed,
  after: Day | undefined,
): Promise<void> {
  const { clock, petitions, register } = deps;
  const first = dayNumber(firstDay);
  const planned = PETITIONS.map((plan) => ({ ...plan, parsed: read(plan.file) }));
  const begins = Math.min(...planned.map(({ opened }) => opened));
  const acts = Map.groupBy(planActs(signatures), ({ day }) => day);
  for (let day = after === undefined ? begins : dayNumber(after) - first; day < 0; day++) {
    clock.stand(dayFromNumber(first + day));
    if (day === begins) await noteKeys(deps, collecting.issuer);
    for (const { opened, closes, parsed } of planned) {
      const last = closes === undefined ? undefined : dayFromNumber(first + closes);
      if (opened === day) await openOnce(deps, collecting, { ...parsed, closes: last });
    }
    for (const { file, parsed } of planned) {
      const today = (acts.get(day) ?? []).filter((act) => act.file === file);
      const petition = today.length === 0 ? undefined : await petitions.findBySlug(parsed.slug);
      if (petition !== undefined) await settle(today.map((act) => perform(deps, petition, act)));
    }
    for (const { closed, parsed } of planned) {
      if (closed === day) await closePetition({ petitions, register }, parsed.slug);
    }
  }
}

/** Waits for all, also when one fails: nothing records any more once this is over. */
async function settle(performing: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(performing)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

function read(file: string): PetitionFile {
  return parsePetitionFile(readFileSync(join(FOLDER, file), 'utf8'), file);
}

async function noteKeys({ register, jwks }: SeedDependencies, issuer: string): Promise<void> {
  await register.record({ kind: 'identity-keys', issuer, jwks: Buffer.from(jwks) });
}

async function openOnce(deps: SeedDependencies, collecting: Collecting, file: PetitionFile): Promise<void> {
  if ((await deps.petitions.findBySlug(file.slug)) !== undefined) return;
  await openPetition({ ...deps, clock: deps.clock.now }, file, collecting);
}

/** @throws Refusal where a visitor would be refused */
async function perform(deps: SeedDependencies, petition: Petition, act: PlannedAct): Promise<void> {
  const { person, birthdate } = await deps.logIn(act.login, act.action, petition);
  const nym = await computeNym({ ...deps, pseudonyms }, petition, person);
  if (act.action === 'withdraw') return void (await withdrawSignature(deps, petition, nym));
  checkMaySign(petition, birthdate, parisDay(deps.clock.now()));
  await signPetition(deps, petition, { nym, department: checkDepartment(petition, act.department) });
}
