/** The command line as its users run it: in a terminal, on a folder, with an environment. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readStorageConfig } from '../../src/config.ts';
import { openStorage } from '../../src/storage/open.ts';
import { Browser } from '../fakes/browser.ts';
import { command } from '../fakes/command.ts';
import { freePort } from '../fakes/free-port.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');
const PARAPHE = join(ROOT, 'bin/paraphe.js');
const { PATH, NODE_COMPILE_CACHE } = process.env;
const SHARED = { PATH, NODE_COMPILE_CACHE };
const folders: string[] = [];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paraphe-cli-'));
  folders.push(folder);
});
afterAll(() => {
  for (const one of folders) rmSync(one, { recursive: true, force: true });
});

type Result = { code: number; stdout: string; stderr: string };

function paraphe(args: string[], env: Record<string, string> = {}): Promise<Result> {
  return new Promise((resolve) => {
    const base = { ...SHARED, DATA_DIR: folder, ORIGIN: 'https://petitions.example.org' };
    // A command that should refuse and serves instead must not outlive the test, on a port that others want.
    const options = { env: { ...base, ...env }, cwd: folder, timeout: 60_000 };
    execFile(NODE, [PARAPHE, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}

const IDENTITY = {
  IDENTITY_ISSUER: 'https://idp.example/api/v2',
  IDENTITY_CLIENT_ID: 'client',
  IDENTITY_CLIENT_SECRET: 'a-secret-of-enough-characters',
  ORIGIN: 'https://petitions.example.org',
};

/** In this process, where it is what a command says that counts, and not how it is started. */
const here = (name: string, ...args: string[]) => command({ ...IDENTITY, DATA_DIR: folder }, name, ...args);

const oneLine = (text: string) => expect(text.trim().split('\n')).toHaveLength(1);

describe('paraphe', () => {
  test('says what it can do, and what it cannot', async () => {
    expect(await paraphe([])).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: paraphe <command>') });
    expect(await paraphe(['nothing'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no command nothing'),
    });
    const { code, stderr } = await paraphe(['serve', '--nothing']);
    expect(code).toBe(1);
    oneLine(stderr);
    for (const name of ['constructor', 'toString', '__proto__']) {
      expect(await paraphe([name])).toMatchObject({ code: 2, stderr: expect.stringContaining(`no command ${name}`) });
    }
    expect(await paraphe(['verify', '--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('receipt') });
    const inTheWay = await paraphe(['init'], { DATA_DIR: join(PARAPHE, 'data') });
    expect(inTheWay.code).toBe(1);
    expect(inTheWay.stderr).toMatch(/ENOTDIR/);
    oneLine(inTheWay.stderr);
  });

  test.each(readdirSync(join(ROOT, 'src/cli')).filter((file) => !/^(audit-words|progress|signals)\.ts$/.test(file)))(
    'says how each command is used: %s',
    async (file) => {
      const { USAGE } = (await import(join(ROOT, 'src/cli', file))) as { USAGE: string };
      expect(USAGE).toMatch(new RegExp(`^Usage: paraphe ${file.replace('.ts', '')}\\b`));
    },
  );

  test('says what version it is', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await paraphe(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  test('does not say that all is well where its words were lost: a secret is shown once', async () => {
    await here('init');
    const sh = (line: string): Promise<Result> =>
      new Promise((resolve) => {
        const env = { ...SHARED, DATA_DIR: folder, ORIGIN: IDENTITY.ORIGIN, NODE, PARAPHE };
        execFile('/bin/sh', ['-c', line], { env, cwd: folder }, (error, stdout, stderr) =>
          resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
        );
      });
    const full = await sh('"$NODE" "$PARAPHE" petition list --json >/dev/full');
    expect(full).toEqual({ code: 1, stdout: '', stderr: 'The output could not be written: ENOSPC.\n' });
    const gone = await sh('{ "$NODE" "$PARAPHE" --help; echo $? >&2; } | true');
    expect(gone.stderr).toMatch(/^[01]\n$/); // whether it was heard is a matter of chance: no stack either way
    expect(await sh('"$NODE" "$PARAPHE" petition list --json 2>/dev/full')).toMatchObject({ code: 0 });
  });

  test('refuses a Node that it cannot run on, in words', () => {
    const source = readFileSync(PARAPHE, 'utf8');
    const refused = source
      .replaceAll('process.versions.node', "'20.20.2'")
      .replace("await import('../src/main.ts')", '');
    writeFileSync(join(folder, 'old.mjs'), refused);
    return new Promise<void>((resolve) => {
      execFile(NODE, [join(folder, 'old.mjs')], (error, _out, stderr) => {
        expect(error?.code).toBe(1);
        expect(stderr).toContain('this is Node 20.20.2');
        oneLine(stderr);
        resolve();
      });
    });
  });
});

describe('paraphe init', () => {
  test('makes keys that only their owner reads, and never over others', async () => {
    const nameless = await paraphe(['init'], { ORIGIN: '' });
    expect(nameless.stderr).toMatch(/^ORIGIN is not set/);
    const first = await paraphe(['init']);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^petitions\.example\.org\/log\+[0-9a-f]{8}\+/m);
    const keys = join(folder, 'keys');
    expect(readdirSync(keys).sort()).toEqual(['key-encryption-key', 'log-key', 'receipt-keys.json', 'sealing-key']);
    for (const file of readdirSync(keys)) expect(statSync(join(keys, file)).mode & 0o777).toBe(0o600);
    const before = readFileSync(join(keys, 'key-encryption-key'), 'utf8');
    const again = await paraphe(['init']);
    expect(again.code).toBe(1);
    oneLine(again.stderr);
    expect(readFileSync(join(keys, 'key-encryption-key'), 'utf8')).toBe(before);
  });
});

describe('paraphe config', () => {
  test('explains every variable, hides secrets, and says which is missing and what it is', async () => {
    const good = await paraphe(['config'], IDENTITY);
    expect(good.code).toBe(0);
    expect(good.stdout).toContain('PORT = 3000 (default)');
    expect(good.stdout).toContain('IDENTITY_CLIENT_SECRET = (set, not shown)');
    expect(good.stdout + good.stderr).not.toContain(IDENTITY.IDENTITY_CLIENT_SECRET);
    const { IDENTITY_CLIENT_SECRET: _, ...without } = IDENTITY;
    const bad = await paraphe(['config'], without);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/^IDENTITY_CLIENT_SECRET is not set: /);
  });
});

describe('paraphe serve', () => {
  test('without keys, without a database, with a stranger’s keys: one line each', async () => {
    const noKeys = await paraphe(['serve'], IDENTITY);
    expect(noKeys.stderr).toContain('paraphe init');
    oneLine(noKeys.stderr);
    await here('init');
    rmSync(join(folder, 'paraphe.sqlite'));
    const noData = await here('serve');
    expect(noData.err).toContain('There is no database');
    oneLine(noData.err);
    writeFileSync(join(folder, 'keys/sealing-key'), 'AAAA');
    const noKey = await here('serve');
    expect(noKey.err).toContain('sealing-key does not hold 32 bytes');
    oneLine(noKey.err);
  });

  test('refuses a simulated identity provider unless it is told to allow it', async () => {
    await here('init');
    const env = { ...IDENTITY, DATA_DIR: folder, IDENTITY_ISSUER: 'http://localhost:3001/api/v2' };
    const { code, err } = await command(env, 'serve');
    expect(code).toBe(1);
    expect(err).toContain('ALLOW_SIMULATED_IDENTITY=1');
    oneLine(err);
  });

  test('never loads the simulator', async () => {
    const probe = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(specifier, context, next) {
        const found = next(specifier, context);
        if (/src\\/demo/.test(found.url)) { console.error('loaded ' + found.url); process.exit(9); }
        return found;
      } });`;
    writeFileSync(join(folder, 'probe.mjs'), probe);
    const env = { ...IDENTITY, NODE_OPTIONS: `--import ${join(folder, 'probe.mjs')}` };
    expect((await paraphe(['serve'], env)).stderr).toContain('paraphe init');
    expect((await paraphe(['demo'], { ...env, PORT: '1' })).code).toBe(9);
  });
});

describe('paraphe petition', () => {
  test('opens one that states no thresholds with those of the brand, and one that states none at all with none', async () => {
    await here('init');
    writeFileSync(join(folder, 'brand.yaml'), 'name: V\nthresholds: [{ signatures: 5000, label: { fr: Inscrite } }]');
    for (const [slug, stated] of [
      ['muette', ''],
      ['sans', 'thresholds: []\n'],
      ['avec', 'thresholds: [{ signatures: 7, label: { fr: Débattue } }]\n'],
    ] as const) {
      const file = join(folder, `${slug}.md`);
      writeFileSync(
        file,
        `---\nslug: ${slug}\ntitle: Un titre\nmin_age: 18\ndepartments: false\n${stated}---\n\nCeci.\n`,
      );
      const opened = await command({ ...IDENTITY, DATA_DIR: folder, BRAND: folder }, 'petition', 'open', file);
      expect(opened).toMatchObject({ code: 0 });
    }
    const storage = await openStorage(readStorageConfig({ DATA_DIR: folder }));
    const thresholds = (await storage.petitions.list()).map(({ slug, thresholds: [first] }) => [
      slug,
      first?.signatures,
    ]);
    await storage.close();
    expect(Object.fromEntries(thresholds)).toEqual({ muette: 5000, sans: undefined, avec: 7 });
  });

  test('opens from a file, lists and closes, also beside another process', async () => {
    await here('init');
    const file = join(folder, 'p.md');
    writeFileSync(file, '---\nslug: un-titre\ntitle: Un titre\nmin_age: 18\ndepartments: false\n---\n\nCeci.\n');
    expect((await here('petition', 'list')).out).toContain('No petition is open');
    expect((await here('petition', 'open', file)).out).toContain('Opened un-titre');
    const twice = await here('petition', 'open', file);
    expect(twice.code).toBe(1);
    oneLine(twice.err);
    expect(JSON.parse((await here('petition', 'list', '--json')).out)).toMatchObject([
      { slug: 'un-titre', status: 'open', signatures: 0 },
    ]);
    expect((await here('petition', 'close', 'un-titre')).out).toContain('is closed, with 0 signatures');
    expect((await here('petition', 'close', 'un-titre')).out).toContain('was closed already');
    expect((await here('petition', 'close', 'aucune')).code).toBe(1);
    const never = join(folder, 'never.md');
    for (const rule of ['closes: 2020-01-01', 'acr: eidas9', 'acr: ""']) {
      const rules = `slug: jamais\ntitle: Un titre\nmin_age: 18\ndepartments: false\n${rule}`;
      writeFileSync(never, `---\n${rules}\n---\n\nCeci.\n`);
      const { code, err } = await here('petition', 'open', never);
      expect(code).toBe(1);
      oneLine(err);
    }
    for (const args of [[], ['open'], ['open', 'nowhere.md'], ['sing', 'x']]) {
      const { code, err } = await here('petition', ...args);
      expect(code).toBe(1);
      oneLine(err);
    }
  });
});

describe('paraphe demo', () => {
  const running: ChildProcess[] = [];
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
  });

  async function start(env: Record<string, string>): Promise<{ child: ChildProcess; printed: () => string }> {
    const child = spawn(NODE, [PARAPHE, 'demo'], { cwd: folder, env: { ...SHARED, ...env } });
    running.push(child);
    let text = '';
    child.stdout?.on('data', (chunk) => (text += chunk));
    child.stderr?.on('data', (chunk) => (text += chunk));
    while (!text.includes('Ctrl-C') && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50));
    return { child, printed: () => text };
  }

  const stop = (child: ChildProcess) =>
    new Promise<number | null>((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.kill('SIGTERM');
    });

  test('serves three petitions, prints where to click and nobody’s name, and survives a restart', async () => {
    const [PORT, FRANCECONNECT_PORT] = [String(await freePort()), String(await freePort())];
    const env = { PORT, FRANCECONNECT_PORT, DATA_DIR: folder, DEMO_SIGNATURES: '0' };
    const origin = `http://localhost:${PORT}`;
    const first = await start(env);
    expect(first.printed()).toContain(origin);
    expect(first.printed()).toContain(`http://localhost:${FRANCECONNECT_PORT}`);
    expect(first.printed()).not.toMatch(/dubois|angela|\d{4}-\d{2}-\d{2}/i);
    expect((await fetch(`${origin}/healthz`)).status).toBe(200);

    const browser = new Browser();
    const sign = async () => {
      await browser.get(`${origin}/petitions/jardins-partages`);
      await browser.submit({}, { form: '/sign' });
      while (browser.page.url.includes('/api/v2/')) {
        await browser.submit(browser.page.html.includes('name="login"') ? { login: 'test', password: '123' } : {});
      }
      await browser.submit({}, { form: '/confirm' });
    };
    await sign();
    expect(browser.page.url).toContain('/receipt/');
    const fresh = { ...env, DATA_DIR: join(folder, 'fresh') };
    expect((await paraphe(['demo'], fresh)).stderr).toContain('in use');
    expect(existsSync(fresh.DATA_DIR)).toBe(false); // a port that was busy is not fixed for ever
    const taken = await command({ ...env, DATA_DIR: join(folder, 'other') }, 'demo');
    expect(taken.code).toBe(1);
    expect(taken.err).toContain('in use');
    oneLine(taken.err);
    expect(await stop(first.child)).toBe(0);

    const other = await command({ ...env, PORT: '1' }, 'demo');
    expect(other.code).toBe(1);
    expect(other.err).toContain('made with other ports');
    oneLine(other.err);

    const second = await start(env);
    await sign(); // the same person: nothing is added
    const { petitions } = (await (await fetch(`${origin}/api/petitions`)).json()) as { petitions: object[] };
    expect(petitions).toMatchObject([
      { slug: 'trains-de-nuit', status: 'open', min_age: 18, departments: true, signatures: 0 },
      { slug: 'jardins-partages', status: 'open', min_age: 16, signatures: 1 },
      { slug: 'cantines-locales', status: 'closed' },
    ]);

    // A receipt outlives a rotation, and `verify` says so.
    const href = /href="([^"]*receipt\.jwt)/.exec(browser.page.html)?.[1] ?? '';
    const { html: jwt } = await browser.tab().get(new URL(href, browser.page.url));
    writeFileSync(join(folder, 'receipt.jwt'), jwt);
    const kids = async () =>
      ((await (await fetch(`${origin}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }).keys.map(
        ({ kid }) => kid,
      );
    const [before] = await kids();
    expect((await command({ DATA_DIR: folder }, 'keys', 'rotate')).out).toContain('stay published (1)');
    while ((await kids()).length < 2) await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await kids())[1]).toBe(before);
    const verified = await paraphe(['verify', 'receipt.jwt', '--issuer', origin, '--json']);
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.stdout)).toMatchObject({ valid: true, kid: before, claims: { iss: origin } });
    const trusting = await paraphe(['verify', 'receipt.jwt']);
    expect(trusting).toMatchObject({ code: 0, stdout: expect.stringContaining('the one that the receipt names') });
    writeFileSync(
      join(folder, 'forged.jwt'),
      jwt.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString('base64url')),
    );
    const forged = await paraphe(['verify', 'forged.jwt', '--issuer', origin]);
    expect(forged.code).toBe(1);
    expect(forged.stderr).toContain('wrong-type');
    expect((await paraphe(['verify', 'nowhere.jwt'])).code).toBe(1);
    expect(await stop(second.child)).toBe(0);
  });
});
