/**
 * The log's Ed25519 key, in the one line that Go's `note` package writes: `PRIVATE+KEY+<name>+<id>+<base64(type || seed)>`.
 * Its name is the log's origin, fixed when it is made.
 */
import { randomBytes } from 'node:crypto';
import { ed25519Pair, sha256, verifyEd25519 } from '../node-crypto.ts';
import { decodeBase64, encodeBase64 } from '../tlog/base64.ts';
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

export type LogKey = {
  readonly origin: string;
  readonly vkey: string;
  readonly verifierKey: VerifierKey;
  readonly signer: Signer;
  readonly verifier: Verifier;
};

/** The name of a gateway's log: host and path, without scheme. */
export function logOrigin(gateway: string): string {
  return `${new URL(gateway).host}/log`;
}

export function generateLogKey(origin: string): string {
  const seed = randomBytes(32);
  const { id } = verifierKeyOf(origin, ed25519Pair(seed).publicKey);
  return `PRIVATE+KEY+${origin}+${id.toString(16).padStart(8, '0')}+${encodeBase64(concat(Uint8Array.of(ED25519), seed))}`;
}

/** @returns `undefined` for a text that is no such key */
export function parseLogKey(text: string): LogKey | undefined {
  const [, origin = '', id, base64 = ''] = /^PRIVATE\+KEY\+([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const blob = decodeBase64(base64);
  if (blob?.length !== 33 || blob[0] !== ED25519) return undefined;
  const { publicKey, sign } = ed25519Pair(blob.subarray(1));
  const verifierKey = verifierKeyOf(origin, publicKey);
  if (verifierKey.id !== Number.parseInt(id ?? '', 16)) return undefined;
  return {
    origin,
    vkey: formatVerifierKey(verifierKey),
    verifierKey,
    signer: ed25519Signer(verifierKey, sign),
    verifier: ed25519Verifier(verifierKey, verifyEd25519),
  };
}

function verifierKeyOf(origin: string, publicKey: Uint8Array): VerifierKey {
  return makeVerifierKey(sha256, origin, ED25519, publicKey);
}
