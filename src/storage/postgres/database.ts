/**
 * Talking to PostgreSQL. Guarantees: connections are bounded, nothing waits for ever (for a connection, a lock, a statement,
 * an answer), serialization failures and deadlocks are tried again, and a database that is away, full or read-only is
 * bad news that may pass: a Refusal that answers 503. Anything else is a bug and goes through.
 */
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { Refusal, SetupError } from '../../errors.ts';
import { DrizzleQueryError } from '../drizzle.ts';

/** A statement that the server parses once for each connection. */
export type Statement = { readonly name: string; readonly text: string };

/** A transaction under way. */
export type Transaction = {
  /**
   * Sends a statement at once, behind those that are not answered yet. Whoever needs no answer need not wait: a statement
   * that fails fails the transaction.
   * @returns the rows, and how many were changed
   */
  run<R extends object>(statement: Statement, ...values: unknown[]): Promise<{ rows: R[]; count: number }>;
};

const STATEMENT_MS = 5_000;
const ANSWER_MS = 10_000;
/** Of a transaction: whoever is stopped in the middle of one holds up the next writer no longer than this. */
const IDLE_MS = 2_000;
const TRIES = 5;

/**
 * Every statement finds its rows by their keys. A plan that was made while a table was small, when reading all of it was
 * quicker, would be kept when it is large.
 */
const BY_KEYS = ['seqscan', 'hashjoin', 'mergejoin'].map((way) => `-c enable_${way}=off`).join(' ');

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const AGAIN = /^(40001|40P01)$/; // serialization_failure, deadlock_detected
/**
 * Connection (but not a protocol that is broken), a database that lets nobody in, resources, intervention, system;
 * read-only, a transaction that took or idled too long (its process was stopped), lock not available. What is wrong for
 * good is said at the start.
 */
const PASSING = /^(08(?!P01)|28|3D000|55000|40|53|57|58|25006|25P03|25P04|55P03)/;
const DAMAGE = /^XX/;
/** in_failed_sql_transaction: a statement that was sent behind one that failed. */
const BEHIND = '25P02';
const CUT = /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client )/;

export class Database {
  readonly pool: pg.Pool;

  /** @param connections the most that are open at once */
  constructor(url: string, connections: number) {
    this.pool = new pg.Pool({ ...settings(url), options: BY_KEYS, max: connections, pipeline: true });
    // An idle connection that breaks is replaced; one at work tells its statement. Without a listener it ends the process.
    this.pool.on('connect', (client) => client.on('error', () => {}));
    this.pool.on('error', () => {});
  }

  /** One statement that is an act by itself. */
  async rows<R extends object>({ name, text }: Statement, ...values: unknown[]): Promise<R[]> {
    return (await this.act(() => this.pool.query<R & pg.QueryResultRow>({ name, text, values }))).rows;
  }

  /** Runs one act. @throws Refusal `storage-unavailable` */
  async act<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (!AGAIN.test(codeOf(error)) || tries === TRIES) throw badNews(error);
        await wait(tries * 5 * Math.random()); // both sides of a deadlock try again: not at the same instant
      }
    }
  }

  /**
   * Runs one transaction; when it throws, nothing of it is recorded. `work` may be called again: it starts anew. Statements
   * are pipelined (https://node-postgres.com/features/pipelining): BEGIN travels with the first ones, and COMMIT with the
   * last. Behind a statement that failed the server takes COMMIT for ROLLBACK.
   */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.act(async () => {
      const client = await this.pool.connect();
      const sent: Promise<unknown>[] = [];
      const follow = <A>(answer: Promise<A>): Promise<A> => {
        answer.catch(() => {}); // it is looked at in the end
        sent.push(answer);
        return answer;
      };
      let broken = false;
      try {
        // Who writes is ordered by the lock on the log's head, so every statement sees what was committed before it.
        follow(client.query('BEGIN ISOLATION LEVEL READ COMMITTED'));
        const result = await work({
          run<R extends object>({ name, text }: Statement, ...values: unknown[]) {
            const answer = client.query<R & pg.QueryResultRow>({ name, text, values });
            return follow(answer.then(({ rows, rowCount }) => ({ rows, count: rowCount ?? 0 })));
          },
        });
        follow(client.query('COMMIT'));
        await Promise.all(sent); // the first that failed says why
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {
          broken = true;
        });
        throw codeOf(error) === BEHIND ? await firstFailure(sent, error) : error;
      } finally {
        client.release(broken);
      }
    });
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

/** A connection of its own, without limits of time: for what holds a lock, or looks at everything. @throws SetupError */
export async function connect(url: string): Promise<pg.Client> {
  const { statement_timeout, query_timeout, ...patient } = settings(url);
  const client = new pg.Client(patient);
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw cannotOpen(url, error);
  }
}

export function cannotOpen(url: string, error: unknown): SetupError {
  return new SetupError(`Cannot open ${placeOf(url)}: ${error instanceof Error ? messageOf(error) : String(error)}`);
}

/** Host and database, without the password that the address may hold. */
export function placeOf(url: string): string {
  const { host, pathname } = URL.parse(url) ?? {};
  return `postgres://${host ?? ''}${pathname ?? ''}`;
}

/** A row or an index that PostgreSQL itself finds damaged. */
export function isPostgresDamage(error: unknown): error is Error {
  return error instanceof Error && DAMAGE.test(codeOf(error));
}

/** Of a connection: what it may wait for, and how long. */
export function settings(url: string) {
  return {
    connectionString: url,
    application_name: 'paraphe',
    connectionTimeoutMillis: STATEMENT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: ANSWER_MS, // of a network that is cut, nobody is told
    lock_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: IDLE_MS,
    keepAlive: true,
    types: { getTypeParser },
  };
}

const INT8 = 20;

/** Indexes and sizes are whole numbers far below 2^53, which pg gives as text by default. */
const getTypeParser: pg.CustomTypesConfig['getTypeParser'] = (oid, format) =>
  oid === INT8 ? Number : pg.types.getTypeParser(oid, format);

/** Why a transaction failed, where whoever waited for a later statement than the one that did has heard only that. */
async function firstFailure(sent: readonly Promise<unknown>[], later: unknown): Promise<unknown> {
  const failed = (await Promise.allSettled(sent)).find(({ status }) => status === 'rejected');
  return failed?.status === 'rejected' ? failed.reason : later;
}

function badNews(error: unknown): unknown {
  const code = codeOf(error);
  const isPassing = PASSING.test(code) || (!(causeOf(error) instanceof pg.DatabaseError) && isCut(error, code));
  if (!isPassing) return error;
  // In the connection's own words: the query builder's quote the statement and its values, some of which a person sent.
  return new Refusal('storage-unavailable', code || messageOf(causeOf(error) as Error), { cause: error });
}

/** A connection that could not be made, or broke: no answer of the database. */
function isCut(error: unknown, code: string): boolean {
  const cause = causeOf(error);
  return /^E[A-Z_]+$/.test(code) || (cause instanceof Error && CUT.test(cause.message));
}

/** SQLSTATE, or the network's code. */
function codeOf(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

function causeOf(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? error.cause : error;
}

/** What connecting to several addresses of a host failed with has no message of its own. */
function messageOf(error: Error): string {
  return error.message || codeOf(error);
}
