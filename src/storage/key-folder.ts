/**
 * The key folder: secrets that the database must never hold, as files of mode 600.
 *   key-encryption-key   wraps the pseudonym keys; whoever destroys it makes every nym meaningless (see key-encryption-key.ts)
 *   sealing-key          seals receipt links and authenticates journey cookies; a new one costs only new logins
 *   log-key              signs the log's checkpoints; its name is the log's origin
 *   receipt-keys.json    the active private JWK and the public halves of the retired ones
 */
import { hash, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../errors.ts';
import type { KeyEncryptionKey } from '../key-encryption.ts';
import { generateLogKey, type LogKey, parseLogKey } from '../log/log-key.ts';
import { generateReceiptKeys, type StoredReceiptKeys } from '../receipt/keys.ts';
import { checkOwner, KEY_ENCRYPTION_KEY, readKeyEncryptionKey } from './key-encryption-key.ts';
import { parseSecretKey, readKeyFile, writeSecret } from './key-files.ts';

export type KeyFolder = {
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly sealingKey: KeyObject;
  readonly logKey: LogKey;
  readonly receiptKeys: StoredReceiptKeys;
};

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

/** What is there before stays whole until all of this is. @throws SetupError for another user than the owner of the keys */
export function writeReceiptKeys(folder: string, keys: StoredReceiptKeys): void {
  checkOwner(folder);
  writeSecret(folder, RECEIPT_KEYS, JSON.stringify(keys));
}

/**
 * Another text after each change of the receipt keys: a file's time may be the same for two changes, and its number come
 * back with the second. @throws Error of the file system
 */
export function receiptKeysChanged(folder: string): string {
  return hash('sha256', readFileSync(join(folder, RECEIPT_KEYS)), 'hex');
}

export function readReceiptKeys(folder: string): StoredReceiptKeys {
  try {
    const keys = JSON.parse(readKeyFile(folder, RECEIPT_KEYS)) as StoredReceiptKeys;
    if (keys.active.kty === 'EC' && Array.isArray(keys.retired)) return keys;
  } catch (error) {
    if (error instanceof SetupError) throw error;
  }
  throw new SetupError(
    `${join(folder, RECEIPT_KEYS)} does not hold receipt keys: restore it from your copy of the keys.`,
  );
}

function readLogKey(folder: string): LogKey {
  const key = parseLogKey(readKeyFile(folder, LOG_KEY));
  if (key !== undefined) return key;
  throw new SetupError(`${join(folder, LOG_KEY)} does not hold a log's key: restore it from your copy of the keys.`);
}
