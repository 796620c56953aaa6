/**
 * The log's lock and the right to write, on PostgreSQL. The lock is one row in a database of its own, which no backup of the
 * data brings back. The right to write is an advisory lock of a session: it ends with the connection, however that ends.
 */
import { SetupError } from '../../errors.ts';
import type { HeldWriter, OpenLock } from '../open.ts';
import type { StoragePlace } from '../place.ts';
import { WriterBusy } from '../writer-busy.ts';
import { connect, Database, placeOf } from './database.ts';
import { checkServer } from './server.ts';

type LockPlace = StoragePlace & { readonly lockUrl: string };

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
/** The number that stands for the right to write among the advisory locks of a database: "paraphe" in ASCII. */
const WRITER = '31632341280516197';

/** @throws SetupError when it cannot be opened, is no place for it, or could lose what it holds */
export async function openPostgresLock({ lockUrl, allowUnsafeCommits }: LockPlace): Promise<OpenLock> {
  const database = new Database(lockUrl, 2);
  try {
    await checkServer(database.pool, lockUrl, allowUnsafeCommits);
    await checkApart(database, lockUrl);
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
export async function readPostgresLock({ lockUrl }: LockPlace): Promise<string | undefined> {
  const client = await connect(lockUrl);
  try {
    const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass('paraphe_lock') IS NOT NULL AS there");
    if (rows[0]?.there !== true) return undefined;
    return (await client.query<{ checkpoint: string }>(READ)).rows[0]?.checkpoint;
  } finally {
    await client.end();
  }
}

/** @throws WriterBusy when another process holds it */
export async function holdPostgresWriter(
  { databaseUrl }: StoragePlace,
  lost: (error: Error) => void,
): Promise<HeldWriter> {
  const client = await connect(databaseUrl);
  let isReleased = false;
  const release = async () => {
    isReleased = true;
    await client.end();
  };
  client.once('end', () => {
    if (isReleased) return;
    const where = placeOf(databaseUrl);
    lost(new SetupError(`The connection to ${where} that held the right to write is lost: start the gateway again.`));
  });
  const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [WRITER]);
  if (rows[0]?.held === true) return { release };
  await release();
  throw new WriterBusy(`Another process writes the log in ${placeOf(databaseUrl)}: one gateway serves a database.`);
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
