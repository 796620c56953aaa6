/** `paraphe verify` with a receipt, a proof, or both. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/verify.ts';
import type { Day } from '../../src/clock.ts';
import type { Signed } from '../../src/log/entry.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { computeReceipt } from '../../src/receipt/compute.ts';
import { generateReceiptKeys, loadReceiptKeys } from '../../src/receipt/keys.ts';
import { FakeLog } from '../fakes/log-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'paraphe-verify-'));
const petition = '01m7k8m0n1ew6076n6rar3zv8a';
const nym = nymFromBytes(new Uint8Array(32).fill(3));
const day = '2026-11-21' as Day;
const entry: Signed = { kind: 'signed', petition, nym, department: null, evidence: null, day };
const log = new FakeLog('petitions.example.org/log');
log.append({ ...entry, nym: nymFromBytes(new Uint8Array(32).fill(2)) }, entry);

let server: Server;
let origin: string;
const path = (name: string) => join(folder, name);
const file = (name: string, content: string) => {
  writeFileSync(path(name), content);
  return path(name);
};

beforeAll(async () => {
  const keys = await loadReceiptKeys(generateReceiptKeys());
  server = createServer((req, res) => {
    const isKey = req.url === '/log/vkey';
    res.end(isKey ? `${log.vkey}\n` : JSON.stringify(keys.jwks));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const facts = { issuer: origin, petition, statementHash: new Uint8Array(32), nym, day, department: undefined };
  file('receipt.jwt', computeReceipt(keys, { ...facts, log: { origin: log.origin, index: 1 } }));
  file('elsewhere.jwt', computeReceipt(keys, { ...facts, log: { origin: log.origin, index: 0 } }));
  file('receipt.tlog-proof', await log.proof(1));
  file('stranger.tlog-proof', await new FakeLog('a.example/log').withEntries(log.entries).proof(1));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => vi.restoreAllMocks());

async function verify(...args: string[]) {
  const out: string[] = [];
  const write = (line: unknown) => void out.push(String(line));
  vi.spyOn(console, 'log').mockImplementation(write);
  vi.spyOn(console, 'error').mockImplementation(write);
  const code = await run(args);
  return { code, text: out.join('\n') };
}

describe('paraphe verify', () => {
  test('takes both files, in any order, and says what was proven and what was not', async () => {
    const { code, text } = await verify(
      path('receipt.tlog-proof'),
      path('receipt.jwt'),
      '--issuer',
      origin,
      '--vkey',
      log.vkey,
    );
    expect(code).toBe(0);
    expect(text).toMatch(/^The receipt holds: /);
    expect(text).toMatch(/The proof holds: petitions.example.org\/log signed a log of 2 entries; entry 1 of it is/);
    expect(text).toContain('Receipt and proof are about the same signature.');
    expect(text).toMatch(/Not checked: whether the log still holds it/);
    expect(text).not.toContain('to say yours');
  });

  test('takes one, and says what only the other could prove', async () => {
    const receipt = await verify(path('receipt.jwt'), '--issuer', origin);
    expect(receipt).toMatchObject({ code: 0, text: expect.stringContaining('Not checked: that it is entry 1 of') });
    const proof = await verify(path('receipt.tlog-proof'), '--vkey', log.vkey);
    expect(proof).toMatchObject({ code: 0, text: expect.stringContaining('Not checked: the gateway’s own signature') });
    await expect(verify(path('receipt.tlog-proof'))).rejects.toThrow(/^Whose log\? --vkey/);
  });

  test('believes the issuer’s own key only aloud', async () => {
    const { code, text } = await verify(path('receipt.jwt'), path('receipt.tlog-proof'));
    expect(code).toBe(0);
    expect(text).toContain('the one that the receipt names');
    expect(text).toContain('the one that the issuer serves now');
  });

  test('takes a policy, whose quorum it then asks for', async () => {
    const witness = 'witness+3a1a3ff1+BKXkTdpVLk2Ss2xJ5gPmNnJHOG5FDE1mJTbNOBpqXbUm';
    const none = file('policy', `log ${log.vkey}\nquorum none\n`);
    expect((await verify(path('receipt.tlog-proof'), '--policy', none)).code).toBe(0);
    const wrong = file('wrong', `log ${log.vkey}\nwitness w ${witness}\nquorum w\n`);
    await expect(verify(path('receipt.tlog-proof'), '--policy', wrong)).rejects.toThrow(
      /^What is to be trusted is none/,
    );
    await expect(verify(path('receipt.tlog-proof'), '--vkey', 'x')).rejects.toThrow(/^What is to be trusted is none/);
  });

  test.each([
    ['a proof of another log', ['stranger.tlog-proof'], 'log-unknown', 'The proof does not hold (log-unknown'],
    ['two files of two places', ['elsewhere.jwt', 'receipt.tlog-proof'], 'index-differs', 'do not hold together'],
  ])('refuses %s', async (_about, names, code, words) => {
    const args = [...names.map(path), '--vkey', log.vkey];
    expect(await verify(...args)).toMatchObject({ code: 1, text: expect.stringContaining(words) });
    const { text } = await verify(...args, '--json');
    expect(JSON.parse(text)).toMatchObject({ valid: false, code, steps: expect.any(Array) });
  });

  test('does not call a receipt bad whose keys nobody could ask for', async () => {
    const nobody = ['--issuer', 'http://127.0.0.1:1'];
    const { code, text } = await verify(path('receipt.jwt'), ...nobody);
    expect([code, text]).toEqual([1, expect.stringMatching(/^Not checked \(keys-unavailable.*try again later/)]);
    const { text: json } = await verify(path('receipt.jwt'), ...nobody, '--json');
    expect(JSON.parse(json)).toMatchObject({ valid: false, code: 'keys-unavailable', steps: [{ holds: null }] });
  });

  test('tells machines each step', async () => {
    const { text } = await verify(path('receipt.jwt'), path('receipt.tlog-proof'), '--json');
    expect(JSON.parse(text)).toMatchObject({
      valid: true,
      steps: [
        { step: 'receipt', holds: true },
        { step: 'proof', holds: true },
        { step: 'both', holds: true },
      ],
      claims: { sub: nym },
      proof: { entry, index: 1, checkpoint: { origin: log.origin, size: 2 }, witnesses: [] },
    });
  });

  test('refuses what it cannot tell, two of a kind, three files', async () => {
    const nonsense = file('nonsense', 'hello');
    expect(await verify(nonsense)).toMatchObject({ code: 1, text: expect.stringContaining('malformed') });
    await expect(verify(path('receipt.jwt'), path('receipt.jwt'))).rejects.toThrow(/two files of one kind/);
    await expect(verify(nonsense, nonsense, nonsense)).rejects.toThrow(/^Usage/);
    await expect(verify()).rejects.toThrow(/^Usage/);
  });
});
