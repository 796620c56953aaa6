/** What a petition site does with receipts: its own alone, offline, across rotations, as middleware; and their state now. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import express from 'express';
import type { JSONWebKeySet } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Day, parseDay } from '../../src/clock.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { computeReceipt } from '../../src/receipt/compute.ts';
import { generateReceiptKeys, loadReceiptKeys, type ReceiptKeys, rotateReceiptKeys } from '../../src/receipt/keys.ts';
import {
  fetchSignatureStatus,
  requireReceipt,
  type VerifiedReceipt,
  verifySiteReceipt,
} from '../../src/receipt/verify.ts';
import { withAnotherSignature } from '../fakes/forged.ts';

const clientId = '01m7k8m0n1ew6076n6rar3zv8s';
const petition = '01m7k8m0n1ew6076n6rar3zv8a';
const first = generateReceiptKeys();
let keys: ReceiptKeys;
let jwks: JSONWebKeySet;
let gateway: Server;
let issuer: string;
let fetched = 0;

beforeAll(async () => {
  keys = await loadReceiptKeys(first);
  jwks = keys.jwks as JSONWebKeySet;
  const app = express();
  app.get('/.well-known/jwks.json', (_req, res) => {
    fetched++;
    res.json(jwks);
  });
  app.get('/api/petitions/jardins/signatures/:nym', (req, res) => {
    res.json({ state: req.params.nym.startsWith('A') ? 'active' : 'withdrawn', index: 7, checkpoint: null });
  });
  gateway = createServer(app);
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(gateway.address() as { port: number }).port}`;
});
afterAll(() => gateway.close());

const receiptFor = (audience: string | undefined, signing = keys) =>
  computeReceipt(signing, {
    issuer,
    petition,
    statementHash: randomBytes(32),
    nym: nymFromBytes(randomBytes(32)),
    day: parseDay('2026-11-21') as Day,
    department: undefined,
    log: { origin: 'petitions.example.org/log', index: 41 },
    audience,
  });

describe('a site accepts', () => {
  test('the receipts that were issued to it, and fetches the keys once for all of them', async () => {
    fetched = 0;
    for (const name of [issuer, `${issuer}/oidc`]) {
      expect((await verifySiteReceipt(receiptFor(clientId), { issuer: name, clientId, petition })).claims.aud).toBe(
        clientId,
      );
    }
    await Promise.all(Array.from({ length: 20 }, () => verifySiteReceipt(receiptFor(clientId), { issuer, clientId })));
    expect(fetched).toBe(1);
  });

  test.each([
    ['of another site', '01m7k8m0n1ew6076n6rar3zv8z'],
    ['of none', undefined],
  ])('no receipt %s', async (_of, audience) => {
    const options = { issuer, clientId, jwks };
    await expect(verifySiteReceipt(receiptFor(audience), options)).rejects.toMatchObject({ code: 'wrong-audience' });
  });

  test('none at all without saying who it is', async () => {
    expect(() => verifySiteReceipt(receiptFor(undefined), { issuer, clientId: '', jwks })).toThrow(TypeError);
    expect(() => verifySiteReceipt(receiptFor(undefined), { issuer, jwks } as never)).toThrow(TypeError);
  });

  test('those of before and after a rotation of the keys', async () => {
    const old = receiptFor(clientId);
    const rotated = await loadReceiptKeys(rotateReceiptKeys(first));
    const both = rotated.jwks as JSONWebKeySet;
    for (const receipt of [old, receiptFor(clientId, rotated)]) {
      await expect(verifySiteReceipt(receipt, { issuer, clientId, jwks: both })).resolves.toBeDefined();
    }
  });
});

describe('a site that has fetched the keys an instant before they are rotated', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => {
    vi.useRealTimers();
    jwks = keys.jwks as JSONWebKeySet;
  });

  test('accepts the first receipt of the new key, which was published before it signed', async () => {
    vi.advanceTimersByTime(3_600_000); // whatever was fetched before is too old
    await verifySiteReceipt(receiptFor(clientId), { issuer, clientId });
    const rotated = await loadReceiptKeys(rotateReceiptKeys(first));
    jwks = rotated.jwks as JSONWebKeySet;
    vi.advanceTimersByTime(2_500);
    await verifySiteReceipt(receiptFor(clientId, rotated), { issuer, clientId });
  });

  test('asks once, whoever shows how many receipts of unknown keys', async () => {
    vi.advanceTimersByTime(7_200_000);
    await verifySiteReceipt(receiptFor(clientId), { issuer, clientId });
    vi.advanceTimersByTime(2_500);
    fetched = 0;
    const stranger = await loadReceiptKeys(generateReceiptKeys());
    for (let i = 0; i < 100; i++) {
      const forged = verifySiteReceipt(receiptFor(clientId, stranger), { issuer, clientId });
      await expect(forged).rejects.toMatchObject({ code: 'unknown-key' });
    }
    expect(fetched).toBe(1);
  });
});

describe('the middleware', () => {
  test('lets a request with a receipt through, and answers every other with the code of what is wrong', async () => {
    type Asking = express.Request & { receipt?: VerifiedReceipt };
    const site = express();
    const guard = requireReceipt<Asking>({ issuer, clientId, read: (req) => req.get('x-receipt') });
    site.get('/votes', guard, (req: Asking, res) => void res.json({ nym: req.receipt?.claims.sub }));
    const server = site.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/votes`;
    const ask = async (receipt?: string) => {
      const response = await fetch(url, { headers: receipt === undefined ? {} : { 'x-receipt': receipt } });
      return { status: response.status, ...((await response.json()) as object) };
    };
    expect(await ask(receiptFor(clientId))).toMatchObject({ status: 200, nym: expect.stringMatching(/^[\w-]{43}$/) });
    expect(await ask()).toMatchObject({ status: 401, code: 'malformed' });
    expect(await ask(receiptFor('another'))).toMatchObject({ status: 401, code: 'wrong-audience' });
    expect(await ask(withAnotherSignature(receiptFor(clientId)))).toMatchObject({ status: 401 });
    server.close();
  });
});

describe('the state of a signature now', () => {
  test('is asked of the gateway, by petition and pseudonym', async () => {
    const ask = (nym: string) => fetchSignatureStatus({ issuer: `${issuer}/oidc`, petition: 'jardins', nym });
    expect(await ask('AAAA')).toEqual({ state: 'active', index: 7 });
    expect(await ask('BBBB')).toEqual({ state: 'withdrawn', index: 7 });
  });

  test('is not made up when the gateway does not answer', async () => {
    const ask = (of: string) => fetchSignatureStatus({ issuer: of, petition: 'nothing', nym: 'AAAA' });
    await expect(ask(issuer)).rejects.toMatchObject({ code: 'status-unavailable' });
    await expect(ask('http://127.0.0.1:9')).rejects.toMatchObject({ code: 'status-unavailable' });
  });
});
