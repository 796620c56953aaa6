/**
 * One of several processes that serve one machine, made by `workers.ts`: `writer` or `web`. It ends when it is told to, or
 * when whoever made it is gone; a signal that reaches all of them at once (Ctrl-C, a service manager) is not for it, since
 * those that serve must end before the one that writes.
 */
import { type App, startApp, startWriter } from './app.ts';
import { readServeConfig } from './config.ts';
import { SetupError } from './errors.ts';

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
  await told;
  await worker.close();
  process.exit(0);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say({ trouble: error.message }, () => process.exit(1));
}

function start(): Promise<Pick<App, 'close'>> {
  const config = readServeConfig();
  return process.argv[2] === 'writer' ? startWriter(config) : startApp(config, { role: 'web' });
}

function say(said: Said, then: () => void = () => {}): void {
  process.send?.(said, then);
}
