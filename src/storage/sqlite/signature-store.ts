/** Signatures, found by what the log's entries say of them. */
import { nymBytes } from '../../person/nym.ts';
import type { PetitionId } from '../../petitions/petition.ts';
import type { SignatureStore } from '../../petitions/ports.ts';
import type { Signature } from '../../petitions/signature.ts';
import { type EntryRow, signatureOf } from '../entry-rows.ts';
import { act, type Sqlite } from './database.ts';
import { entryReader } from './entry-rows.ts';

export function sqliteSignatureStore(database: Sqlite): SignatureStore {
  const client = database.$client;
  const reader = entryReader(database);
  // Subqueries, as SQLite prepares a join anew at each call.
  const latest = client.prepare<[string, Uint8Array], EntryRow>(`
    SELECT * FROM entries WHERE "index" =
      (SELECT entry FROM signatures WHERE petition = (SELECT ref FROM petitions WHERE id = ?) AND nym = ?)`);
  const latestByEntry = client.prepare<[number], EntryRow>(`
    SELECT * FROM entries WHERE "index" = (SELECT entry FROM signatures
      WHERE (petition, nym) = (SELECT petition, nym FROM entries WHERE "index" = ?))`);
  const byIndex = client.prepare<[number], EntryRow>('SELECT * FROM entries WHERE "index" = ?');

  /** Back along the entries about one nym, to the last one that stands in a log of that size. */
  function asOf(size: number, row: EntryRow | undefined): EntryRow | undefined {
    while (row !== undefined && row.index >= size) {
      row = row.previous === null ? undefined : byIndex.get(row.previous);
    }
    return row;
  }

  return {
    find: async (petition, nym, size) =>
      act(() => {
        const row = asOf(size, latest.get(petition, nymBytes(nym)));
        return row && signatureOf(row, petition);
      }),
    findByEntry: async (index, size) =>
      act((): Signature | undefined => {
        const row = index < size ? asOf(size, latestByEntry.get(index)) : undefined;
        return row?.petition == null ? undefined : signatureOf(row, reader.idOf(row.petition) as PetitionId);
      }),
  };
}
