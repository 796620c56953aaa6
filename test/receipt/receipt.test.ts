import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';
import fc from 'fast-check';
import type { JSONWebKeySet } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Day, parisMidnight, parseDay } from '../../src/clock.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { computeReceipt, receiptClaims, type SignedFacts } from '../../src/receipt/compute.ts';
import { generateReceiptKeys, loadReceiptKeys, type ReceiptKeys, rotateReceiptKeys } from '../../src/receipt/keys.ts';
import { type ReceiptErrorCode, verifyReceipt } from '../../src/receipt/verify.ts';

const issuer = 'https://petitions.example.org';
const petition = '01m7k8m0n1ew6076n6rar3zv8a';
const facts: SignedFacts = {
  issuer,
  petition,
  statementHash: randomBytes(32),
  nym: nymFromBytes(randomBytes(32)),
  day: parseDay('2026-11-21') as Day,
  department: '2A',
  log: { origin: 'petitions.example.org/log', index: 41 },
};

const stored = generateReceiptKeys();
let keys: ReceiptKeys;
let jwks: JSONWebKeySet;
let receipt: string;
beforeAll(async () => {
  keys = await loadReceiptKeys(stored);
  jwks = keys.jwks as JSONWebKeySet;
  receipt = computeReceipt(keys, facts);
});

const refused = (jws: string, code: ReceiptErrorCode, options: object = {}) =>
  expect(verifyReceipt(jws, { issuer, jwks, ...options })).rejects.toMatchObject({ name: 'ReceiptError', code });

const part = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A compact JWS over any header and payload, really signed. */
function forge(header: unknown, payload: unknown, key: KeyObject = keys.privateKey): string {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
const header = () => ({ alg: 'ES256', typ: 'receipt+jwt', kid: keys.kid });

describe('a receipt', () => {
  test('says what the contract says, in Paris’s day', async () => {
    const { claims, kid } = await verifyReceipt(receipt, { issuer, jwks, petition });
    expect(kid).toBe(keys.kid);
    expect(claims).toEqual({
      iss: issuer,
      sub: facts.nym,
      iat: parisMidnight(facts.day),
      petition,
      statement: Buffer.from(facts.statementHash).toString('hex'),
      day: '2026-11-21',
      department: '2A',
      evidence: null,
      log: { origin: 'petitions.example.org/log', index: 41 },
    });
    expect(new Date(claims.iat * 1000).toISOString()).toBe('2026-11-20T23:00:00.000Z');
  });

  test('asks for no département where the petition asks for none', () => {
    expect(receiptClaims({ ...facts, department: undefined })).not.toHaveProperty('department');
  });

  test('gives the same claims whenever it is asked for', async () => {
    const again = computeReceipt(keys, facts);
    expect(again.split('.').slice(0, 2)).toEqual(receipt.split('.').slice(0, 2));
  });

  test('verifies after a rotation, and so does a new one', async () => {
    const rotated = rotateReceiptKeys(rotateReceiptKeys(stored));
    expect(rotated.retired).toHaveLength(2);
    expect(rotated.retired.every((key) => key.d === undefined)).toBe(true);
    const next = await loadReceiptKeys(rotated);
    const nextJwks = next.jwks as JSONWebKeySet;
    expect(nextJwks.keys.every((key) => key.d === undefined)).toBe(true);
    await verifyReceipt(receipt, { issuer, jwks: nextJwks });
    const { kid } = await verifyReceipt(computeReceipt(next, facts), { issuer, jwks: nextJwks });
    expect(kid).not.toBe(keys.kid);
  });

  test('is checked with the keys that its issuer publishes, when only the issuer is trusted', async () => {
    let fetched = 0;
    const server = createServer((req, res) => {
      fetched += 1;
      res.writeHead(req.url === '/.well-known/jwks.json' ? 200 : 404, { 'content-type': 'application/json' });
      res.end(JSON.stringify(jwks));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address() as { port: number };
    const local = `http://127.0.0.1:${address.port}`;
    const own = computeReceipt(keys, { ...facts, issuer: local });
    for (let i = 0; i < 3; i++) await verifyReceipt(own, { issuer: local });
    expect(fetched).toBe(1);
    server.close();
    await refused(own, 'keys-unavailable', { issuer: 'http://127.0.0.1:1', jwks: undefined });
  });
});

describe('what is not a receipt is refused, each for its own reason', () => {
  test('another issuer, petition or audience', async () => {
    await refused(receipt, 'wrong-issuer', { issuer: 'https://petitions.example.com' });
    await refused(receipt, 'wrong-issuer', { issuer: `${issuer}/` });
    await refused(receipt, 'wrong-petition', { petition: '01m7k8m0n1ew6076n6rar3zv8b' });
    await refused(receipt, 'wrong-audience', { audience: 'site' });
    const forSite = forge(header(), { ...receiptClaims(facts), aud: 'site' });
    await refused(forSite, 'wrong-audience', { audience: 'other-site' });
    expect((await verifyReceipt(forSite, { issuer, jwks, audience: 'site' })).claims.aud).toBe('site');
  });

  test('another key, whatever its name', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await refused(forge(header(), receiptClaims(facts), privateKey), 'wrong-signature');
    await refused(forge({ ...header(), kid: 'someone' }, receiptClaims(facts), privateKey), 'unknown-key');
  });

  test('another type or algorithm, also one that the key could be misused for', async () => {
    await refused(forge({ ...header(), typ: 'JWT' }, receiptClaims(facts)), 'wrong-type');
    await refused(forge({ alg: 'ES256', kid: keys.kid }, receiptClaims(facts)), 'wrong-type');
    await refused(`${part({ ...header(), alg: 'none' })}.${part(receiptClaims(facts))}.AA`, 'wrong-algorithm');
    for (const alg of ['None', 'nOnE', 'RS256', 'ES384', 'ES256K', 'EdDSA']) {
      await refused(forge({ ...header(), alg }, receiptClaims(facts)), 'wrong-algorithm');
    }
    const pem = createPublicKey(keys.privateKey).export({ type: 'spki', format: 'pem' });
    const input = `${part({ ...header(), alg: 'HS256' })}.${part(receiptClaims(facts))}`;
    const mac = createHmac('sha256', pem).update(input).digest('base64url');
    await refused(`${input}.${mac}`, 'wrong-algorithm');
  });

  test('keys that come with the token itself count for nothing', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = publicKey.export({ format: 'jwk' });
    await refused(forge({ ...header(), jwk }, receiptClaims(facts), privateKey), 'wrong-signature');
    await refused(
      forge({ ...header(), kid: 'x', jku: 'http://127.0.0.1:1/' }, receiptClaims(facts), privateKey),
      'unknown-key',
    );
    await refused(forge({ ...header(), crit: ['x'], x: 1 }, receiptClaims(facts)), 'malformed');
    await refused(forge({ ...header(), b64: false, crit: ['b64'] }, receiptClaims(facts)), 'malformed');
  });

  test('zeros for a signature', async () => {
    await refused(
      `${receipt.split('.').slice(0, 2).join('.')}.${Buffer.alloc(64).toString('base64url')}`,
      'wrong-signature',
    );
  });

  test('another spelling of the same bytes', async () => {
    const last = receipt.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = receipt.slice(0, -1) + alphabet[alphabet.indexOf(last) ^ 1];
    expect(Buffer.from(twin.split('.')[2] ?? '', 'base64url')).toEqual(
      Buffer.from(receipt.split('.')[2] ?? '', 'base64url'),
    );
    await refused(twin, 'not-canonical');
    await refused(`${receipt}=`, 'malformed');
    expect((await verifyReceipt(` ${receipt}\n`, { issuer, jwks })).kid).toBe(keys.kid);
  });

  test('things that only look alike', async () => {
    for (const jws of [
      '',
      '.',
      '..',
      'a.b',
      `${receipt}.a`,
      receipt.replace('.', '!.'),
      'a'.repeat(10_000),
      part({}).repeat(3),
    ]) {
      await refused(jws, 'malformed');
    }
    await refused(forge(header(), 'not JSON'), 'malformed');
    await refused(forge(header(), '[]'), 'malformed');
    await refused(`${part('not JSON')}.${part({})}.AA`, 'malformed');
  });

  test.each(['iss', 'sub', 'iat', 'petition', 'statement', 'day', 'evidence', 'log'])(
    'a receipt without %s',
    async (claim) => {
      await refused(forge(header(), { ...receiptClaims(facts), [claim]: undefined }), 'malformed');
    },
  );

  test.each([{}, null, 'log', [], { origin: '', index: 1 }, { origin: 'x/log' }, { origin: 'x/log', index: -1 }])(
    'a receipt whose place in the log is %j',
    async (log) => {
      await refused(forge(header(), { ...receiptClaims(facts), log }), 'malformed');
    },
  );

  test('any single changed character', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(receipt.length - 1), fc.constantFrom(...'AQgw5-_.'), async (at, character) => {
        fc.pre(receipt[at] !== character);
        const changed = receipt.slice(0, at) + character + receipt.slice(at + 1);
        await expect(verifyReceipt(changed, { issuer, jwks })).rejects.toMatchObject({ name: 'ReceiptError' });
      }),
      { numRuns: 200 },
    );
  });
});
