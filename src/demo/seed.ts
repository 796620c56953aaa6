/** The demonstration's three petitions, each with other rules, opened once. */

import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, dayFromNumber, dayNumber, parisDay } from '../clock.ts';
import { closePetition } from '../petitions/close-petition.ts';
import { type Collecting, openPetition } from '../petitions/open-petition.ts';
import { parsePetitionFile } from '../petitions/petition-file.ts';
import type { PetitionStore, Register } from '../petitions/ports.ts';

const FOLDER = join(import.meta.dirname, 'petitions');

/** In the order in which the log tells it. Days are counted from the first start: a demonstration does not grow old. */
const PETITIONS = [
  { file: 'cantines-locales.md', opened: -150, closed: -30, closes: undefined },
  { file: 'jardins-partages.md', opened: -12, closed: undefined, closes: undefined },
  { file: 'trains-de-nuit.md', opened: -5, closed: undefined, closes: 180 },
] as const;

/** A clock that stands some days from now. */
export class SeedClock {
  #days = 0;

  move(days: number): void {
    this.#days = days;
  }

  readonly now: Clock = () => new Date(Date.now() + this.#days * 86_400_000);
}

export async function seedPetitions(
  deps: { petitions: PetitionStore; register: Register; keyEncryptionKey: KeyObject; clock: SeedClock },
  collecting: Collecting,
): Promise<void> {
  const { clock } = deps;
  const today = dayNumber(parisDay(new Date()));
  for (const { file, opened, closed, closes } of PETITIONS) {
    const parsed = parsePetitionFile(readFileSync(join(FOLDER, file), 'utf8'), file);
    const lastDay = closes === undefined ? undefined : dayFromNumber(today + closes);
    const isOpened = (await deps.petitions.findBySlug(parsed.slug)) !== undefined;
    clock.move(opened);
    if (!isOpened) await openPetition({ ...deps, clock: clock.now }, { ...parsed, closes: lastDay }, collecting);
    if (closed === undefined) continue;
    clock.move(closed);
    await closePetition(deps, parsed.slug);
  }
}
