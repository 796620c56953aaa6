/** Gateways as operators start them: one a folder, whatever is tried, and one that outlives a full disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readKeys } from '../../src/storage/key-folder.ts';
import { openSqliteLock } from '../../src/storage/sqlite/lock.ts';
import { openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { Browser } from '../fakes/browser.ts';
import { canRun, limitFileSize } from '../fakes/disk.ts';
import { freePort } from '../fakes/free-port.ts';
import { checkWholeLog } from '../fakes/whole-log.ts';
import { passFranceConnect } from '../fakes/world.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');
const PARAPHE = join(ROOT, 'bin/paraphe.js');
const PETITION = 'jardins-partages';

const folder = mkdtempSync(join(tmpdir(), 'paraphe-cli-'));
const running: ChildProcess[] = [];
let PORT: string;
let FRANCECONNECT_PORT: string;
let origin: string;
let demo: Started;

beforeAll(async () => {
  [PORT, FRANCECONNECT_PORT] = [String(await freePort()), String(await freePort())];
  origin = `http://localhost:${PORT}`;
  demo = await start('demo', { PORT, FRANCECONNECT_PORT, DEMO_SIGNATURES: '0' }, 'Ctrl-C');
});
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

type Started = { child: ChildProcess; printed: () => string };

/** Starts a command on the folder, and waits until it has printed those words or is gone. */
async function start(command: string, env: Record<string, string>, words: string): Promise<Started> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const base = { PATH, NODE_COMPILE_CACHE, DATA_DIR: folder, DIAGNOSTICS: 'silent' };
  const child = spawn(NODE, [PARAPHE, command], { cwd: folder, env: { ...base, ...env } });
  running.push(child);
  let text = '';
  const isReady = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk;
      if (text.includes(words)) isReady.resolve();
    });
  }
  child.once('close', () => isReady.resolve());
  await isReady.promise;
  return { child, printed: () => text };
}

/** A gateway for what the demonstration has left, on a port of its own. */
async function serve(): Promise<Started> {
  const { clientSecret } = JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8')) as { clientSecret: string };
  const env = {
    PORT: String(await freePort()),
    ORIGIN: origin,
    IDENTITY_ISSUER: `http://localhost:${FRANCECONNECT_PORT}/api/v2`,
    IDENTITY_CLIENT_ID: 'paraphe-demonstration',
    IDENTITY_CLIENT_SECRET: clientSecret,
    ALLOW_SIMULATED_IDENTITY: '1',
  };
  return start('serve', env, 'Paraphe serves');
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  child.kill(signal);
  const [code, by] = await once(child, 'exit');
  return by ?? code;
}

const REFUSED = /^Another process writes the log in [^\n]+: one gateway serves a data folder\.\n$/;

const signatures = async () => {
  const tally = await fetch(`${origin}/api/petitions/${PETITION}/tally`);
  return ((await tally.json()) as { total: number }).total;
};

describe('a gateway that serves', () => {
  test('is alone on its folder: a second one is refused in one line', async () => {
    const second = await serve();
    expect(second.printed()).toMatch(REFUSED);
    expect(second.child.exitCode).toBe(1);
    expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  });

  test.runIf(canRun('prlimit', ['--version'], 'a full disk'))(
    'says so when its disk is full, goes on being read, and signs again by itself once there is room',
    async () => {
      const browsers = await Promise.all(
        ['citoyen-1', 'citoyen-2', 'citoyen-3'].map(async (login) => {
          const browser = new Browser({ stopAt: ({ pathname }) => pathname.endsWith('/session/end') });
          await browser.get(`${origin}/petitions/${PETITION}`);
          await browser.submit({}, { form: '/sign' });
          await passFranceConnect(browser, login);
          return { browser, confirm: browser.page.url };
        }),
      );
      const press = (browser: Browser) => browser.submit({}, { form: '/confirm' });
      const pageOf = ({ page }: Browser) => [page.status, page.headers.get('retry-after')];
      const [first, ...others] = browsers;
      await press(first!.browser);
      expect(first!.browser.page.url).toContain('/session/end');
      await expect.poll(signatures).toBe(1);

      limitFileSize(demo.child.pid, 0);
      for (const { browser } of others) {
        await press(browser);
        expect(pageOf(browser)).toEqual([503, '5']);
        expect(browser.page.html).toContain('storage-unavailable');
      }
      const READ = ['/', '/api/petitions', '/log/checkpoint', '/log/tile/0/000.p/4', '/log/tile/entries/000.p/4'];
      for (const path of READ) expect([path, (await fetch(origin + path)).status]).toEqual([path, 200]);
      expect(await signatures()).toBe(1);

      limitFileSize(demo.child.pid, 'unlimited');
      for (const { browser, confirm } of others) {
        await browser.get(confirm);
        await press(browser);
        expect(browser.page.url).toContain('/session/end');
      }
      await expect.poll(signatures).toBe(3);
    },
  );

  test('leaves a whole log, and its folder to the next one, even when it is killed', async () => {
    const total = await signatures();
    expect(await stop(demo.child, 'SIGTERM')).toBe(0);
    const first = await serve();
    expect(first.printed()).toContain(`Paraphe serves ${origin}`);
    expect((await serve()).printed()).toMatch(REFUSED);
    expect(await stop(first.child, 'SIGKILL')).toBe('SIGKILL');
    const next = await serve();
    expect(next.printed()).toContain(`Paraphe serves ${origin}`);
    expect(await stop(next.child, 'SIGTERM')).toBe(0);

    const storage = openSqliteStorage({ dataDir: folder, databaseUrl: 'sqlite:' });
    const lock = openSqliteLock(folder);
    const { entries } = await checkWholeLog(storage, lock, readKeys(join(folder, 'keys')).logKey);
    storage.close();
    lock.close();
    expect(entries.filter(({ kind }) => kind === 'signed')).toHaveLength(total);
  });
});
