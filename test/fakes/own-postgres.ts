/** A PostgreSQL of one's own, to be killed and started again. It never runs as root: where we are, as the user `postgres`. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import pg from 'pg';

export type OwnPostgres = {
  /** The address of the server, without a database. */
  readonly url: string;
  /** An empty database. @returns its address */
  newDatabase(): Promise<string>;
  /** `kill -9` of the server, whatever it is at. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it has recovered and takes connections. */
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
};

/** @param flags of the server, beside those of every test */
export async function startPostgres(...flags: string[]): Promise<OwnPostgres> {
  const child = fork(join(import.meta.dirname, 'postgres-server.worker.ts'), flags, { execArgv: [] });
  const hear = async () => {
    const heard = new AbortController();
    const { signal } = heard;
    const [said] = (await Promise.race([once(child, 'message', { signal }), once(child, 'exit', { signal })]).finally(
      () => heard.abort(),
    )) as [Said | number | null];
    if (typeof said === 'object' && said !== null && said.failed === undefined) return said;
    throw new Error(typeof said === 'object' && said !== null ? said.failed : 'PostgreSQL did not start');
  };
  const ask = async (what: 'kill' | 'start') => {
    child.send(what);
    await hear();
  };
  const { url = '' } = await hear();
  return {
    url,
    newDatabase: () => newDatabaseAt(url),
    kill: () => ask('kill'),
    start: () => ask('start'),
    async stop() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

/** An empty database on a server. @returns its address */
export async function newDatabaseAt(server: string): Promise<string> {
  const name = `own_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client(`${server}/postgres`);
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return `${server}/${name}`;
}

type Said = { readonly url?: string; readonly failed?: string };
