import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { startApp } from '../app.ts';
import { readServeConfig } from '../config.ts';
import { createDiagnostics } from '../diagnostics.ts';
import { SetupError } from '../errors.ts';
import { untilStopped } from './signals.ts';

export const USAGE = 'Usage: paraphe serve [--workers <number> | auto]';

/** `paraphe serve [--workers N]`: the gateway, until SIGTERM or SIGINT. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { workers: { type: 'string' } } });
  const config = readServeConfig();
  const { origin, host } = config.web;
  if (values.workers === undefined) {
    const app = await startApp(config);
    return serve(app, `Paraphe serves ${origin} on ${host}:${app.port}.`);
  }
  const count = parseCount(values.workers);
  const { startWorkers } = await import('../workers.ts');
  const workers = await startWorkers(count, config, createDiagnostics(config.diagnostics));
  return serve(
    workers,
    `Paraphe serves ${origin} on ${host}:${config.web.port}, with ${count} processes and one that writes.`,
  );
}

async function serve(gateway: { close(): Promise<void> }, words: string): Promise<number> {
  const stopped = untilStopped(); // whoever reads that it runs may stop it at once
  console.log(words);
  await stopped;
  await gateway.close();
  return 0;
}

const MOST = 64;

function parseCount(text: string): number {
  const count = text === 'auto' ? availableParallelism() : Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST) return count;
  throw new SetupError(`--workers takes a number of processes from 1 to ${MOST}, or \`auto\` for one a core.`);
}
