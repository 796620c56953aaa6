/**
 * `npm run campaign`: the stress tests, whose short forms are in `npm test`, in all their rounds. A stress test is one that
 * asks `test/fakes/rounds.ts` how often to repeat; there is no other list of them.
 *
 *   npm run campaign -- two-hundred      only the files with this in their path
 *   npm run campaign -- --seed 42        the same dice again
 *   npm run campaign -- --rounds 10      a tenth of the rounds
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const PATIENCE_MS = 2 * 3_600_000;

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, rounds: { type: 'string', default: '100' } },
  allowPositionals: true,
});
const seed = values.seed ?? String(Math.floor(Math.random() * 0x7fffffff));
const files = globSync('test/**/*.test.ts', { cwd: ROOT })
  .filter((file) => /from '[^']*\/rounds\.ts'/.test(readFileSync(join(ROOT, file), 'utf8')))
  .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) throw new Error('no stress test with that in its path');

console.log(`${values.rounds} % of all rounds, seed ${seed}: npm run campaign -- --seed ${seed}\n${files.join('\n')}`);
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const child = spawn(process.execPath, [vitest, 'run', `--testTimeout=${PATIENCE_MS}`, ...files], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, PARAPHE_ROUNDS: values.rounds, PARAPHE_SEED: seed },
});
const [code] = await once(child, 'exit');
process.exitCode = code ?? 1;
