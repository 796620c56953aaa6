/** `paraphe witness` as its operator runs it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/witness.ts';
import { postText } from '../../src/log/post.ts';
import { Witnesses } from '../../src/log/witnesses.ts';
import { parsePolicy } from '../../src/tlog/policy.ts';
import { GrowingLog } from '../fakes/growing-log.ts';
import { WitnessInMemory } from '../fakes/witness-in-memory.ts';
import { bytesOf, sha256, verifyEd25519 } from '../tlog/crypto.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');
const PARAPHE = join(ROOT, 'bin/paraphe.js');
const { PATH, NODE_COMPILE_CACHE } = process.env;
const ENV = { PATH, NODE_COMPILE_CACHE };
const NAME = 'example.org/witness';
const log = new GrowingLog();

let folder: string;
const running: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paraphe-witness-'));
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function paraphe(args: readonly string[]) {
  const child = spawn(NODE, [PARAPHE, 'witness', ...args], { cwd: folder, env: ENV });
  running.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  return { child, printed: () => text, ended: once(child, 'close').then(([code]) => code as number | null) };
}

const ARGS = ['--name', NAME, '--log', log.vkey, '--data', 'data', '--port', '0'];

/** Starts one. @returns the line for policies, and the address that it listens on */
async function start(more: readonly string[] = []) {
  const process = paraphe([...ARGS, ...more]);
  while (!process.printed().includes('\nwitness ') && process.child.exitCode === null) {
    await Promise.race([once(process.child.stdout, 'data'), process.ended]);
  }
  const [, url = ''] = /on (http:\S+)\.\n/.exec(process.printed()) ?? [];
  const [line = ''] = /^witness .*$/m.exec(process.printed()) ?? [];
  return { ...process, url, line };
}

describe('paraphe witness', () => {
  test('prints the line for its log’s policy, cosigns, and stays itself across a stop and a kill', async () => {
    let witness = await start();
    const { line } = witness;
    expect(line).toMatch(
      /^witness example\.org\/witness example\.org\/witness\+[0-9a-f]{8}\+\S+ https:\/\/example\.org\/witness$/,
    );
    for (const [size, signal] of [
      [3, 'SIGTERM'],
      [8, 'SIGKILL'],
      [9, 'SIGINT'],
    ] as const) {
      expect(witness.line).toBe(line);
      const policy = parsePolicy(
        sha256,
        bytesOf(`log ${log.vkey}\n${line.replace(/ \S+$/, ` ${witness.url}`)}\nquorum ${NAME}\n`),
      );
      const witnesses = new Witnesses(policy, log.keys.key, {
        verify: verifyEd25519,
        post: postText,
        timeoutMs: 20_000,
      });
      const asked = await witnesses.cosign(await log.checkpoint(size), async (old) => log.proof(old, size));
      expect(asked).toMatchObject({ quorum: true, failures: [] });
      witness.child.kill(signal);
      expect(await witness.ended).toBe(signal === 'SIGKILL' ? null : 0);
      if (size < 9) witness = await start();
    }
    expect(witness.printed()).not.toContain('error');
  });

  test('names another address when it is told one', async () => {
    const { line } = await start(['--url', 'https://w.example.org/paraphe']);
    expect(line).toMatch(/ https:\/\/w\.example\.org\/paraphe$/);
  });

  test('is one process a folder', async () => {
    await start();
    const second = paraphe(ARGS);
    expect(await second.ended).toBe(1);
    expect(second.printed()).toMatch(/^Cannot open .*: another process is this witness\.\n$/);
  });

  test('outlives a full disk, its own messages’ included, and loses nothing that it answered for', async ({
    annotate,
  }) => {
    if (spawnSync('prlimit', ['--version']).status !== 0) return void annotate('no prlimit here: nothing was tried');
    const output = join(folder, 'output');
    const file = openSync(output, 'a');
    const child = spawn(NODE, [PARAPHE, 'witness', ...ARGS], { cwd: folder, stdio: ['ignore', file, file], env: ENV });
    running.push(child);
    const printed = () => readFileSync(output, 'utf8');
    await expect.poll(printed).toContain('\nwitness ');
    const [, url = ''] = /on (http:\S+)\.\n/.exec(printed()) ?? [];
    const submit = async (from: number, to: number) =>
      (await postText(`${url}/add-checkpoint`, await log.submission(from, to), AbortSignal.timeout(20_000))).status;
    const limit = (bytes: string) => spawnSync('prlimit', [`--fsize=${bytes}:`, '--pid', String(child.pid)]).status;
    expect(await submit(0, 3)).toBe(200);
    expect(limit('100')).toBe(0);
    for (let i = 0; i < 3; i++) expect(await submit(3, 8)).toBe(500);
    expect(limit('unlimited')).toBe(0);
    expect(await submit(3, 8)).toBe(200);
    expect(await submit(3, 9)).toBe(409);
    child.kill();
    await once(child, 'exit');
    closeSync(file);
    expect(child.exitCode).toBe(0);
  });

  const someWitness = new WitnessInMemory(NAME, []).vkey;
  test.each<[string, readonly string[], RegExp]>([
    ['nothing', [], /^Usage: paraphe witness/],
    ['no log', ['--name', NAME], /^Usage: paraphe witness/],
    ['a name that no key can have', ['--name', 'a+b', '--log', log.vkey], /^key-name: "a\+b"/],
    ['a key that is none', ['--name', NAME, '--log', 'hello'], /^verifier-key: /],
    ['a witness’s key', ['--name', NAME, '--log', someWitness], /--log takes a log’s\.$/],
    ['a port that is none', ['--name', NAME, '--log', log.vkey, '--port', '65536'], /^--port 65536: /],
    ['an option that is none', ['--name', NAME, '--log', log.vkey, '--what'], /^Unknown option/],
  ])('given %s says so, and makes nothing', async (_, args, line) => {
    const data = join(folder, 'data');
    await expect(run([...args, '--data', data])).rejects.toThrow(line);
    expect(existsSync(data)).toBe(false);
  });
});
