/**
 * c2sp.org/tlog-cosignature, Ed25519 (`cosignature/v1`, type 04): a witness states that at a time the largest tree it saw
 * of a log had this head. The signed text does not name the witness, so a key serves one witness only.
 */
import { Malformed } from './errors.ts';
import {
  ED25519_COSIGNATURE,
  type Ed25519Sign,
  type Ed25519Verify,
  type NoteSignature,
  type Signer,
  type Verifier,
  type VerifierKey,
} from './note.ts';
import { concat, utf8 } from './text.ts';

const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** @param time seconds since 1970 @param text the checkpoint's whole text, extension lines included */
export function cosignedMessage(time: number, text: string): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`);
}

export function cosignatureVerifier(key: VerifierKey, verify: Ed25519Verify): Verifier {
  checkType(key);
  return {
    name: key.name,
    id: key.id,
    verify(text, bytes) {
      const time = readTime(bytes);
      return time !== undefined && verify(key.publicKey, cosignedMessage(time, text), bytes.subarray(TIME_BYTES));
    },
  };
}

/** Signs checkpoints as of one moment. */
export function cosigner(key: VerifierKey, sign: Ed25519Sign, time: number): Signer {
  checkType(key);
  if (!Number.isSafeInteger(time) || time <= 0) throw new RangeError('a cosignature has a time in whole seconds');
  return {
    name: key.name,
    id: key.id,
    sign: async (text) => {
      const bytes = new Uint8Array(TIME_BYTES);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(time));
      return concat(bytes, await sign(cosignedMessage(time, text)));
    },
  };
}

/** When a cosignature was made, in seconds since 1970. @throws Malformed `cosignature` */
export function cosignatureTime({ bytes }: NoteSignature): number {
  const time = readTime(bytes);
  if (time === undefined) throw new Malformed('cosignature', 'not a time and an Ed25519 signature');
  return time;
}

function readTime(bytes: Uint8Array): number | undefined {
  if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const time = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0));
  return Number.isSafeInteger(time) ? time : undefined;
}

function checkType(key: VerifierKey): void {
  if (key.type !== ED25519_COSIGNATURE) {
    throw new Malformed('verifier-key', `${key.name}: type ${key.type} is not an Ed25519 cosignature's`);
  }
}
