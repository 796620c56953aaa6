/** The log's statements, plain SQL, each for a whole batch: columns travel as arrays and come apart in `unnest`. */
import type { Statement } from './database.ts';

const statement = (name: string, text: string): Statement => ({ name: `paraphe_${name}`, text });

/**
 * Nobody else writes until this transaction ends, or takes the right to: who does it at once is put in order here. A log
 * that nobody has ever taken the right to write is in epoch 0.
 */
export const lockHead = statement(
  'lock_head',
  `WITH held AS (SELECT epoch FROM lease FOR SHARE)
   SELECT size, coalesce((SELECT epoch FROM held), 0) AS epoch FROM log WHERE moved IS NULL FOR UPDATE`,
);

export const petitionsById = statement(
  'petitions_by_id',
  `SELECT id, ref, closing IS NULL AND (closes IS NULL OR closes >= $2) AS open, closing IS NOT NULL AS closed,
     destruction IS NOT NULL AS destroyed
   FROM petitions WHERE id = ANY ($1::text[])`,
);

/** The primary key decides: what it keeps out is not counted, nor what a petition's own row does. */
export const insertSignatures = statement(
  'insert_signatures',
  `INSERT INTO signatures (petition, nym, entry)
   SELECT p.ref, claim.nym, claim.entry FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS claim (petition, nym, entry)
   JOIN petitions p ON p.id = claim.petition AND p.closing IS NULL AND (p.closes IS NULL OR p.closes >= $4)
   ON CONFLICT DO NOTHING`,
);

export const moveSignatures = statement(
  'move_signatures',
  `UPDATE signatures s SET entry = moved.entry
   FROM unnest($1::integer[], $2::bytea[], $3::bigint[]) AS moved (petition, nym, entry)
   WHERE s.petition = moved.petition AND s.nym = moved.nym`,
);

/** The latest entries about some nyms. A row that this transaction has inserted has none yet. */
export const latestEntries = statement(
  'latest_entries',
  `SELECT e.* FROM unnest($1::integer[], $2::bytea[]) AS asked (petition, nym)
   JOIN signatures s ON s.petition = asked.petition AND s.nym = asked.nym JOIN entries e ON e."index" = s.entry`,
);

/**
 * Entries, tiles and the head that commits to them. Where the log has another size than the last one, its new size is none,
 * which the column refuses.
 */
export const grow = statement(
  'grow',
  `WITH new_entries AS (
     INSERT INTO entries ("index", kind, day, petition, nym, department, evidence, ground, count, previous)
     SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::integer[], $4::integer[], $5::bytea[], $6::text[], $7::bytea[],
                          $8::text[], $9::bigint[], $10::bigint[])
   ), new_tiles AS (
     INSERT INTO tiles (place, hashes) SELECT * FROM unnest($11::bigint[], $12::bytea[])
     ON CONFLICT (place) DO UPDATE SET hashes = excluded.hashes
   )
   UPDATE log SET size = CASE size WHEN $15::bigint THEN $13::bigint END, root = $14`,
);

export const insertPetition = statement(
  'insert_petition',
  `INSERT INTO petitions (id, slug, title, text, statement, author, thresholds, closes, min_age, departments, acr, issuer,
     client_id, nym_key, wrapped_secret, opening)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING RETURNING ref`,
);

export const openedAs = statement(
  'opened_as',
  'SELECT p.opening AS entry, e.day FROM petitions p JOIN entries e ON e."index" = p.opening WHERE p.id = $1',
);

export const closePetition = statement(
  'close_petition',
  'UPDATE petitions SET closing = $1 WHERE ref = $2 AND closing IS NULL',
);

export const closedWith = statement(
  'closed_with',
  'SELECT e.count FROM petitions p JOIN entries e ON e."index" = p.closing WHERE p.ref = $1',
);

export const destroyPseudonyms = statement(
  'destroy_pseudonyms',
  'UPDATE petitions SET destruction = $1, wrapped_secret = NULL WHERE ref = $2',
);

/** Names the key that every secret in the data is under; it stays that one while somebody locks the log's row. */
export const keyId = statement('key_id', 'SELECT key_id FROM log');

export const insertKeys = statement(
  'insert_keys',
  'INSERT INTO identity_keys (hash, issuer, jwks, entry) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
);

export const createLog = statement(
  'create_log',
  'INSERT INTO log (id, origin, vkey, size, root) VALUES (1, $1, $2, 0, $3) ON CONFLICT DO NOTHING',
);

export const readState = statement(
  'read_state',
  `SELECT l.origin, l.vkey, l.size, l.root, e.day, p.checkpoint, p.at, f.snapshot
   FROM log l LEFT JOIN entries e ON e."index" = l.size - 1 LEFT JOIN publication p ON true LEFT JOIN fold f ON true`,
);

export const readPublication = statement('read_publication', 'SELECT checkpoint, at FROM publication');

export const publish = statement(
  'publish',
  `WITH held AS (SELECT epoch FROM lease FOR SHARE), ours AS (
     SELECT 1 AS id WHERE coalesce((SELECT epoch FROM held), 0) = $4
   ), kept AS (
     INSERT INTO fold (id, snapshot) SELECT id, $3 FROM ours WHERE $3::text IS NOT NULL
     ON CONFLICT (id) DO UPDATE SET snapshot = excluded.snapshot
   ), published AS (
     INSERT INTO publication (id, checkpoint, at) SELECT id, $1, $2 FROM ours
     ON CONFLICT (id) DO UPDATE SET checkpoint = excluded.checkpoint, at = excluded.at RETURNING id
   )
   SELECT id, pg_notify('paraphe_published', '') FROM published`,
);

export const tile = statement('tile', 'SELECT hashes FROM tiles WHERE place = $1');

export const statementByHash = statement(
  'statement_by_hash',
  'SELECT title, text, opening FROM petitions WHERE statement = $1 ORDER BY opening LIMIT 1',
);

export const jwksByHash = statement(
  'jwks_by_hash',
  'SELECT jwks, entry FROM identity_keys WHERE hash = $1 ORDER BY entry LIMIT 1',
);

export const entryRange = statement(
  'entry_range',
  `SELECT e.*, b.kind AS "beforeKind", b.day AS "beforeDay", b.department AS "beforeDepartment"
   FROM entries e LEFT JOIN entries b ON b."index" = e.previous
   WHERE e."index" >= $1 AND e."index" < $2 ORDER BY e."index"`,
);

export const petitionColumns = statement(
  'petition_columns',
  `SELECT ref, id, statement, nym_key AS "nymKey", issuer, client_id AS "clientId", acr, min_age AS "minAge", closes,
     departments
   FROM petitions WHERE ref = ANY ($1::integer[])`,
);

export const keysByEntry = statement(
  'keys_by_entry',
  'SELECT entry, issuer, hash FROM identity_keys WHERE entry = ANY ($1::bigint[])',
);
