/** `paraphe serve` in processes of its own, in place of the gateways of a world. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

export class Serving {
  readonly process: ChildProcess;
  /** Everything that it wrote. */
  out = '';
  readonly ended: Promise<number | string>;

  constructor(env: Readonly<Record<string, string>>, ...args: string[]) {
    const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
    this.process = spawn(process.execPath, [MAIN, 'serve', ...args], { env: { PATH, NODE_COMPILE_CACHE, ...env } });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (text) => {
        this.out += text;
      });
    }
    this.ended = once(this.process, 'exit').then(([code, signal]) => signal ?? code);
  }

  /** Resolves once it says that it serves. */
  async ready(): Promise<this> {
    while (!this.out.includes('Paraphe serves')) {
      const ended = await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 20))]);
      if (ended !== undefined) throw new Error(`ended (${ended}): ${this.out}`);
    }
    return this;
  }

  /** The processes that it has made, by what they do. */
  children(kind: 'writer' | 'web'): readonly number[] {
    return childrenOf(this.process.pid ?? 0).filter((pid) => argumentsOf(pid).includes(kind));
  }

  /** @returns the process that was killed: never 0, which would be all of ours */
  kill(kind: 'writer' | 'web'): number {
    const [pid] = this.children(kind);
    if (pid === undefined) throw new Error(`there is no ${kind} to kill`);
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  async stop(): Promise<number | string> {
    this.process.kill('SIGTERM');
    return this.ended;
  }
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

function argumentsOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
}
