/**
 * The log's lock on PostgreSQL: one row, in a database of its own that no backup of the data brings back. Without one, it is
 * in the data's database: it still keeps two processes apart, and a restored backup brings it back.
 */
import { SetupError } from '../../errors.ts';
import type { OpenLock } from '../open.ts';
import type { StoragePlace } from '../place.ts';
import { connect, Database, placeOf } from './database.ts';
import { checkServer } from './server.ts';

const READ = { name: 'paraphe_read_lock', text: 'SELECT checkpoint FROM paraphe_lock' };
const FIRST = {
  name: 'paraphe_first_lock',
  text: 'INSERT INTO paraphe_lock (id, checkpoint) VALUES (1, $1) ON CONFLICT DO NOTHING RETURNING id',
};
const NEXT = {
  name: 'paraphe_next_lock',
  text: 'UPDATE paraphe_lock SET checkpoint = $2 WHERE checkpoint = $1 RETURNING id',
};
const CLEAR = { name: 'paraphe_clear_lock', text: 'DELETE FROM paraphe_lock WHERE checkpoint = $1' };

/** @throws SetupError when it cannot be opened, is no place for it, or could lose what it holds */
export async function openPostgresLock({ lockUrl, databaseUrl, ...place }: StoragePlace): Promise<OpenLock> {
  const url = lockUrl ?? databaseUrl;
  const database = new Database(url, 2);
  try {
    await checkServer(database.pool, url, place.allowUnsafeCommits);
    if (lockUrl !== undefined) await checkApart(database, lockUrl);
    await database.act(() =>
      database.pool.query(
        'CREATE TABLE IF NOT EXISTS paraphe_lock (id integer PRIMARY KEY CHECK (id = 1), checkpoint text NOT NULL)',
      ),
    );
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    read: async () => (await database.rows<{ checkpoint: string }>(READ))[0]?.checkpoint,
    async swap(expected, next) {
      const done = expected === undefined ? database.rows(FIRST, next) : database.rows(NEXT, expected, next);
      return (await done).length === 1;
    },
    async clear(checkpoint) {
      await database.rows(CLEAR, checkpoint);
    },
    close: () => database.close(),
  };
}

/** The lock's checkpoint; `undefined` where there is none yet. */
export async function readPostgresLock({ lockUrl, databaseUrl }: StoragePlace): Promise<string | undefined> {
  const client = await connect(lockUrl ?? databaseUrl);
  try {
    const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass('paraphe_lock') IS NOT NULL AS there");
    if (rows[0]?.there !== true) return undefined;
    return (await client.query<{ checkpoint: string }>(READ)).rows[0]?.checkpoint;
  } finally {
    await client.end();
  }
}

async function checkApart(database: Database, lockUrl: string): Promise<void> {
  const [found] = await database.rows<{ data: boolean }>({
    name: 'paraphe_lock_apart',
    text: "SELECT to_regclass('signatures') IS NOT NULL AS data",
  });
  if (found?.data === false) return;
  throw new SetupError(
    `LOCK_URL ${placeOf(lockUrl)} holds data: the lock needs a database of its own, which no backup of the data brings back.`,
  );
}
