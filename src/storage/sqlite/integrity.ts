/** What must be true of the tables beside the log itself: everything that stands in them twice, or points somewhere. */
import { hash } from 'node:crypto';
import { statementHash } from '../../petitions/statement.ts';
import { kindNumber } from '../entry-rows.ts';
import type { Sqlite } from './database.ts';

/** @returns what is wrong, in words */
export function checkTables(database: Sqlite): readonly string[] {
  const client = database.$client;
  const problems: string[] = [];
  const structure = client.pragma('quick_check(5)') as { quick_check: string }[];
  problems.push(...structure.map(({ quick_check }) => quick_check).filter((line) => line !== 'ok'));
  if (problems.length > 0) return problems;
  for (const [query, words] of POINTERS) {
    const found = client.prepare<[], { what: string | number }>(`${query} LIMIT 1`).get();
    if (found !== undefined) problems.push(words.replace('#', String(found.what)));
  }
  const petitions = client.prepare<[], { slug: string; title: string; text: string; statement: Buffer }>(
    'SELECT slug, title, text, statement FROM petitions',
  );
  for (const { slug, title, text, statement } of petitions.iterate()) {
    if (!statement.equals(Buffer.from(statementHash(title, text)))) {
      problems.push(`petition ${slug}: its text is not the one that its hash stands for`);
    }
  }
  const keys = client.prepare<[], { entry: number; hash: Buffer; jwks: Buffer }>(
    'SELECT entry, hash, jwks FROM identity_keys',
  );
  for (const { entry, hash: expected, jwks } of keys.iterate()) {
    if (!expected.equals(hash('sha256', jwks, 'buffer'))) {
      problems.push(`identity keys of entry ${entry}: not those that their hash stands for`);
    }
  }
  return problems;
}

const OPENED = kindNumber('petition-opened');
const CLOSED = kindNumber('petition-closed');
const DESTROYED = kindNumber('pseudonyms-destroyed');
const NOTED = kindNumber('identity-keys');

/** Each finds what must not be there; what is appended meanwhile cannot be caught half-way, because a batch is one act. */
const POINTERS: readonly (readonly [string, string])[] = [
  [
    `SELECT hex(s.nym) AS what FROM signatures s LEFT JOIN entries e ON e."index" = s.entry
     WHERE e.nym IS NOT s.nym OR e.petition IS NOT s.petition`,
    'signature #: the entry that it points to is about another',
  ],
  [
    `SELECT e."index" AS what FROM entries e JOIN entries b ON b."index" = e.previous
     WHERE b.nym IS NOT e.nym OR b.petition IS NOT e.petition OR b."index" >= e."index"`,
    'entry #: the entry before it is about another',
  ],
  [
    `SELECT a - b AS what FROM (SELECT
       (SELECT count(*) FROM entries WHERE nym IS NOT NULL) AS a,
       (SELECT count(*) FROM signatures) + (SELECT count(previous) FROM entries) AS b) WHERE a <> b`,
    'signatures and earlier entries do not add up to the entries about nyms: the difference is #',
  ],
  [
    `SELECT p.slug AS what FROM petitions p LEFT JOIN entries e ON e."index" = p.opening
     WHERE e.kind IS NOT ${OPENED} OR e.petition IS NOT p.ref`,
    'petition #: the entry that opened it is another',
  ],
  [
    `SELECT p.slug AS what FROM petitions p LEFT JOIN entries e ON e."index" = p.closing
     WHERE p.closing IS NOT NULL AND (e.kind IS NOT ${CLOSED} OR e.petition IS NOT p.ref)`,
    'petition #: the entry that closed it is another',
  ],
  [
    `SELECT e."index" AS what FROM entries e JOIN petitions p ON p.ref = e.petition
     WHERE e.kind = ${CLOSED} AND p.closing IS NOT e."index"`,
    'entry # closes a petition whose row does not know it',
  ],
  [
    `SELECT p.slug AS what FROM petitions p LEFT JOIN entries e ON e."index" = p.destruction
     WHERE p.destruction IS NOT NULL AND (e.kind IS NOT ${DESTROYED} OR e.petition IS NOT p.ref)`,
    'petition #: the entry that destroyed its pseudonyms is another',
  ],
  [
    `SELECT e."index" AS what FROM entries e JOIN petitions p ON p.ref = e.petition
     WHERE e.kind = ${DESTROYED} AND (p.destruction IS NOT e."index" OR p.wrapped_secret IS NOT NULL)`,
    'entry # destroyed the pseudonyms of a petition whose secret is still there, or whose row does not know it',
  ],
  [
    `SELECT k.entry AS what FROM identity_keys k LEFT JOIN entries e ON e."index" = k.entry WHERE e.kind IS NOT ${NOTED}`,
    'identity keys of entry #: it is another entry',
  ],
  ['SELECT "index" AS what FROM entries WHERE "index" >= (SELECT size FROM log)', 'entry # stands behind the head'],
  [
    'SELECT slug AS what FROM petitions WHERE departments NOT IN (0, 1)',
    'petition #: whether it asks for the département is neither yes nor no',
  ],
];
