/** Disks that fail, by way of what Linux offers: programs that not every machine has. */
import { execFileSync, spawnSync } from 'node:child_process';

/** Whether a program can be run; says aloud what is left out where it cannot. */
export function canRun(program: string, args: readonly string[], leftOut: string): boolean {
  const isThere = spawnSync(program, args, { stdio: 'ignore' }).status === 0;
  if (!isThere) console.log(`no ${program} here: ${leftOut} is not tested`);
  return isThere;
}

/** From now on, a running process cannot write beyond that many bytes of any file: EFBIG, as on a disk that is full. */
export function limitFileSize(pid: number | undefined, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', [`--fsize=${bytes}:`, `--pid=${pid}`]); // the soft limit alone, so that it can be lifted
}
