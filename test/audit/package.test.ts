/** What an auditor gets: ESM and types, built from the same source, needing nothing, in Node and in a browser. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatVerifierKey } from '../../src/tlog/note.ts';
import { writeLog } from '../fakes/exported-log.ts';
import { exported, KEY, SMALL } from './sample-log.ts';

const ROOT = join(import.meta.dirname, '../..');

test('paraphe/audit is built as ESM with types, and an auditor recounts with a few lines of their own', async () => {
  const site = mkdtempSync(join(tmpdir(), 'paraphe-auditor-'));
  const bin = join(ROOT, 'node_modules/.bin');
  const pack = join(site, 'node_modules/paraphe');
  execFileSync(join(bin, 'tsc'), ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(pack, 'dist')]);
  writeFileSync(join(pack, 'package.json'), readFileSync(join(ROOT, 'package.json')));
  writeLog(site, await exported(SMALL));
  // Node's cryptography and files are the auditor's own; WebCrypto's would do in a browser.
  const use = `import { audit, parseVerifierKey, trustLog, webSource, type AuditReport } from 'paraphe/audit';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const keyOf = (raw: Uint8Array) =>
  createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }, format: 'jwk' });
const { report }: { report: AuditReport } = await audit({
  source: { read: (path) => readFile(path).catch(() => undefined) },
  policy: trustLog(parseVerifierKey(sha256, process.argv[2] ?? '')),
  tools: { sha256, verify: (key, message, signature) => verify(null, message, keyOf(key), signature), seed: 1 },
  gateway: false,
});
console.log(report.holds, report.petitions.map(({ total }) => total).join(), typeof webSource);
`;
  writeFileSync(join(site, 'package.json'), '{"type":"module"}');
  writeFileSync(join(site, 'use.ts'), use);
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  const flags = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom', '--strict', ...types, 'use.ts'];
  execFileSync(join(bin, 'tsc'), flags, { cwd: site, stdio: 'pipe' });
  const vkey = formatVerifierKey(KEY.key);
  expect(execFileSync(join(bin, 'node'), ['use.js', vkey], { cwd: site, encoding: 'utf8' })).toBe('true 1 function\n');
  rmSync(site, { recursive: true, force: true });
});
