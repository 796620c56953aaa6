/** Signatures, found by what the log's entries say of them: back along the entries about one nym, in one statement. */
import { nymBytes } from '../../person/nym.ts';
import type { PetitionId } from '../../petitions/petition.ts';
import type { SignatureStore } from '../../petitions/ports.ts';
import { type EntryRow, signatureOf } from '../entry-rows.ts';
import type { Database } from './database.ts';

/** The last entry about a nym that stands in a log of $1 entries, from the latest one on. */
const asOf = (latest: string) => `
  WITH RECURSIVE back AS (
    ${latest}
    UNION ALL SELECT e.* FROM back b JOIN entries e ON e."index" = b.previous WHERE b."index" >= $1
  )
  SELECT back.*, p.id FROM back JOIN petitions p ON p.ref = back.petition WHERE back."index" < $1
  ORDER BY back."index" DESC LIMIT 1`;

const BY_NYM = {
  name: 'paraphe_signature_by_nym',
  text: asOf(`SELECT e.* FROM petitions o JOIN signatures s ON s.petition = o.ref JOIN entries e ON e."index" = s.entry
    WHERE o.id = $2 AND s.nym = $3`),
};
const BY_ENTRY = {
  name: 'paraphe_signature_by_entry',
  text: asOf(`SELECT e.* FROM entries o JOIN signatures s ON s.petition = o.petition AND s.nym = o.nym
    JOIN entries e ON e."index" = s.entry WHERE o."index" = $2 AND o."index" < $1`),
};

export function postgresSignatureStore(database: Database): SignatureStore {
  const find = async (...asked: Parameters<typeof database.rows>) => {
    const [row] = await database.rows<EntryRow & { id: PetitionId }>(...asked);
    return row && signatureOf(row, row.id);
  };
  return {
    find: (petition, nym, size) => find(BY_NYM, size, petition, nymBytes(nym)),
    findByEntry: (index, size) => find(BY_ENTRY, size, index),
  };
}
