/**
 * `npm run example`: the demonstration and, beside it, a petition site that is registered there by the command, as an
 * operator would. Ctrl-C stops both.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createSite } from './site.js';

const PARAPHE = join(import.meta.dirname, '../../bin/paraphe.js');
const { PORT = '3000', EXAMPLE_PORT = '3002', DATA_DIR = './data' } = process.env;
const gateway = `http://localhost:${PORT}`;
const origin = `http://localhost:${EXAMPLE_PORT}`;
const petition = 'jardins-partages';

const demo = spawn(process.execPath, [PARAPHE, 'demo'], { stdio: 'inherit' });
demo.on('exit', (code) => process.exit(code ?? 1));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => demo.kill('SIGTERM'));
while (!(await isReady())) await wait(200);

const settings = { origin, petition, ...credentials() };
const site = await createSite(settings);
site.listen(Number(EXAMPLE_PORT), '127.0.0.1', () => {
  console.log(`\n  A petition site of its own  ${origin}\n`);
});

async function isReady() {
  return fetch(`${gateway}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Registered once: the secret is shown once. */
function credentials() {
  const file = join(DATA_DIR, `example-site-${EXAMPLE_PORT}.json`);
  if (!existsSync(file)) {
    const add = ['site', 'add', '--name', 'Ma ville participe', '--redirect-uri', `${origin}/callback`];
    const how = ['--petition', petition, '--auth', 'client_secret_basic', '--json'];
    writeFileSync(file, execFileSync(process.execPath, [PARAPHE, ...add, ...how], { encoding: 'utf8' }), {
      mode: 0o600,
    });
  }
  const { client_id: clientId, client_secret: clientSecret, issuer } = JSON.parse(readFileSync(file, 'utf8'));
  return { clientId, clientSecret, issuer };
}
