/** The rows that entries of another copy of the log stand for, when a backup is brought forward with them. */
import { dayNumber } from '../../clock.ts';
import type { Entry } from '../../log/entry.ts';
import type { RestoredBatch } from '../../log/ports.ts';
import { nymBytes } from '../../person/nym.ts';
import type { PetitionId } from '../../petitions/petition.ts';
import { type Columns, type EntryRow, makeRow } from '../entry-rows.ts';
import { insertEntry, type LogStatements } from './log-statements.ts';

export function restoreEntries(
  { size, entries, files }: RestoredBatch,
  statements: LogStatements,
  refOf: (id: PetitionId) => number | undefined,
): void {
  for (const [i, entry] of entries.entries()) {
    const index = size + i;
    const insert = (columns: Columns, before?: EntryRow) =>
      insertEntry(statements, makeRow(index, entry.kind, dayNumber(entry.day), columns, before));
    if (entry.kind === 'petition-opened') {
      const text = Buffer.from(files.get(entry.statement) ?? []).toString('utf8');
      const end = text.indexOf('\n\n');
      statements.insertPetition.run({
        id: entry.petition,
        slug: entry.petition,
        title: text.slice(0, end),
        text: text.slice(end + 2),
        statement: Buffer.from(entry.statement, 'hex'),
        author: null,
        thresholds: '[]',
        closes: entry.closes === null ? null : dayNumber(entry.closes),
        minAge: entry.min_age,
        departments: entry.departments ? 1 : 0,
        acr: entry.acr,
        issuer: entry.issuer,
        clientId: entry.client_id,
        nymKey: Buffer.from(entry.nym_key, 'base64url'),
        wrappedSecret: null,
        opening: index,
      });
      insert({ petition: refOf(entry.petition as PetitionId) ?? null });
    } else if (entry.kind === 'identity-keys') {
      const jwks = Buffer.from(files.get(entry.jwks) ?? []);
      statements.insertKeys.run(Buffer.from(entry.jwks, 'hex'), entry.issuer, jwks, index);
      insert({});
    } else if (entry.kind === 'case-opened' || entry.kind === 'case-ended') {
      throw new RangeError(`no row holds ${entry.kind}`);
    } else {
      const ref = refOf(entry.petition as PetitionId);
      if (ref === undefined) throw new RangeError(`entry ${index}: no petition ${entry.petition}`);
      restoreAbout(entry, ref, index, statements, insert);
    }
  }
}

function restoreAbout(
  entry: Exclude<Entry, { kind: 'petition-opened' | 'identity-keys' | 'case-opened' | 'case-ended' }>,
  petition: number,
  index: number,
  statements: LogStatements,
  insert: (columns: Columns, before?: EntryRow) => void,
): void {
  if (entry.kind === 'petition-closed') {
    statements.closePetition.run(index, petition);
    insert({ petition, count: entry.count });
    return;
  }
  if (entry.kind === 'pseudonyms-destroyed') {
    statements.destroyPseudonyms.run(index, petition);
    insert({ petition });
    return;
  }
  const nym = nymBytes(entry.nym);
  const before = statements.latest.get(petition, nym);
  if (before === undefined) statements.insertSignature.run(petition, nym, index);
  else statements.moveSignature.run(index, petition, nym);
  const evidence = 'evidence' in entry && entry.evidence !== null ? Buffer.from(entry.evidence, 'base64url') : null;
  const department = entry.kind === 'signed' ? entry.department : null;
  insert({ petition, nym, department, evidence, ground: entry.kind === 'invalidated' ? entry.ground : null }, before);
}
