/** What a petition site gets: ESM and types, built from the same source, needing nothing but jose and @noble/hashes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

test('paraphe/verify and paraphe/proof are built as ESM with types, and a site imports them by name', () => {
  const site = mkdtempSync(join(tmpdir(), 'paraphe-site-'));
  const bin = join(ROOT, 'node_modules/.bin');
  const pack = join(site, 'node_modules/paraphe');
  execFileSync(join(bin, 'tsc'), ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(pack, 'dist')]);
  writeFileSync(join(pack, 'package.json'), readFileSync(join(ROOT, 'package.json')));
  symlinkSync(join(ROOT, 'node_modules/jose'), join(site, 'node_modules/jose'));
  symlinkSync(join(ROOT, 'node_modules/@noble'), join(site, 'node_modules/@noble'));
  const use = `import { verifyReceipt, ReceiptError, type VerifiedReceipt } from 'paraphe/verify';
import { type VerifiedProof, verifyReceiptProof } from 'paraphe/proof';
const answer: Promise<VerifiedReceipt> = verifyReceipt('', { issuer: 'https://petitions.example.org' });
answer.catch((error: unknown) => console.log(error instanceof ReceiptError && error.code));
const proof: Promise<VerifiedProof> = verifyReceiptProof(new Uint8Array(), { policy: 'quorum none' });
proof.catch((error: unknown) => console.log(error instanceof ReceiptError && error.code));
`;
  writeFileSync(join(site, 'package.json'), '{"type":"module"}');
  writeFileSync(join(site, 'use.ts'), use);
  const flags = [
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2022,dom',
    '--strict',
    '--types',
    '',
    'use.ts',
  ];
  execFileSync(join(bin, 'tsc'), flags, { cwd: site, stdio: 'pipe' });
  expect(execFileSync(join(bin, 'node'), ['use.js'], { cwd: site, encoding: 'utf8' })).toBe(
    'malformed\nproof-malformed\n',
  );
  rmSync(site, { recursive: true, force: true });
});
