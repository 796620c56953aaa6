/**
 * A part of a measurement in a process of its own, so that its CPU time is its own: started by fork, asked over the IPC
 * channel, ended by its own handle.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

type Question = { readonly id: number; readonly name: string; readonly argument: unknown };
type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string };

/** User and system time of all threads of a process, in milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const running = new Set<Part>();
let endedMs = 0;

/** CPU time of the bench itself and of all its parts, those included that have ended. */
export async function benchCpuMs(): Promise<number> {
  const parts = await Promise.all([...running].map((part) => part.ask<number>('cpu')));
  return parts.reduce((sum, ms) => sum + ms, cpuMs() + endedMs);
}

export class Part {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #asked = 0;

  /** @param env replaces the environment's variables of the same names */
  constructor(name: string, env: Readonly<Record<string, string>> = {}) {
    this.#child = fork(join(import.meta.dirname, 'parts', `${name}.ts`), [], {
      env: { ...process.env, ...env },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    running.add(this);
    this.#child.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value as never);
      else waiting?.reject(new Error(`${name}: ${error}`));
    });
    this.#child.on('exit', (code, signal) => {
      running.delete(this);
      for (const { reject } of this.#waiting.values()) reject(new Error(`${name} ended (${signal ?? code})`));
      this.#waiting.clear();
    });
  }

  ask<T>(name: string, argument: unknown = null): Promise<T> {
    const id = this.#asked++;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.set(id, { resolve, reject });
    this.#child.send({ id, name, argument } satisfies Question, (error) => error && reject(error));
    return promise;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ms = await this.ask<number>('cpu').catch(() => 0);
    endedMs += ms;
    running.delete(this);
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}

type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/** In the part itself: answers what is asked, `cpu` always. */
export function answer(handlers: Handlers): void {
  const all: Handlers = { cpu: cpuMs, ...handlers };
  process.on('disconnect', () => process.exit()); // whoever asked is gone
  process.on('message', async ({ id, name, argument }: Question) => {
    try {
      const handler = all[name];
      if (handler === undefined) throw new Error(`no answer to ${name}`);
      process.send?.({ id, value: await handler(argument as never) } satisfies Answer);
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}
