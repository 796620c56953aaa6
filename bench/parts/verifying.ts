/** Receipts verified as a petition site verifies them, with the gateway's keys at hand, and the bare ES256 verification. */
import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { compactVerify, createLocalJWKSet } from 'jose';
import { parisDay } from '../../src/clock.ts';
import { type Nym, nymFromBytes } from '../../src/person/nym.ts';
import { computeReceipt } from '../../src/receipt/compute.ts';
import { generateReceiptKeys, loadReceiptKeys } from '../../src/receipt/keys.ts';
import { requireReceipt, verifyReceipt } from '../../src/receipt/verify.ts';
import { answer, cpuMs } from '../part.ts';

const ISSUER = 'https://petitions.example.org';
const CLIENT_ID = '01k9x3v7c8r5q2w4t6y8z0abce';
const DISTINCT = 500;
const keys = await loadReceiptKeys(generateReceiptKeys());
// What a site holds: the key set as it came over the wire.
const jwks = JSON.parse(JSON.stringify(keys.jwks));
const receipts = await Promise.all(Array.from({ length: DISTINCT }, () => receiptOf(nymFromBytes(randomBytes(32)))));

const bare = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signed = receipts.map((receipt) => {
  const input = Buffer.from(receipt.slice(0, receipt.lastIndexOf('.')));
  return { input, signature: sign('sha256', input, bare.privateKey) };
});

const localKeys = createLocalJWKSet(jwks);
const middleware = requireReceipt<{ receipt?: unknown; jws: string }>({
  issuer: ISSUER,
  clientId: CLIENT_ID,
  jwks,
  read: ({ jws }) => jws,
});
const nowhere = { statusCode: 200, setHeader() {}, end() {} };

answer({
  middleware: ({ count }: { count: number }) =>
    timed(async () => {
      let passed = 0;
      for (let i = 0; i < count; i++) {
        await middleware({ jws: receipts[i % DISTINCT] ?? '' } as never, nowhere, () => void passed++);
      }
      if (passed !== count) throw new Error('a receipt was refused');
    }),

  jose: ({ count }: { count: number }) =>
    timed(async () => {
      for (let i = 0; i < count; i++) await compactVerify(receipts[i % DISTINCT] ?? '', localKeys);
    }),

  receipts: ({ count }: { count: number }) =>
    timed(async () => {
      for (let i = 0; i < count; i++) await verifyReceipt(receipts[i % DISTINCT] ?? '', { issuer: ISSUER, jwks });
    }),

  signatures: ({ count }: { count: number }) =>
    timed(() => {
      for (let i = 0; i < count; i++) {
        const { input, signature } = signed[i % DISTINCT] ?? { input: Buffer.alloc(0), signature: Buffer.alloc(0) };
        if (!verify('sha256', input, bare.publicKey, signature)) throw new Error('a signature does not verify');
      }
    }),
});

function receiptOf(nym: Nym): string {
  return computeReceipt(keys, {
    issuer: ISSUER,
    petition: '01k9x3v7c8r5q2w4t6y8z0abcd',
    statementHash: randomBytes(32),
    nym,
    day: parisDay(new Date()),
    department: '75',
    log: { origin: 'petitions.example.org/log', index: 49_000_000 },
    audience: CLIENT_ID,
  });
}

async function timed(work: () => Promise<void> | void): Promise<{ seconds: number; cpu: number }> {
  const [begin, cpu] = [performance.now(), cpuMs()];
  await work();
  return { seconds: (performance.now() - begin) / 1000, cpu: cpuMs() - cpu };
}
