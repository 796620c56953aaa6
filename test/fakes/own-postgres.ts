/** A PostgreSQL of one's own, to be killed and started again. It never runs as root: where we are, as the user `postgres`. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export type OwnPostgres = {
  /** The address of the server, without a database. */
  readonly url: string;
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
    const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [Said | number | null];
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
    kill: () => ask('kill'),
    start: () => ask('start'),
    async stop() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

type Said = { readonly url?: string; readonly failed?: string };
