/** What a PostgreSQL must be, before anything is entrusted to it: the primary, in UTF-8, losing nothing it acknowledges. */
import type pg from 'pg';
import { SetupError } from '../../errors.ts';
import { cannotOpen, placeOf } from './database.ts';

type Server = { replica: boolean; encoding: string; commits: string; fsync: string; pages: string };

const QUESTION = `SELECT pg_is_in_recovery() AS replica, current_setting('server_encoding') AS encoding,
  current_setting('synchronous_commit') AS commits, current_setting('fsync') AS fsync,
  current_setting('full_page_writes') AS pages`;

/** @throws SetupError when it is not fit */
export async function checkServer(
  client: pg.Client | pg.Pool,
  url: string,
  allowUnsafeCommits: boolean | undefined,
): Promise<void> {
  const { rows } = await client.query<Server>(QUESTION).catch((error: unknown) => {
    throw cannotOpen(url, error);
  });
  const [server] = rows;
  if (server === undefined) throw new RangeError('a server without settings');
  const place = placeOf(url);
  if (server.replica)
    throw new SetupError(`${place} is a replica: name the primary, which alone decides who has signed.`);
  if (server.encoding !== 'UTF8') throw new SetupError(`${place} is in ${server.encoding}: make a database in UTF8.`);
  const loss = lossOf(server);
  if (loss === undefined || allowUnsafeCommits === true) return;
  throw new SetupError(
    `${place} has ${loss}: a signature that was acknowledged could be lost. Change it, or accept it by ALLOW_UNSAFE_COMMITS=1.`,
  );
}

/**
 * `local` and `remote_write` are refused too: where there is a synchronous standby, they acknowledge what it could lose;
 * where there is none, `on` costs the same.
 */
function lossOf({ commits, fsync, pages }: Server): string | undefined {
  if (!['on', 'remote_apply'].includes(commits)) return `synchronous_commit=${commits}`;
  if (fsync !== 'on') return `fsync=${fsync}`;
  return pages === 'on' ? undefined : `full_page_writes=${pages}`;
}
