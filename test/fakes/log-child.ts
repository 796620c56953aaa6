/** A process that writes a log (`test/log/crash.worker.ts`), and the memory of what it said before it died. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Order, Said } from '../log/crash.worker.ts';
import type { LogFolder } from './log-folder.ts';

const WORKER = join(import.meta.dirname, '../log/crash.worker.ts');

export type LogChild = {
  readonly process: ChildProcess;
  readonly said: readonly Said[];
  /** Resolves at the first thing said from now on that is so, and is false when it dies before. */
  hears(wanted: (line: Said) => boolean): Promise<boolean>;
  /** Resolves when what is heard from now on was done from now on. */
  mark(): Promise<boolean>;
  /** Resolves when it is gone and its last word was heard. @returns how it ended: `SIGKILL`, or its exit code */
  ended(): Promise<string>;
};

/** @param under a program and its arguments that runs it, for example strace */
export function startLogChild(
  { dataDir, keysDir }: LogFolder,
  order: Omit<Order, 'dataDir' | 'keysDir'>,
  under: readonly string[] = [],
): LogChild {
  const [program = '', ...args] = [...under, process.execPath, WORKER, JSON.stringify({ ...order, dataDir, keysDir })];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: Said[] = [];
  const listeners = new Set<(line: Said | undefined) => void>();
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const one = JSON.parse(line) as Said;
    said.push(one);
    for (const listener of listeners) listener(one);
  });
  const ended = Promise.all([once(child, 'exit'), once(lines, 'close')]).then(([[code, signal]]) => {
    for (const listener of listeners) listener(undefined);
    return String(signal ?? code);
  });
  function hears(wanted: (line: Said) => boolean): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const listener = (line: Said | undefined) => {
      if (line !== undefined && !wanted(line)) return;
      listeners.delete(listener);
      resolve(line !== undefined);
    };
    listeners.add(listener);
    if (child.exitCode !== null || child.signalCode !== null) void ended.then(() => listener(undefined));
    return promise;
  }
  return {
    process: child,
    said,
    hears,
    mark() {
      child.kill('SIGUSR2');
      return hears(({ what }) => what === 'marked');
    },
    ended: () => ended,
  };
}
