/**
 * The key folder: secrets that the database must never hold, as files of mode 600.
 *   key-encryption-key   wraps the pseudonym keys; whoever destroys it makes every nym meaningless
 *   key-encryption-key.next   while it is being replaced: the next one, and the petition whose pseudonyms are destroyed by it
 *   sealing-key          seals receipt links and authenticates journey cookies; a new one costs only new logins
 *   log-key              signs the log's checkpoints; its name is the log's origin
 *   receipt-keys.json    the active private JWK and the public halves of the retired ones
 * A file is written beside its place, synced and renamed: after a crash it is the old one or the new one.
 */
import { createSecretKey, hash, type KeyObject, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../errors.ts';
import { KeyEncryptionKey } from '../key-encryption.ts';
import { generateLogKey, type LogKey, parseLogKey } from '../log/log-key.ts';
import { generateReceiptKeys, type StoredReceiptKeys } from '../receipt/keys.ts';

export type KeyFolder = {
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly sealingKey: KeyObject;
  readonly logKey: LogKey;
  readonly receiptKeys: StoredReceiptKeys;
};

const KEY_ENCRYPTION_KEY = 'key-encryption-key';
const NEXT_KEY = `${KEY_ENCRYPTION_KEY}.next`;
const SEALING_KEY = 'sealing-key';
const LOG_KEY = 'log-key';
const RECEIPT_KEYS = 'receipt-keys.json';
const FILES = [KEY_ENCRYPTION_KEY, SEALING_KEY, LOG_KEY, RECEIPT_KEYS];

export function hasKeys(folder: string): boolean {
  return missingKeys(folder).length === 0;
}

function missingKeys(folder: string): readonly string[] {
  return FILES.filter((file) => !existsSync(join(folder, file)));
}

/**
 * Makes every key.
 * @param origin of the log, for good
 * @throws SetupError when the folder holds any: keys are never overwritten
 */
export function createKeys(folder: string, origin: string): void {
  const missing = missingKeys(folder);
  if (missing.length === 0) throw new SetupError(`${folder} holds keys already; they are never overwritten.`);
  if (missing.length < FILES.length) {
    throw new SetupError(
      `${folder} holds some keys and lacks ${missing.join(' and ')}: restore your copy, or delete the folder if no petition was opened with it.`,
    );
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const file of [KEY_ENCRYPTION_KEY, SEALING_KEY])
    writeSecret(folder, file, randomBytes(32).toString('base64url'));
  writeSecret(folder, LOG_KEY, generateLogKey(origin));
  writeSecret(folder, RECEIPT_KEYS, JSON.stringify(generateReceiptKeys()));
}

/** @throws SetupError when a key is missing or is not one */
export function readKeys(folder: string): KeyFolder {
  return {
    keyEncryptionKey: readKeyEncryptionKey(folder),
    sealingKey: parseSecretKey(folder, SEALING_KEY),
    logKey: readLogKey(folder),
    receiptKeys: readReceiptKeys(folder),
  };
}

/** What is there before stays whole until all of this is. */
export function writeReceiptKeys(folder: string, keys: StoredReceiptKeys): void {
  writeSecret(folder, RECEIPT_KEYS, JSON.stringify(keys));
}

/**
 * Another text after each change of the receipt keys: a file's time may be the same for two changes, and its number come
 * back with the second. @throws Error of the file system
 */
export function receiptKeysChanged(folder: string): string {
  return hash('sha256', readFileSync(join(folder, RECEIPT_KEYS)), 'hex');
}

/** The same of the key-encryption key. */
export function keyEncryptionKeyChanged(folder: string): string {
  const next = readIfThere(folder, NEXT_KEY) ?? '';
  return hash('sha256', `${next}${readFileSync(join(folder, KEY_ENCRYPTION_KEY), 'utf8')}`, 'hex');
}

/** The key that wraps; while it is being replaced, the next one unwraps too. @throws SetupError */
export function readKeyEncryptionKey(folder: string): KeyEncryptionKey {
  const replacing = readNextKey(folder); // first: once it is gone, the other one is the new one
  const current = parseSecretKey(folder, KEY_ENCRYPTION_KEY);
  return replacing === undefined ? new KeyEncryptionKey(current) : new KeyEncryptionKey(current, replacing.key);
}

/** The replacement of the key-encryption key that is under way, or was cut short; and for whose sake. */
export function replacementOf(
  folder: string,
): { readonly next: KeyEncryptionKey; readonly petition: string } | undefined {
  const replacing = readNextKey(folder);
  return replacing && { next: new KeyEncryptionKey(replacing.key), petition: replacing.petition };
}

/**
 * Makes the next key-encryption key: from here on it unwraps, and nothing is wrapped under it by whoever only reads it.
 * @throws SetupError when somebody else has just made one
 */
export function beginReplacement(folder: string, petition: string): KeyEncryptionKey {
  const bytes = randomBytes(32);
  const path = join(folder, NEXT_KEY);
  const draft = `${path}.${process.pid}`;
  writeAndSync(draft, `${bytes.toString('base64url')}\n${petition}\n`);
  try {
    linkSync(draft, path); // where a file is there already, it stays
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new SetupError('Another destruction has just begun: wait for its end, and try again.');
  } finally {
    rmSync(draft);
  }
  syncFolder(folder);
  return new KeyEncryptionKey(createSecretKey(bytes));
}

/**
 * Puts the next key in the place of the one before, which is overwritten where the disk lets it: what was wrapped under it
 * is lost for good. A crash leaves the old key, or the new one with its draft still there; then this is done again.
 */
export function endReplacement(folder: string): void {
  const replacing = readNextKey(folder);
  if (replacing === undefined) return;
  const old = openSync(join(folder, KEY_ENCRYPTION_KEY), 'r+');
  try {
    writeSecret(folder, KEY_ENCRYPTION_KEY, replacing.key.export().toString('base64url'));
    writeSync(old, Buffer.alloc(fstatSync(old).size), 0, undefined, 0); // a file without a name by now
    fsyncSync(old);
  } finally {
    closeSync(old);
  }
  rmSync(join(folder, NEXT_KEY));
  syncFolder(folder);
}

function readNextKey(folder: string): { readonly key: KeyObject; readonly petition: string } | undefined {
  const text = readIfThere(folder, NEXT_KEY);
  if (text === undefined) return undefined;
  const [, petition = ''] = text.split('\n');
  return { key: secretKeyOf(folder, NEXT_KEY, text), petition };
}

export function readReceiptKeys(folder: string): StoredReceiptKeys {
  try {
    const keys = JSON.parse(read(folder, RECEIPT_KEYS)) as StoredReceiptKeys;
    if (keys.active.kty === 'EC' && Array.isArray(keys.retired)) return keys;
  } catch (error) {
    if (error instanceof SetupError) throw error;
  }
  throw new SetupError(
    `${join(folder, RECEIPT_KEYS)} does not hold receipt keys: restore it from your copy of the keys.`,
  );
}

function readLogKey(folder: string): LogKey {
  const key = parseLogKey(read(folder, LOG_KEY));
  if (key !== undefined) return key;
  throw new SetupError(`${join(folder, LOG_KEY)} does not hold a log's key: restore it from your copy of the keys.`);
}

function parseSecretKey(folder: string, file: string): KeyObject {
  return secretKeyOf(folder, file, read(folder, file));
}

function secretKeyOf(folder: string, file: string, text: string): KeyObject {
  const [line = ''] = text.split('\n');
  const bytes = Buffer.from(line.trim(), 'base64url');
  if (bytes.length === 32) return createSecretKey(bytes);
  throw new SetupError(
    `${join(folder, file)} does not hold 32 bytes of base64url: restore it from your copy of the keys.`,
  );
}

function read(folder: string, file: string): string {
  const text = readIfThere(folder, file);
  if (text !== undefined) return text;
  throw new SetupError(
    `There is no key ${join(folder, file)}: make the keys with \`paraphe init\`, or point KEYS_DIR to them.`,
  );
}

function readIfThere(folder: string, file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeSecret(folder: string, file: string, text: string): void {
  const path = join(folder, file);
  const draft = `${path}.new`;
  writeAndSync(draft, `${text}\n`);
  renameSync(draft, path);
  syncFolder(folder);
}

function syncFolder(folder: string): void {
  const directory = openSync(folder, 'r');
  fsyncSync(directory);
  closeSync(directory);
}

function writeAndSync(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
