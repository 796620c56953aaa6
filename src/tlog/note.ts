/**
 * c2sp.org/signed-note: a text and the signatures of those who stand by it.
 * A text means nothing until a known key's signature on it was verified. Whatever is not exactly of the format is
 * refused, base64 included; lines of unknown keys are carried along and prove nothing.
 */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { Malformed, Unproven } from './errors.ts';
import type { Sha256 } from './merkle.ts';
import { concat, decodeUtf8, utf8 } from './text.ts';

/** `bytes` is what follows the key id: for Ed25519 the signature, for a cosignature its time and the signature. */
export type NoteSignature = { readonly name: string; readonly id: number; readonly bytes: Uint8Array };
export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] };

export const ED25519 = 0x01;
export const ED25519_COSIGNATURE = 0x04;

/** A key as others are told to trust it: `name+hex(id)+base64(type || publicKey)`. */
export type VerifierKey = {
  readonly name: string;
  readonly id: number;
  readonly type: number;
  readonly publicKey: Uint8Array;
};

/**
 * Whoever checks a signature may answer at once (`node:crypto`) or later (WebCrypto): both are awaited, and a few
 * signatures a checkpoint never were what takes the time.
 */
export type Ed25519Verify = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;
export type Ed25519Sign = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

export type Verifier = {
  readonly name: string;
  readonly id: number;
  verify(text: string, signature: Uint8Array): boolean | Promise<boolean>;
};
export type Signer = {
  readonly name: string;
  readonly id: number;
  sign(text: string): Uint8Array | Promise<Uint8Array>;
};

/** The specification asks for 16 at least; Go's reference takes 100. */
const MOST_SIGNATURES = 100;

/** @throws Malformed `note-text` | `note-signature` | `key-name` */
export function parseNote(bytes: Uint8Array): Note {
  const whole = decodeUtf8(bytes);
  if (whole === undefined) throw new Malformed('note-text', 'not UTF-8');
  if (hasControl(whole)) throw new Malformed('note-text', 'it holds a control character');
  // The last one: the text may hold empty lines.
  const blank = whole.lastIndexOf('\n\n');
  if (blank === -1) throw new Malformed('note-text', 'no blank line before its signatures');
  return { text: whole.slice(0, blank + 1), signatures: parseSignatures(whole.slice(blank + 2)) };
}

/** One or more signature lines. @throws Malformed `note-signature` | `key-name` */
export function parseSignatures(lines: string): readonly NoteSignature[] {
  if (!lines.endsWith('\n')) throw new Malformed('note-signature', 'no signature, or its last line does not end');
  const signatures = lines.slice(0, -1).split('\n');
  if (signatures.length > MOST_SIGNATURES) throw new Malformed('note-signature', `${signatures.length} of them`);
  return signatures.map(parseSignature);
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = '', base64 = '', ...rest] = line.split(' ');
  if (dash !== '\u2014' || rest.length > 0) throw new Malformed('note-signature', 'a line of another form');
  checkKeyName(name);
  const blob = decodeBase64(base64);
  if (blob === undefined || blob.length < 5) throw new Malformed('note-signature', `${name}: not canonical base64`);
  return { name, id: readId(blob), bytes: blob.slice(4) };
}

export function formatNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(formatSignature).join('')}`;
}

export function formatSignature({ name, id, bytes }: NoteSignature): string {
  return `\u2014 ${name} ${encodeBase64(concat(idBytes(id), bytes))}\n`;
}

/**
 * A key of one of the two types that are verified here; a key of another type could only ever be ignored.
 * @throws Malformed `verifier-key` | `key-name`, also when the id is not that of the key
 */
export function parseVerifierKey(sha256: Sha256, text: string): VerifierKey {
  // The key's own base64 may hold a plus sign.
  const [, name = '', hex, base64 = ''] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? [];
  const blob = decodeBase64(base64);
  const type = blob?.[0];
  if (hex === undefined || blob === undefined) throw new Malformed('verifier-key', 'not name+id+base64');
  if (type !== ED25519 && type !== ED25519_COSIGNATURE) throw new Malformed('verifier-key', `of type ${type}`);
  if (blob.length !== 33) throw new Malformed('verifier-key', 'an Ed25519 key has 32 bytes');
  const key = makeVerifierKey(sha256, name, type, blob.slice(1));
  if (key.id !== Number.parseInt(hex, 16)) throw new Malformed('verifier-key', `${hex} is not its id`);
  return key;
}

export function formatVerifierKey({ name, id, type, publicKey }: VerifierKey): string {
  return `${name}+${id.toString(16).padStart(8, '0')}+${encodeBase64(concat(Uint8Array.of(type), publicKey))}`;
}

/** @throws Malformed `key-name` */
export function makeVerifierKey(sha256: Sha256, name: string, type: number, publicKey: Uint8Array): VerifierKey {
  checkKeyName(name);
  return { name, id: keyId(sha256, name, type, publicKey), type, publicKey };
}

function keyId(sha256: Sha256, name: string, type: number, publicKey: Uint8Array): number {
  return readId(sha256(concat(utf8(`${name}\n`), Uint8Array.of(type), publicKey)));
}

export function ed25519Verifier(key: VerifierKey, verify: Ed25519Verify): Verifier {
  if (key.type !== ED25519) throw new Malformed('verifier-key', `${key.name}: type ${key.type} is not Ed25519`);
  return {
    name: key.name,
    id: key.id,
    verify: (text, signature) => signature.length === 64 && verify(key.publicKey, utf8(text), signature),
  };
}

export function ed25519Signer(key: VerifierKey, sign: Ed25519Sign): Signer {
  if (key.type !== ED25519) throw new Malformed('verifier-key', `${key.name}: type ${key.type} is not Ed25519`);
  return { name: key.name, id: key.id, sign: (text) => sign(utf8(text)) };
}

/** A note with one signature of each signer, in their order. @throws Malformed `note-text` for a text no note can hold */
export async function signNote(text: string, signers: readonly Signer[]): Promise<Note> {
  if (!text.endsWith('\n') || hasControl(text) || !text.isWellFormed()) {
    throw new Malformed('note-text', 'a text ends its last line and holds no control character');
  }
  const signatures: NoteSignature[] = [];
  for (const signer of signers) {
    signatures.push({ name: signer.name, id: signer.id, bytes: await signer.sign(text) });
  }
  return { text, signatures };
}

/** A signature that was verified, and who stands behind it. */
export type Verified<V extends Verifier> = { readonly verifier: V; readonly signature: NoteSignature };

/**
 * Verifies every signature of a known key, twice where it stands twice.
 * @returns those that hold, in the note's order; callers count distinct keys
 * @throws Unproven `signature-wrong` when one fails, `signature-missing` when no known key signed
 */
export async function verifyNote<V extends Verifier>(
  note: Note,
  verifiers: readonly V[],
): Promise<readonly Verified<V>[]> {
  const verified: Verified<V>[] = [];
  for (const signature of note.signatures) {
    for (const verifier of verifiers) {
      if (verifier.name !== signature.name || verifier.id !== signature.id) continue;
      if (!(await verifier.verify(note.text, signature.bytes))) throw new Unproven('signature-wrong', verifier.name);
      verified.push({ verifier, signature });
    }
  }
  if (verified.length === 0) throw new Unproven('signature-missing', 'by no known key');
  return verified;
}

/** @throws Malformed `key-name` */
export function checkKeyName(name: string): void {
  if (name === '' || /[\p{White_Space}+]/u.test(name) || hasControl(name) || !name.isWellFormed()) {
    throw new Malformed('key-name', JSON.stringify(name));
  }
}

/** Below U+0020, but for the newline. */
function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is control characters that are looked for
  return /[\u0000-\u0009\u000b-\u001f]/.test(text);
}

function readId(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

function idBytes(id: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, id);
  return bytes;
}
