/**
 * What must be true of the tables beside the log itself: everything that stands in them twice, or points somewhere. Looked
 * at in one snapshot, on a connection of its own, for as long as it takes. The structure of the files is `pg_amcheck`'s.
 */
import { hash } from 'node:crypto';
import { statementHash } from '../../petitions/statement.ts';
import { kindNumber } from '../entry-rows.ts';
import { connect } from './database.ts';

type StatementRow = { slug: string; title: string; text: string; statement: Buffer };
type KeysRow = { entry: number; hash: Buffer; jwks: Buffer };

/** @returns what is wrong, in words */
export async function checkTables(url: string): Promise<readonly string[]> {
  const client = await connect(url);
  const problems: string[] = [];
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    for (const [query, words] of POINTERS) {
      const [found] = (await client.query<{ what: string | number }>(`${query} LIMIT 1`)).rows;
      if (found !== undefined) problems.push(words.replace('#', String(found.what)));
    }
    const petitions = await client.query<StatementRow>('SELECT slug, title, text, statement FROM petitions');
    for (const { slug, title, text, statement } of petitions.rows) {
      if (!statement.equals(statementHash(title, text))) {
        problems.push(`petition ${slug}: its text is not the one that its hash stands for`);
      }
    }
    const keys = await client.query<KeysRow>('SELECT entry, hash, jwks FROM identity_keys');
    for (const { entry, hash: expected, jwks } of keys.rows) {
      if (!expected.equals(hash('sha256', jwks, 'buffer'))) {
        problems.push(`identity keys of entry ${entry}: not those that their hash stands for`);
      }
    }
    return problems;
  } finally {
    await client.end();
  }
}

const OPENED = kindNumber('petition-opened');
const CLOSED = kindNumber('petition-closed');
const DESTROYED = kindNumber('pseudonyms-destroyed');
const NOTED = kindNumber('identity-keys');

/** Each finds what must not be there. */
const POINTERS: readonly (readonly [string, string])[] = [
  [
    `SELECT encode(s.nym, 'hex') AS what FROM signatures s LEFT JOIN entries e ON e."index" = s.entry
     WHERE e.nym IS DISTINCT FROM s.nym OR e.petition IS DISTINCT FROM s.petition`,
    'signature #: the entry that it points to is about another',
  ],
  [
    `SELECT e."index" AS what FROM entries e JOIN entries b ON b."index" = e.previous
     WHERE b.nym IS DISTINCT FROM e.nym OR b.petition IS DISTINCT FROM e.petition OR b."index" >= e."index"`,
    'entry #: the entry before it is about another',
  ],
  [
    `SELECT a - b AS what FROM (SELECT
       (SELECT count(*) FROM entries WHERE nym IS NOT NULL) AS a,
       (SELECT count(*) FROM signatures) + (SELECT count(previous) FROM entries) AS b) AS sums WHERE a <> b`,
    'signatures and earlier entries do not add up to the entries about nyms: the difference is #',
  ],
  [
    `SELECT p.slug AS what FROM petitions p LEFT JOIN entries e ON e."index" = p.opening
     WHERE e.kind IS DISTINCT FROM ${OPENED} OR e.petition IS DISTINCT FROM p.ref`,
    'petition #: the entry that opened it is another',
  ],
  [
    `SELECT p.slug AS what FROM petitions p LEFT JOIN entries e ON e."index" = p.closing
     WHERE p.closing IS NOT NULL AND (e.kind IS DISTINCT FROM ${CLOSED} OR e.petition IS DISTINCT FROM p.ref)`,
    'petition #: the entry that closed it is another',
  ],
  [
    `SELECT e."index" AS what FROM entries e JOIN petitions p ON p.ref = e.petition
     WHERE e.kind = ${CLOSED} AND p.closing IS DISTINCT FROM e."index"`,
    'entry # closes a petition whose row does not know it',
  ],
  [
    `SELECT p.slug AS what FROM petitions p LEFT JOIN entries e ON e."index" = p.destruction
     WHERE p.destruction IS NOT NULL AND (e.kind IS DISTINCT FROM ${DESTROYED} OR e.petition IS DISTINCT FROM p.ref)`,
    'petition #: the entry that destroyed its pseudonyms is another',
  ],
  [
    `SELECT e."index" AS what FROM entries e JOIN petitions p ON p.ref = e.petition
     WHERE e.kind = ${DESTROYED} AND (p.destruction IS DISTINCT FROM e."index" OR p.wrapped_secret IS NOT NULL)`,
    'entry # destroyed the pseudonyms of a petition whose secret is still there, or whose row does not know it',
  ],
  [
    `SELECT k.entry AS what FROM identity_keys k LEFT JOIN entries e ON e."index" = k.entry
     WHERE e.kind IS DISTINCT FROM ${NOTED}`,
    'identity keys of entry #: it is another entry',
  ],
  ['SELECT "index" AS what FROM entries WHERE "index" >= (SELECT size FROM log)', 'entry # stands behind the head'],
];
