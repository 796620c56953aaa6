/** `paraphe audit` as its users run it: on a folder, a static copy and a gateway, with and without a memory. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ED25519_COSIGNATURE, formatVerifierKey } from '../../src/tlog/note.ts';
import { partialTiles, tilePath } from '../../src/tlog/tile.ts';
import { command } from '../fakes/command.ts';
import { hashOf, type LogFiles, writeLog } from '../fakes/exported-log.ts';
import { bytesOf, flipped, testKey } from '../tlog/crypto.ts';
import { gatewayFiles, serveLog, type WebLog } from './gateway.ts';
import { DAY, exported, JWKS, KEY, largeLog, SMALL, STATEMENTS, signed } from './sample-log.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');
const PARAPHE = join(ROOT, 'bin/paraphe.js');

let folder: string;
let served: WebLog | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paraphe-audit-'));
});
afterEach(async () => {
  await served?.close();
  served = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    const options = { env: { PATH, NODE_COMPILE_CACHE, HOME: join(folder, 'home') }, cwd: folder };
    execFile(NODE, [PARAPHE, 'audit', ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}

async function json(...args: string[]) {
  const { code, stdout } = await run(...args, '--json');
  const report = JSON.parse(stdout);
  expect(code).toBe(report.holds ? 0 : 1);
  return report;
}

const serve = async (files: LogFiles) => {
  served = await serveLog(files);
  return served;
};

/** Every file of a folder, with its bytes. */
const contents = (path: string) =>
  Object.fromEntries(
    globSync('**/*', { cwd: path, withFileTypes: false })
      .sort()
      .map((file) => [file, sizeOf(join(path, file))]),
  );
const sizeOf = (path: string) => (existsSync(path) && !readdirSyncSafe(path) ? readFileSync(path, 'hex') : 'folder');
const readdirSyncSafe = (path: string) => {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
};

test.each(['abc', '0', '-1', '99999999', '1.5'])(
  '--watch=%s is no interval: one line, and nobody is asked',
  async (seconds) => {
    const asked = await command(
      {},
      'audit',
      'http://127.0.0.1:1',
      '--mirror',
      join(folder, 'mirror'),
      `--watch=${seconds}`,
    );
    expect(asked).toMatchObject({ code: 1, err: expect.stringMatching(/^--watch [^\n]*1 to 86400\.\n$/) });
  },
);

test('a key that is none is a mistake of whoever asks: nothing is said of the log', async () => {
  const asked = await command({}, 'audit', 'http://127.0.0.1:1', '--mirror', join(folder, 'mirror'), '--vkey', 'bad');
  expect(asked).toMatchObject({ code: 1, err: expect.stringMatching(/^--vkey: verifier-key/) });
});

describe('a folder', () => {
  test('that holds: figures in words, exit code 0, and nothing is written into it', async () => {
    const log = join(folder, 'export');
    writeLog(log, await exported(SMALL));
    const before = contents(log);
    const { code, stdout } = await run(log);
    expect(code).toBe(0);
    expect(stdout).toContain('Trusting the key that the log itself shows, petitions.example.org/log+');
    expect(stdout).toContain('1 signatures, 1 withdrawn, court 1 invalidated');
    expect(stdout).toContain('by département: 75 1');
    expect(stdout).toContain(`by day: ${DAY} 1`);
    expect(stdout).toMatch(/Open case c{64}: audit-sample, 3 records, open for \d+ days/);
    expect(stdout).toMatch(/\nHOLDS: .*\n$/);
    expect(contents(log)).toEqual(before);
  });

  test('that does not: the first difference, exit code 1', async () => {
    const files = await exported(SMALL);
    const path = 'log/tile/entries/000.p/8';
    writeLog(folder, files.set(path, flipped(files.get(path)!, 8 * 300)));
    const { code, stdout } = await run(folder);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /DOES NOT HOLD \(tile\): entry 1, log\/tile\/0\/000\.p\/8: its hash 1 is not that of entry 1/,
    );
  });

  test('large enough for threads gives the same figures, and the same difference', async () => {
    const entries = largeLog(51_000);
    const files = await exported(entries);
    writeLog(folder, files);
    const vkey = formatVerifierKey(KEY.key);
    const report = await json(folder, '--vkey', vkey);
    expect(report).toMatchObject({ holds: true, trust: 'given', entries: 51_000, difference: null });
    expect(report.petitions.map(({ total }: { total: number }) => total)).toEqual([34_000 - 1, 17_000 - 1]);
    const path = 'log/tile/0/150';
    writeFileSync(join(folder, path), flipped(files.get(path)!, 8 * 32 * 3));
    const where = { code: 'tile', where: path, index: 150 * 256 + 3 };
    expect(await json(folder, '--vkey', vkey)).toMatchObject({ holds: false, entries: 150 * 256, difference: where });
    rmSync(join(folder, path));
    expect((await json(folder)).difference).toEqual({ code: 'missing', where: path, detail: 'it is not there' });
  });

  test('asks for the key and the witnesses that are given', async () => {
    writeLog(folder, await exported(SMALL));
    const other = formatVerifierKey(testKey(KEY.key.name, 8).key);
    expect((await json(folder, '--vkey', other)).difference.code).toBe('key-changed');
    const witness = formatVerifierKey(testKey('w.example', 9, ED25519_COSIGNATURE).key);
    writeFileSync(join(folder, 'policy'), `witness w ${witness}\nquorum w\n`);
    expect((await json(folder, '--policy', join(folder, 'policy'))).difference.detail).toContain('quorum-missing');
    for (const args of [[], ['nowhere'], [folder, '--vkey', 'x'], [folder, folder], ['http://127.0.0.1:1/']]) {
      const { code, stderr } = await run(...args);
      expect(code).toBe(1);
      expect(stderr).not.toContain('    at ');
    }
  });
});

describe('a mirror', () => {
  const mirror = () => join(folder, 'mirror');

  test('is filled once, goes on where it stopped, and can itself be audited', async () => {
    const entries = largeLog(1200);
    const web = await serve(await gatewayFiles(entries.slice(0, 700), STATEMENTS));
    expect(await json(web.url, '--mirror', mirror())).toMatchObject({
      holds: true,
      trust: 'first-use',
      remembered: null,
    });
    expect(await json(mirror())).toMatchObject({ holds: true, entries: 700, compared: null });
    web.files = await gatewayFiles(entries, STATEMENTS);
    // What is interrupted leaves whole files and no checkpoint of them.
    rmSync(join(mirror(), 'log/tile/entries/001'));
    web.asked.length = 0;
    expect(await json(web.url, '--mirror', mirror())).toMatchObject({
      holds: true,
      trust: 'remembered',
      remembered: 700,
    });
    const tiles = web.asked.filter((path) => path.includes('/tile/'));
    expect(tiles.toSorted()).toEqual(
      ['log/tile/entries/001', 'log/tile/0/002', 'log/tile/entries/002', 'log/tile/0/003', 'log/tile/entries/003']
        .concat(
          partialTiles(1200).map((tile) => `log/${tilePath(tile)}`),
          'log/tile/entries/004.p/176',
        )
        .sort(),
    );
    // Partial tiles of the checkpoint before are gone: it is an export of its own checkpoint.
    expect(existsSync(join(mirror(), 'log/tile/0/002.p/188'))).toBe(false);
    expect(await json(mirror())).toMatchObject({ holds: true, entries: 1200 });
  });

  test('cuts a full tile where the partial one is gone', async () => {
    const entries = largeLog(600);
    const files = await exported(entries.slice(0, 300));
    const grown = await exported(entries);
    for (const path of ['log/tile/0/001', 'log/tile/entries/001']) {
      files.delete(`${path}.p/44`);
      files.set(path, grown.get(path)!);
    }
    const web = await serve(files);
    expect(await json(web.url, '--mirror', mirror())).toMatchObject({ holds: true, entries: 300 });
    writeLog(join(folder, 'copy'), files);
    expect(await json(join(folder, 'copy'))).toMatchObject({ holds: true, entries: 300 });
  });

  test('keeps both checkpoints when the log has shrunk or was rewritten', async () => {
    const web = await serve(await exported(SMALL));
    expect(await json(web.url, '--mirror', mirror())).toMatchObject({ holds: true });
    const first = web.files;
    const cases = [
      ['log-shrank', SMALL.slice(0, 7)],
      ['log-rewritten', [...SMALL.with(2, signed('Mallory')), signed('Inès')]],
    ] as const;
    for (const [code, entries] of cases) {
      web.files = await exported(entries);
      const { difference, evidence } = await json(web.url, '--mirror', mirror());
      expect(difference.code).toBe(code);
      expect(readFileSync(join(evidence, 'checkpoint'))).toEqual(Buffer.from(web.files.get('log/checkpoint')!));
      expect(readFileSync(join(evidence, 'checkpoint-remembered'))).toEqual(Buffer.from(first.get('log/checkpoint')!));
    }
    web.files = await exported(SMALL, testKey(KEY.key.name, 8));
    expect((await json(web.url, '--mirror', mirror())).difference.code).toBe('key-changed');
  });

  test('forgets a tile that was refused: the next audit asks again', async () => {
    const files = await exported(largeLog(600));
    const path = 'log/tile/0/001';
    const web = await serve(new Map(files).set(path, flipped(files.get(path)!, 5)));
    const { difference, evidence } = await json(web.url, '--mirror', mirror());
    expect(difference).toMatchObject({ code: 'tile', where: path });
    expect(existsSync(join(evidence, path))).toBe(true);
    web.files = files;
    expect(await json(web.url, '--mirror', mirror())).toMatchObject({ holds: true, remembered: null });
  });

  test('has its place at home when none is named, one for each log', async () => {
    const web = await serve(await exported(SMALL));
    const { stdout } = await run(web.url);
    expect(stdout).toContain('from now on no other is accepted');
    expect(readdirSync(join(folder, 'home/.paraphe/mirrors'))).toEqual([new URL(web.url).host.replace(':', '_')]);
  });
});

describe('a monitor', () => {
  const lines = (child: ChildProcess) => {
    const seen: Record<string, unknown>[] = [];
    let rest = '';
    child.stdout?.on('data', (chunk) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      seen.push(...parts.map((line) => JSON.parse(line)));
    });
    return seen;
  };

  test('sees growth, keys that are not the provider’s, and an entry that vanishes', async () => {
    const provider = await serveLog(new Map());
    provider.files.set('jwks', bytesOf(JWKS));
    const discovery = JSON.stringify({ issuer: provider.url, jwks_uri: `${provider.url}/jwks` });
    provider.files.set('.well-known/openid-configuration', bytesOf(discovery));
    const noted = (jwks: string) => ({ kind: 'identity-keys', issuer: provider.url, jwks, day: DAY }) as const;
    const entries = [noted(hashOf(JWKS)), ...SMALL.slice(1)];
    const web = await serve(await exported(entries));
    const args = [PARAPHE, 'audit', web.url, '--mirror', join(folder, 'mirror'), '--watch', '1', '--json'];
    const child = spawn(NODE, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const seen = lines(child);
      const last = () => seen.at(-1);
      await expect.poll(last).toMatchObject({ holds: true, entries: 8 });
      web.files = await exported([...entries, signed('Inès')]);
      await expect.poll(() => seen).toContainEqual(expect.objectContaining({ holds: true, entries: 9, remembered: 8 }));
      web.files = await exported(entries);
      await expect.poll(last).toMatchObject({ holds: false, difference: { code: 'log-shrank' } });
      const other = '{"keys":["of nobody"]}';
      const files = await exported([...entries, signed('Inès'), noted(hashOf(other))]);
      web.files = files.set(`log/jwks/${hashOf(other)}`, bytesOf(other));
      await expect
        .poll(last)
        .toMatchObject({ holds: false, difference: { code: 'identity-keys', where: provider.url } });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      expect(await ended).toBe(1);
    } finally {
      child.kill('SIGKILL');
      await provider.close();
    }
  });
});
