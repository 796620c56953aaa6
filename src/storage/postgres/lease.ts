/**
 * The right to write, on PostgreSQL: a row that its holder renews each second, and that is anybody's once it was not renewed
 * for three. Each holder begins an epoch, and whatever is written is conditional on it: a holder that was stopped, cut off
 * or slow finds its epoch over and writes nothing. Clocks are the database's alone.
 */
import type { HeldWriter } from '../open.ts';
import type { StoragePlace } from '../place.ts';
import { WriterBusy } from '../writer-busy.ts';
import { Database, placeOf, type Statement } from './database.ts';
import { channel } from './listener.ts';

const RENEW_MS = 1000;
const LEASE = "interval '3 seconds'";

const TAKE = lease(
  'take',
  `INSERT INTO lease (id, epoch, renewed) VALUES (1, 1, clock_timestamp())
   ON CONFLICT (id) DO UPDATE SET epoch = lease.epoch + 1, renewed = clock_timestamp()
   WHERE lease.renewed < clock_timestamp() - ${LEASE} RETURNING epoch`,
);
const RENEW = lease('renew', 'UPDATE lease SET renewed = clock_timestamp() WHERE epoch = $1 RETURNING epoch');
const RELEASE = lease(
  'release',
  `WITH released AS (UPDATE lease SET renewed = '-infinity' WHERE epoch = $1 RETURNING epoch)
   SELECT pg_notify('${channel('released')}', '') FROM released`,
);
const GONE = lease(
  'gone',
  `SELECT NOT EXISTS (SELECT 1 FROM lease WHERE renewed >= clock_timestamp() - ${LEASE}) AS gone`,
);

/**
 * @param lost told, once, when another process has taken it
 * @throws WriterBusy when another process holds it
 */
export async function holdPostgresWriter(
  { databaseUrl }: StoragePlace,
  lost: (error: Error) => void,
): Promise<HeldWriter> {
  const database = new Database(databaseUrl, 1);
  try {
    const [taken] = await database.rows<{ epoch: number }>(TAKE);
    if (taken === undefined) throw new WriterBusy(`Another process writes the log in ${placeOf(databaseUrl)}.`);
    const { epoch } = taken;
    const renewing = setInterval(async () => {
      // A database that is out of reach takes nothing away: what is written meanwhile is not answered.
      const renewed = await database.rows(RENEW, epoch).catch(() => undefined);
      if (renewed?.length !== 0) return;
      clearInterval(renewing);
      lost(new Error('another process has taken the right to write the log'));
    }, RENEW_MS);
    return {
      epoch,
      async release() {
        clearInterval(renewing);
        await database.rows(RELEASE, epoch).catch(() => {}); // it runs out
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Whether nobody holds it. Asked without holding up whoever does. */
export async function isWriterGone(database: Database): Promise<boolean> {
  return (await database.rows<{ gone: boolean }>(GONE))[0]?.gone === true;
}

function lease(name: string, text: string): Statement {
  return { name: `paraphe_${name}_lease`, text };
}
