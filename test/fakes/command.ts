/** A command of `paraphe`, run in this process: a test of ten commands need not start ten of them. */
import { vi } from 'vitest';
import { Refusal, SetupError } from '../../src/errors.ts';

export type Result = { readonly code: number; readonly out: string; readonly err: string };

/** Runs `src/cli/<name>.ts` as the executable does, on an environment of its own. */
export async function command(env: Readonly<Record<string, string>>, name: string, ...args: string[]): Promise<Result> {
  const { run } = (await import(`../../src/cli/${name}.ts`)) as { run(args: readonly string[]): Promise<number> };
  const out: string[] = [];
  const err: string[] = [];
  const keep = (lines: string[], end: string) => (text: string | Uint8Array) => {
    lines.push(`${text}${end}`);
    return true;
  };
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(keep(out, '\n')),
    vi.spyOn(console, 'error').mockImplementation(keep(err, '\n')),
    vi.spyOn(process.stderr, 'write').mockImplementation(keep(err, '')),
  ];
  const result = (code: number): Result => ({ code, out: out.join(''), err: err.join('') });
  for (const [variable, value] of Object.entries(env)) vi.stubEnv(variable, value);
  try {
    return result(await run(args));
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof Refusal)) throw error;
    err.push(`${error.message}\n`);
    return result(1);
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
}
