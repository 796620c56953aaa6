/**
 * The log's Ed25519 key, in the one line that Go's `note` package writes: `PRIVATE+KEY+<name>+<id>+<base64(type || seed)>`.
 * Its name is the log's origin, fixed when it is made.
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { decodeBase64, encodeBase64 } from '../tlog/base64.ts';
import { treeHashing } from '../tlog/merkle.ts';
import {
  ED25519,
  ed25519Signer,
  ed25519Verifier,
  formatVerifierKey,
  makeVerifierKey,
  type Signer,
  type Verifier,
  type VerifierKey,
} from '../tlog/note.ts';
import { concat } from '../tlog/text.ts';

export const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer');
export const hashing = treeHashing(sha256);

export type LogKey = {
  readonly origin: string;
  readonly vkey: string;
  readonly verifierKey: VerifierKey;
  readonly signer: Signer;
  readonly verifier: Verifier;
};

/** PKCS #8 of an Ed25519 key, but for its 32-byte seed (RFC 8410 §7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
/** SubjectPublicKeyInfo of an Ed25519 key, but for its 32 bytes (RFC 8410 §4). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** The name of a gateway's log: host and path, without scheme. */
export function logOrigin(gateway: string): string {
  return `${new URL(gateway).host}/log`;
}

export function generateLogKey(origin: string): string {
  const seed = randomBytes(32);
  const { id } = verifierKeyOf(origin, privateKeyOf(seed));
  return `PRIVATE+KEY+${origin}+${id.toString(16).padStart(8, '0')}+${encodeBase64(concat(Uint8Array.of(ED25519), seed))}`;
}

/** @returns `undefined` for a text that is no such key */
export function parseLogKey(text: string): LogKey | undefined {
  const [, origin = '', id, base64 = ''] = /^PRIVATE\+KEY\+([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const blob = decodeBase64(base64);
  if (blob?.length !== 33 || blob[0] !== ED25519) return undefined;
  const privateKey = privateKeyOf(blob.subarray(1));
  const verifierKey = verifierKeyOf(origin, privateKey);
  if (verifierKey.id !== Number.parseInt(id ?? '', 16)) return undefined;
  return {
    origin,
    vkey: formatVerifierKey(verifierKey),
    verifierKey,
    signer: ed25519Signer(verifierKey, (message) => sign(null, message, privateKey)),
    verifier: ed25519Verifier(verifierKey, verifyEd25519),
  };
}

export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

function verifierKeyOf(origin: string, privateKey: KeyObject): VerifierKey {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return makeVerifierKey(sha256, origin, ED25519, new Uint8Array(spki.subarray(SPKI.length)));
}
