/** The log's statements, plain SQL: a mapper takes longer than they do. */
import type { LogState } from '../../log/ports.ts';
import type { EntryRow } from '../entry-rows.ts';
import type { Sqlite } from './database.ts';

export function insertEntry(statements: LogStatements, row: EntryRow): void {
  const { index, kind, day, petition, nym, department, evidence, ground, count, previous } = row;
  statements.insertEntry.run(index, kind, day, petition, nym, department, evidence, ground, count, previous);
}

export function prepareLog(database: Sqlite) {
  const client = database.$client;
  const plucked = <P extends unknown[], R>(sql: string) =>
    client.prepare<P, R>(sql).pluck() as unknown as Plucked<P, R>;
  return {
    ref: plucked<[string], number>('SELECT ref FROM petitions WHERE id = ?'),
    open: plucked<[number, number], number>(
      'SELECT 1 FROM petitions WHERE ref = ? AND closing IS NULL AND (closes IS NULL OR closes >= ?)',
    ),
    // A subquery, as SQLite prepares a join anew at each call.
    latest: client.prepare<[number, Uint8Array], EntryRow>(
      'SELECT * FROM entries WHERE "index" = (SELECT entry FROM signatures WHERE petition = ? AND nym = ?)',
    ),
    insertSignature: client.prepare<[number, Uint8Array, number]>(
      'INSERT INTO signatures (petition, nym, entry) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    moveSignature: client.prepare<[number, number, Uint8Array]>(
      'UPDATE signatures SET entry = ? WHERE petition = ? AND nym = ?',
    ),
    insertEntry: client.prepare(
      `INSERT INTO entries ("index", kind, day, petition, nym, department, evidence, ground, count, previous)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    insertPetition: client.prepare(
      `INSERT INTO petitions (id, slug, title, text, statement, author, thresholds, closes, min_age, departments, acr, issuer, client_id, nym_key, wrapped_secret, opening)
       VALUES (@id, @slug, @title, @text, @statement, @author, @thresholds, @closes, @minAge, @departments, @acr, @issuer, @clientId, @nymKey, @wrappedSecret, @opening)
       ON CONFLICT DO NOTHING`,
    ),
    openedAs: client.prepare<[string], { entry: number; day: number }>(
      'SELECT p.opening AS entry, e.day FROM petitions p JOIN entries e ON e."index" = p.opening WHERE p.id = ?',
    ),
    closePetition: client.prepare<[number, number]>(
      'UPDATE petitions SET closing = ? WHERE ref = ? AND closing IS NULL',
    ),
    destroyPseudonyms: client.prepare<[number, number]>(
      'UPDATE petitions SET destruction = ?, wrapped_secret = NULL WHERE ref = ?',
    ),
    life: client.prepare<[number], { closing: number | null; destruction: number | null }>(
      'SELECT closing, destruction FROM petitions WHERE ref = ?',
    ),
    keyId: plucked<[], Buffer | null>('SELECT key_id FROM log'),
    closedWith: plucked<[number], number>(
      'SELECT e.count FROM petitions p JOIN entries e ON e."index" = p.closing WHERE p.ref = ?',
    ),
    insertKeys: client.prepare<[Buffer, string, Buffer, number]>(
      'INSERT INTO identity_keys (hash, issuer, jwks, entry) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    putTile: client.prepare<[number, Uint8Array]>('INSERT OR REPLACE INTO tiles (place, hashes) VALUES (?, ?)'),
    tile: plucked<[number], Buffer>('SELECT hashes FROM tiles WHERE place = ?'),
    size: plucked<[], number>('SELECT size FROM log WHERE moved IS NULL'),
    putHead: client.prepare<[number, Uint8Array]>('UPDATE log SET size = ?, root = ?'),
    create: client.prepare<[string, string, Uint8Array]>(
      'INSERT INTO log (id, origin, vkey, size, root) VALUES (1, ?, ?, 0, ?) ON CONFLICT DO NOTHING',
    ),
    log: client.prepare<[], Pick<LogState, 'origin' | 'vkey' | 'size' | 'root'>>(
      'SELECT origin, vkey, size, root FROM log',
    ),
    day: plucked<[number], number>('SELECT day FROM entries WHERE "index" = ?'),
    publication: client.prepare<[], { checkpoint: string; at: number }>('SELECT checkpoint, at FROM publication'),
    putPublication: client.prepare<[string, number]>(
      'INSERT OR REPLACE INTO publication (id, checkpoint, at) VALUES (1, ?, ?)',
    ),
    fold: plucked<[], string>('SELECT snapshot FROM fold'),
    putFold: client.prepare<[string]>('INSERT OR REPLACE INTO fold (id, snapshot) VALUES (1, ?)'),
    statement: client.prepare<[Buffer], { title: string; text: string; opening: number }>(
      'SELECT title, text, opening FROM petitions WHERE statement = ? ORDER BY opening LIMIT 1',
    ),
    jwks: client.prepare<[Buffer], { jwks: Buffer; entry: number }>(
      'SELECT jwks, entry FROM identity_keys WHERE hash = ? ORDER BY entry LIMIT 1',
    ),
  };
}

export type LogStatements = ReturnType<typeof prepareLog>;

type Plucked<P extends unknown[], R> = { get(...params: P): R | undefined; all(...params: P): R[] };
