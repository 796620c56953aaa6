import { parseArgs } from 'node:util';
import { explainConfig, readServeConfig } from '../config.ts';

export const USAGE = 'Usage: paraphe config [--json]';

/** `paraphe config`: every variable, what it means, its value, and what is wrong. Exit code 0 when `serve` could start on it. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } });
  const reports = explainConfig();
  if (values.json) console.log(JSON.stringify(reports, null, 2));
  else {
    for (const { name, about, value, wrong } of reports) {
      console.log(`${name} = ${value}\n    ${about}${wrong === undefined ? '' : `\n    !! ${wrong}`}`);
    }
  }
  readServeConfig();
  return 0;
}
