import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { checkData } from '../log-check.ts';
import { Progress } from './progress.ts';

export const USAGE = 'Usage: paraphe fsck [--json]';

/**
 * `paraphe fsck`: recomputes the whole log from its rows, beside a serving gateway too. Exit code 0 when it is whole;
 * otherwise 1, and the first thing that is wrong comes first.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } });
  const progress = new Progress();
  const show = (done: number, size: number) => progress.show('entries', done, size);
  const { size, problems, notes } = await checkData(readStorageConfig(), { progress: show }).finally(() =>
    progress.end(),
  );
  if (values.json) console.log(JSON.stringify({ whole: problems.length === 0, size, problems, notes }, null, 2));
  else {
    for (const problem of problems) console.error(problem);
    if (problems.length === 0) console.log(`The log is whole: ${size} entries, rows, leaves, tiles and heads agree.`);
    for (const note of notes) console.log(note);
  }
  return problems.length === 0 ? 0 : 1;
}
