/** The demonstration's three petitions, each with other rules, opened once. */

import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, dayFromNumber, dayNumber, parisDay } from '../clock.ts';
import { closePetition } from '../petitions/close-petition.ts';
import { type Collecting, openPetition } from '../petitions/open-petition.ts';
import { parsePetitionFile } from '../petitions/petition-file.ts';
import type { PetitionStore } from '../petitions/ports.ts';

const FOLDER = join(import.meta.dirname, 'petitions');

/** Days are counted from the first start: a demonstration does not grow old. */
const PETITIONS = [
  { file: 'cantines-locales.md', opened: -150, closed: -30, closes: undefined },
  { file: 'jardins-partages.md', opened: -12, closed: undefined, closes: undefined },
  { file: 'trains-de-nuit.md', opened: -5, closed: undefined, closes: 180 },
] as const;

export async function seedPetitions(
  deps: { petitions: PetitionStore; keyEncryptionKey: KeyObject; clock: Clock },
  collecting: Collecting,
): Promise<void> {
  const today = dayNumber(parisDay(deps.clock()));
  for (const { file, opened, closed, closes } of PETITIONS) {
    const parsed = parsePetitionFile(readFileSync(join(FOLDER, file), 'utf8'), file);
    const clock = () => new Date(deps.clock().getTime() + opened * 86_400_000);
    const lastDay = closes === undefined ? undefined : dayFromNumber(today + closes);
    const isOpened = (await deps.petitions.findBySlug(parsed.slug)) !== undefined;
    if (!isOpened) await openPetition({ ...deps, clock }, { ...parsed, closes: lastDay }, collecting);
    if (closed !== undefined) await closePetition(deps, parsed.slug, dayFromNumber(today + closed));
  }
}
