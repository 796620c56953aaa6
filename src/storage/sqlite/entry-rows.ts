/** Reads log entries back from their rows. */
import type { Entry } from '../../log/entry.ts';
import type { LoggedEntry } from '../../log/ports.ts';
import type { PetitionId } from '../../petitions/petition.ts';
import {
  type Beside,
  type EntryRow,
  entryOf,
  type JoinedRow,
  loggedEntryOf,
  type PetitionColumns,
} from '../entry-rows.ts';
import type { Sqlite } from './database.ts';

export function entryReader(database: Sqlite) {
  const client = database.$client;
  const range = client.prepare<[number, number], JoinedRow>(`
    SELECT e.*, b.kind AS beforeKind, b.day AS beforeDay, b.department AS beforeDepartment
    FROM entries e LEFT JOIN entries b ON b."index" = e.previous
    WHERE e."index" >= ? AND e."index" < ? ORDER BY e."index"`);
  const petitionByRef = client.prepare<[number], Omit<PetitionColumns, 'departments'> & { departments: number }>(`
    SELECT id, statement, nym_key AS nymKey, issuer, client_id AS clientId, acr, min_age AS minAge, closes, departments
    FROM petitions WHERE ref = ?`);
  const keysByEntry = client.prepare<[number], { issuer: string; hash: Buffer }>(
    'SELECT issuer, hash FROM identity_keys WHERE entry = ?',
  );
  const ids = new Map<number, string>();
  const beside: Beside = {
    id(ref) {
      let id = ids.get(ref);
      if (id === undefined) {
        id = petitionByRef.get(ref)?.id;
        if (id !== undefined) ids.set(ref, id);
      }
      return id;
    },
    petition(ref) {
      const row = petitionByRef.get(ref);
      return row && { ...row, departments: row.departments === 1 };
    },
    keys: (index) => keysByEntry.get(index),
  };

  return {
    entryOf: (row: EntryRow): Entry => entryOf(row, beside),
    idOf: (ref: number) => beside.id(ref) as PetitionId,
    range: (from: number, to: number): readonly LoggedEntry[] =>
      range.all(from, to).map((row) => loggedEntryOf(row, beside)),
  };
}
