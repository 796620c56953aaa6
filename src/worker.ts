/**
 * One of several processes that serve one machine, made by `workers.ts`: `writer` or `web`. It ends when it is told to, when
 * it can write no more, or when whoever made it is gone; a signal that reaches all of them at once (Ctrl-C, a service
 * manager) is not for it, since those that serve must end before the one that writes.
 */
import { type App, startApp, startWriter, type Writer } from './app.ts';
import { readServeConfig } from './config.ts';
import { Refusal, SetupError } from './errors.ts';

/** What a worker says, once: that it works, or why it cannot. */
export type Said = { readonly ready: true } | { readonly trouble: string };

process.umask(0o077);
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
const told = new Promise((resolve) => {
  process.on('message', (message) => message === 'end' && resolve(undefined));
  process.once('disconnect', resolve);
});

try {
  const worker = await start();
  say({ ready: true });
  await Promise.race('over' in worker ? [told, worker.over] : [told]);
  await worker.close();
  process.exit(0);
} catch (error) {
  if (!(error instanceof SetupError || error instanceof Refusal)) throw error;
  say({ trouble: error.message }, () => process.exit(1));
}

function start(): Promise<App | Writer> {
  const config = readServeConfig();
  const [kind, isFirst] = process.argv.slice(2);
  if (kind === 'web') return startApp(config, { role: 'web' });
  return startWriter(config, { isFirst: isFirst === 'first' });
}

function say(said: Said, then: () => void = () => {}): void {
  process.send?.(said, then);
}
