/** The rows that entries of another copy of the log stand for, when a backup is brought forward with them. */
import { dayNumber } from '../../clock.ts';
import type { Entry } from '../../log/entry.ts';
import type { RestoredBatch } from '../../log/ports.ts';
import type { Growth } from './growth.ts';
import * as statements from './log-statements.ts';

/** No petition closes before it: what was recorded in its time is taken. */
const ANY_DAY = 0;

type Restorable = Exclude<Entry, { kind: 'case-opened' | 'case-ended' }>;

export async function restoreEntries(growth: Growth, { entries, files }: RestoredBatch): Promise<void> {
  const refs = await openPetitions(growth, entries, files);
  await learn(growth, entries);
  for (const entry of entries) {
    if (entry.kind === 'case-opened' || entry.kind === 'case-ended') throw new RangeError(`no row holds ${entry.kind}`);
    await restore(growth, entry, refs, files);
  }
}

/** Petitions that the entries open get their rows first; those of the others are there. */
async function openPetitions(
  growth: Growth,
  entries: readonly Entry[],
  files: RestoredBatch['files'],
): Promise<ReadonlyMap<string, number>> {
  const named = new Set<string>();
  for (const [i, entry] of entries.entries()) {
    if ('petition' in entry) named.add(entry.petition);
    if (entry.kind !== 'petition-opened') continue;
    const text = Buffer.from(files.get(entry.statement) ?? []).toString('utf8');
    const end = text.indexOf('\n\n');
    await growth.find(
      statements.insertPetition,
      entry.petition,
      entry.petition,
      text.slice(0, end),
      text.slice(end + 2),
      Buffer.from(entry.statement, 'hex'),
      null,
      '[]',
      entry.closes === null ? null : dayNumber(entry.closes),
      entry.min_age,
      entry.departments,
      entry.acr,
      entry.issuer,
      entry.client_id,
      Buffer.from(entry.nym_key, 'base64url'),
      null,
      growth.index + i,
    );
  }
  const found = await growth.petitions(named, ANY_DAY);
  return new Map([...found].map(([id, { ref }]) => [id, ref]));
}

/** What is known of the nyms; whoever is new gets a row. */
async function learn(growth: Growth, entries: readonly Entry[]): Promise<void> {
  const standings = entries.flatMap((entry) => ('nym' in entry ? growth.standing(entry.petition, entry.nym) : []));
  await growth.claim([...new Set(standings)], [], ANY_DAY);
}

async function restore(
  growth: Growth,
  entry: Restorable,
  refs: ReadonlyMap<string, number>,
  files: RestoredBatch['files'],
): Promise<void> {
  const { index } = growth;
  const day = dayNumber(entry.day);
  if (entry.kind === 'identity-keys') {
    await growth.change(
      statements.insertKeys,
      Buffer.from(entry.jwks, 'hex'),
      entry.issuer,
      files.get(entry.jwks),
      index,
    );
    growth.add(entry.kind, day, {});
    return;
  }
  const petition = refOf(refs, entry.petition, index);
  if ('nym' in entry) {
    const about = growth.standing(entry.petition, entry.nym);
    const evidence = 'evidence' in entry && entry.evidence !== null ? Buffer.from(entry.evidence, 'base64url') : null;
    const department = entry.kind === 'signed' ? entry.department : null;
    const ground = entry.kind === 'invalidated' ? entry.ground : null;
    growth.add(entry.kind, day, { petition, nym: about.nym, department, evidence, ground }, about);
    return;
  }
  if (entry.kind === 'petition-closed') await growth.change(statements.closePetition, index, petition);
  if (entry.kind === 'pseudonyms-destroyed') await growth.change(statements.destroyPseudonyms, index, petition);
  growth.add(entry.kind, day, entry.kind === 'petition-closed' ? { petition, count: entry.count } : { petition });
}

function refOf(refs: ReadonlyMap<string, number>, id: string, index: number): number {
  const ref = refs.get(id);
  if (ref === undefined) throw new RangeError(`entry ${index}: no petition ${id}`);
  return ref;
}
