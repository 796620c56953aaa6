/**
 * The key folder: secrets that the database must never hold, as files of mode 600.
 *   key-encryption-key   wraps the petitions' pseudonym keys; whoever destroys it makes every nym meaningless
 *   sealing-key          seals receipt links and authenticates journey cookies; a new one costs only new logins
 *   log-key              signs the log's checkpoints; its name is the log's origin
 *   receipt-keys.json    the active private JWK and the public halves of the retired ones
 * A file is written beside its place, synced and renamed: after a crash it is the old one or the new one.
 */
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from '../errors.ts';
import { generateLogKey, type LogKey, parseLogKey } from '../log/log-key.ts';
import { generateReceiptKeys, type StoredReceiptKeys } from '../receipt/keys.ts';

export type KeyFolder = {
  readonly keyEncryptionKey: KeyObject;
  readonly sealingKey: KeyObject;
  readonly logKey: LogKey;
  readonly receiptKeys: StoredReceiptKeys;
};

const KEY_ENCRYPTION_KEY = 'key-encryption-key';
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
    keyEncryptionKey: parseSecretKey(folder, KEY_ENCRYPTION_KEY),
    sealingKey: parseSecretKey(folder, SEALING_KEY),
    logKey: readLogKey(folder),
    receiptKeys: readReceiptKeys(folder),
  };
}

/** What is there before stays whole until all of this is. */
export function writeReceiptKeys(folder: string, keys: StoredReceiptKeys): void {
  writeSecret(folder, RECEIPT_KEYS, JSON.stringify(keys));
}

/** Another text after each change of the receipt keys, of two within a tick of the clock too. @throws Error of the file system */
export function receiptKeysChanged(folder: string): string {
  const { ino, mtimeMs } = statSync(join(folder, RECEIPT_KEYS));
  return `${ino} ${mtimeMs}`;
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
  const bytes = Buffer.from(read(folder, file).trim(), 'base64url');
  if (bytes.length === 32) return createSecretKey(bytes);
  throw new SetupError(
    `${join(folder, file)} does not hold 32 bytes of base64url: restore it from your copy of the keys.`,
  );
}

function read(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new SetupError(
      `There is no key ${join(folder, file)}: make the keys with \`paraphe init\`, or point KEYS_DIR to them.`,
    );
  }
}

function writeSecret(folder: string, file: string, text: string): void {
  const path = join(folder, file);
  const draft = `${path}.new`;
  writeAndSync(draft, `${text}\n`);
  renameSync(draft, path);
  const directory = openSync(dirname(path), 'r');
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
