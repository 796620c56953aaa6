import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { CompactSign } from 'jose';
import { describe, expect, test } from 'vitest';
import { KeySet, UnverifiedSignature } from '../../src/identity/key-set.ts';

const ec = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength = 2048) => generateKeyPairSync('rsa', { modulusLength });
const ours = ec();
const theirs = rsa();

const jwk = (key: KeyObject, members: object = {}) => ({ ...key.export({ format: 'jwk' }), ...members });
const token = (key: KeyObject, header: { alg: string; kid?: string }) =>
  new CompactSign(Buffer.from('{"sub":"someone"}')).setProtectedHeader(header).sign(key);
const verifying = (keys: readonly unknown[], jwt: string) => () => new KeySet(keys).verify(jwt);

describe('a signature', () => {
  test('of either algorithm verifies under the key that it names, or the only one', async () => {
    const keys = [jwk(ours.publicKey, { kid: 'a' }), jwk(theirs.publicKey, { kid: 'b', use: 'sig', alg: 'RS256' })];
    for (const kid of [{ kid: 'a' }, {}]) {
      expect(verifying(keys, await token(ours.privateKey, { alg: 'ES256', ...kid }))).not.toThrow();
    }
    expect(verifying(keys, await token(theirs.privateKey, { alg: 'RS256', kid: 'b' }))).not.toThrow();
  });

  test('verifies whatever zeros and high bits its numbers begin with', () => {
    const keys = new KeySet([jwk(ours.publicKey)]);
    const header = Buffer.from('{"alg":"ES256"}').toString('base64url');
    const firstBytes = new Set<string>();
    while (firstBytes.size < 3) {
      const input = `${header}.${randomBytes(8).toString('base64url')}`;
      const joined = sign('sha256', Buffer.from(input), { key: ours.privateKey, dsaEncoding: 'ieee-p1363' });
      for (const byte of [joined[0]!, joined[32]!]) firstBytes.add(byte === 0 ? 'zero' : byte < 0x80 ? 'low' : 'high');
      expect(() => keys.verify(`${input}.${joined.toString('base64url')}`)).not.toThrow();
    }
  });

  test('with one bit changed, cut, padded, in another spelling or all zeros does not', async () => {
    const keys = [jwk(ours.publicKey)];
    const jwt = await token(ours.privateKey, { alg: 'ES256' });
    const [header, payload, signature = ''] = jwt.split('.');
    const bytes = Buffer.from(signature, 'base64url');
    for (let bit = 0; bit < 512; bit += 7) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const forged = `${header}.${payload}.${changed.toString('base64url')}`;
      expect(verifying(keys, forged)).toThrow(UnverifiedSignature);
    }
    const others = ['', signature.slice(0, -2), `${signature}AA`, `${signature}=`, `${signature}\n`, 'A'.repeat(86)];
    for (const other of others) expect(verifying(keys, `${header}.${payload}.${other}`)).toThrow(UnverifiedSignature);
    expect(verifying(keys, `${header}.${payload}x.${signature}`)).toThrow(UnverifiedSignature);
    expect(verifying(keys, jwt)).not.toThrow();
  });
});

describe('a key', () => {
  const isRefused = async (keys: readonly unknown[], header: { alg: string; kid?: string }, key = ours.privateKey) =>
    expect(verifying(keys, await token(key, header))).toThrow(UnverifiedSignature);

  test('that is not there, is another, or is one of two for one name', async () => {
    await isRefused([], { alg: 'ES256' });
    await isRefused([jwk(ours.publicKey, { kid: 'a' })], { alg: 'ES256', kid: 'b' });
    await isRefused([jwk(ours.publicKey)], { alg: 'ES256', kid: 'b' });
    await isRefused([jwk(ec().publicKey)], { alg: 'ES256' });
    await isRefused([jwk(ours.publicKey), jwk(ec().publicKey)], { alg: 'ES256' });
  });

  test.each([{ use: 'enc' }, { key_ops: ['sign'] }, { key_ops: 'verify' }, { alg: 'ES384' }, { alg: 'RS256' }])(
    'that is for something else: %j',
    (members) => isRefused([jwk(ours.publicKey, members)], { alg: 'ES256' }),
  );

  test('of the other algorithm, of another curve, or an RSA key below 2048 bits', async () => {
    await isRefused([jwk(theirs.publicKey)], { alg: 'ES256' });
    const p384 = ec('P-384');
    await isRefused([jwk(p384.publicKey)], { alg: 'ES384' }, p384.privateKey);
    const short = rsa(1024);
    const input = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.e30`;
    const signature = sign('sha256', Buffer.from(input), short.privateKey).toString('base64url');
    expect(verifying([jwk(short.publicKey)], `${input}.${signature}`)).toThrow(UnverifiedSignature);
  });

  test('as a secret: nobody signs with what was published', async () => {
    const secret = createPublicKey(ours.privateKey).export({ type: 'spki', format: 'pem' });
    const hmac = await new CompactSign(Buffer.from('{}'))
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(String(secret)));
    const keys = [jwk(ours.publicKey), { kty: 'oct', k: Buffer.from(String(secret)).toString('base64url') }];
    expect(verifying(keys, hmac)).toThrow(UnverifiedSignature);
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`;
    expect(verifying(keys, none)).toThrow(UnverifiedSignature);
  });
});
