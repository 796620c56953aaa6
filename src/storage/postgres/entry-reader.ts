/** Reads log entries back from their rows: what stands in other tables is asked for all of them at once. */
import type { LoggedEntry } from '../../log/ports.ts';
import {
  type Beside,
  type EntryRow,
  type JoinedRow,
  kindNumber,
  loggedEntryOf,
  type PetitionColumns,
} from '../entry-rows.ts';
import type { Database } from './database.ts';
import * as statements from './log-statements.ts';

const OPENED = kindNumber('petition-opened');
const NOTED = kindNumber('identity-keys');

type Reader = (from: number, to: number) => Promise<readonly LoggedEntry[]>;

/** @returns entries [from, to). @throws RangeError for a row that is no entry */
export function entryReader(database: Database): Reader {
  const ids = new Map<number, string>();

  /** An id never changes, so it is read once; what else a petition's row says is read for its own entry. */
  async function petitionsOf(rows: readonly EntryRow[]): Promise<ReadonlyMap<number, PetitionColumns>> {
    const asked = rows.filter(({ kind, petition }) => petition !== null && (kind === OPENED || !ids.has(petition)));
    const refs = [...new Set(asked.map(({ petition }) => petition))];
    if (refs.length === 0) return new Map();
    const found = await database.rows<PetitionColumns & { ref: number }>(statements.petitionColumns, refs);
    for (const { ref, id } of found) ids.set(ref, id);
    return new Map(found.map(({ ref, ...columns }) => [ref, columns]));
  }

  async function keysOf(rows: readonly EntryRow[]) {
    const indexes = rows.filter(({ kind }) => kind === NOTED).map(({ index }) => index);
    if (indexes.length === 0) return new Map();
    type Row = { entry: number; issuer: string; hash: Buffer };
    const found = await database.rows<Row>(statements.keysByEntry, indexes);
    return new Map(found.map((row) => [row.entry, row]));
  }

  return async (from, to) => {
    const rows = await database.rows<JoinedRow>(statements.entryRange, from, to);
    const [petitions, keys] = [await petitionsOf(rows), await keysOf(rows)];
    const beside: Beside = {
      id: (ref) => ids.get(ref),
      petition: (ref) => petitions.get(ref),
      keys: (index) => keys.get(index),
    };
    return rows.map((row) => loggedEntryOf(row, beside));
  };
}
