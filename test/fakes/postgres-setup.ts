/**
 * A real PostgreSQL for the whole run: made before the first test in a temporary folder, on a port of its own, and stopped
 * and removed after the last. It never runs as root: where we are, it runs as the user `postgres`, made if need be.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of the server, without a database. */
    postgres: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const child = fork(join(import.meta.dirname, 'postgres-server.worker.ts'), { execArgv: [] });
  const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [
    { url?: string; failed?: string },
  ];
  if (said?.url === undefined) throw new Error(said?.failed ?? 'PostgreSQL did not start');
  project.provide('postgres', said.url);
  return async () => {
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
  };
}
