import { parseArgs } from 'node:util';
import { startApp } from '../app.ts';
import { readServeConfig } from '../config.ts';
import { untilStopped } from './signals.ts';

/** `paraphe serve`: the gateway, until SIGTERM or SIGINT. */
export async function run(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const config = readServeConfig();
  const app = await startApp(config);
  const stopped = untilStopped(); // whoever reads that it runs may stop it at once
  console.log(`Paraphe serves ${config.web.origin} on ${config.web.host}:${app.port}.`);
  await stopped;
  await app.close();
  return 0;
}
