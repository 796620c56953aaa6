/** Signatures, found by what the log's entries say of them. */
import { nymBytes } from '../../person/nym.ts';
import type { PetitionId } from '../../petitions/petition.ts';
import type { SignatureStore } from '../../petitions/ports.ts';
import type { Signature } from '../../petitions/signature.ts';
import { act, type Sqlite } from './database.ts';
import { type EntryRow, entryReader, signatureOf } from './entry-rows.ts';

export function sqliteSignatureStore(database: Sqlite): SignatureStore {
  const client = database.$client;
  const reader = entryReader(database);
  const latest = client.prepare<[string, Uint8Array], EntryRow>(`
    SELECT e.* FROM signatures s JOIN entries e ON e."index" = s.entry
    WHERE s.petition = (SELECT ref FROM petitions WHERE id = ?) AND s.nym = ?`);
  const byIndex = client.prepare<[number], EntryRow>('SELECT * FROM entries WHERE "index" = ?');

  /** Back along the entries about one nym, to the last one that stands in a log of that size. */
  function find(petition: PetitionId, nym: Uint8Array, size: number): Signature | undefined {
    let row = latest.get(petition, nym);
    while (row !== undefined && row.index >= size) {
      row = row.previous === null ? undefined : byIndex.get(row.previous);
    }
    return row === undefined ? undefined : signatureOf(row, petition);
  }

  return {
    find: async (petition, nym, size) => act(() => find(petition, nymBytes(nym), size)),
    findByEntry: async (index, size) =>
      act(() => {
        const row = index < size ? byIndex.get(index) : undefined;
        return row?.nym == null || row.petition === null ? undefined : find(reader.idOf(row.petition), row.nym, size);
      }),
  };
}
