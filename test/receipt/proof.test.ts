/** A receipt's proof, by itself and beside the receipt's JWT. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Day } from '../../src/clock.ts';
import type { Signed } from '../../src/log/entry.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import type { ReceiptClaims } from '../../src/receipt/claims.ts';
import { receiptClaims } from '../../src/receipt/compute.ts';
import { type ReceiptErrorCode, type VerifiedProof, verifyBoth, verifyReceiptProof } from '../../src/receipt/proof.ts';
import { webCrypto } from '../../src/receipt/web-crypto.ts';
import { ED25519_COSIGNATURE, formatVerifierKey } from '../../src/tlog/note.ts';
import { FakeLog } from '../fakes/log-site.ts';
import { bytesOf, flipped, testKey, verifyEd25519 } from '../tlog/crypto.ts';

const origin = 'petitions.example.org/log';
const petition = '01m7k8m0n1ew6076n6rar3zv8a';
const day = '2026-11-21' as Day;
const signed = (seed: number): Signed => {
  const nym = nymFromBytes(new Uint8Array(32).fill(seed));
  return { kind: 'signed', petition, nym, department: '2A', evidence: null, day };
};

const log = new FakeLog(origin);
log.append(...[1, 2, 3, 4, 5, 6, 7].map(signed), {
  kind: 'withdrawn',
  petition,
  nym: signed(7).nym,
  evidence: null,
  day,
});
const vkey = log.vkey;

let proof: string;
beforeAll(async () => {
  proof = await log.proof(4);
});

const refused = (text: string, code: ReceiptErrorCode, options: object = {}) =>
  expect(verifyReceiptProof(bytesOf(text), { vkey, ...options })).rejects.toMatchObject({ name: 'ReceiptError', code });

describe('a proof', () => {
  test('verifies alone, with the log’s key and nothing else', async () => {
    const { entry, index, checkpoint, witnesses } = await verifyReceiptProof(bytesOf(proof), { vkey, petition });
    expect(entry).toEqual(signed(5));
    expect({ index, witnesses, size: checkpoint.size, origin: checkpoint.origin }).toEqual({
      index: 4,
      witnesses: [],
      size: 8,
      origin,
    });
  });

  test('verifies under a policy, which may ask for witnesses that it lacks', async () => {
    const witness = formatVerifierKey(testKey('witness', 9, ED25519_COSIGNATURE).key);
    const policy = (quorum: string) => `log ${vkey}\nwitness w ${witness}\nquorum ${quorum}\n`;
    await verifyReceiptProof(bytesOf(proof), { policy: policy('none') });
    await expect(verifyReceiptProof(bytesOf(proof), { policy: policy('w') })).rejects.toMatchObject({
      code: 'quorum-missing',
    });
  });

  test('of another log, of another key, of another petition', async () => {
    await refused(await new FakeLog('other.example.org/log').withEntries(log.entries).proof(4), 'log-unknown');
    await refused(await new FakeLog(origin, 2).withEntries(log.entries).proof(4), 'log-signature-missing');
    await refused(proof, 'wrong-petition', { petition: '01m7k8m0n1ew6076n6rar3zv8b' });
  });

  test('whose entry, index, hashes or signature were changed', async () => {
    const other = (await log.proof(3)).split('\n')[1]!;
    await refused(proof.replace(/^extra .*$/m, other), 'not-included');
    await refused(proof.replace('index 4', 'index 5'), 'not-included');
    await refused(proof.replace('index 4', 'index 8'), 'not-included');
    const checkpoint = await log.withEntries(log.entries.slice(0, 7)).checkpoint();
    await refused(`${proof.slice(0, proof.indexOf('\n\n'))}\n\n${checkpoint}`, 'not-included');
    const [text, signature] = [checkpoint.split('\n\n')[0], proof.split('\n\n')[2]];
    await refused(`${proof.slice(0, proof.indexOf('\n\n'))}\n\n${text}\n\n${signature}`, 'log-signature-wrong');
  });

  test('of no signature', async () => {
    await refused(await log.proof(7), 'entry-not-signed');
    await refused(proof.replace(/^extra .*\n/m, ''), 'entry-missing');
    await refused(proof.replace(/^extra .*$/m, 'extra e30='), 'proof-malformed');
    await refused('a receipt', 'proof-malformed');
  });

  test('with a key or a policy that is none, says which', async () => {
    await expect(verifyReceiptProof(bytesOf(proof), { vkey: 'nonsense' })).rejects.toMatchObject({
      name: 'Malformed',
      code: 'verifier-key',
    });
    await expect(verifyReceiptProof(bytesOf(proof), { policy: 'nonsense' })).rejects.toMatchObject({ code: 'policy' });
  });

  test('holds no bit that could be turned over', async () => {
    const bytes = bytesOf(proof);
    const crypto = { ...webCrypto, verifyEd25519 }; // node:crypto's: WebCrypto takes its time
    const survived: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      await verifyReceiptProof(flipped(bytes, bit), { vkey, crypto }).then(
        () => survived.push(bit),
        (error: unknown) => expect(error).toMatchObject({ name: 'ReceiptError' }),
      );
    }
    expect(survived).toEqual([]);
  });

  test('says so where Ed25519 cannot be checked', async () => {
    const subtle = Object.getOwnPropertyDescriptor(globalThis, 'crypto')!;
    Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
    try {
      await refused(proof, 'ed25519-unavailable');
    } finally {
      Object.defineProperty(globalThis, 'crypto', subtle);
    }
  });
});

describe('a receipt and a proof', () => {
  let proven: VerifiedProof;
  let claims: ReceiptClaims;
  beforeAll(async () => {
    proven = await verifyReceiptProof(bytesOf(proof), { vkey });
    claims = receiptClaims({
      issuer: 'https://petitions.example.org',
      petition,
      statementHash: new Uint8Array(32),
      nym: signed(5).nym,
      day,
      department: '2A',
      log: { origin, index: 4 },
    });
  });

  test('belong together', () => {
    verifyBoth({ claims }, proven);
    const { department: _, ...without } = claims;
    verifyBoth({ claims: without }, { ...proven, entry: { ...proven.entry, department: null } });
  });

  test.each([
    ['petition-differs', { petition: '01m7k8m0n1ew6076n6rar3zv8b' }],
    ['nym-differs', { sub: signed(6).nym }],
    ['department-differs', { department: '2B' }],
    ['day-differs', { day: '2026-11-20' }],
    ['evidence-differs', { evidence: 'A'.repeat(43) }],
    ['origin-differs', { log: { origin: 'other.example.org/log', index: 4 } }],
    ['index-differs', { log: { origin, index: 5 } }],
  ] as const)('do not: %s', (code, change) => {
    expect(() => verifyBoth({ claims: { ...claims, ...change } }, proven)).toThrow(
      expect.objectContaining({ name: 'ReceiptError', code }),
    );
  });
});
