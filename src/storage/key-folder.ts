/**
 * The key folder: secrets that the database must never hold, as files of mode 600.
 *   key-encryption-key   wraps the pseudonym keys; whoever destroys it makes every nym meaningless. Where it has replaced
 *                        another: the petition for whose sake, and the names of all that it has replaced
 *   key-encryption-key.next   while it is being replaced: the next one, and the petition whose pseudonyms are destroyed by it
 *   key-encryption-key.old    the one before, until it is overwritten
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
  statSync,
  writeFileSync,
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
const OLD_KEY = `${KEY_ENCRYPTION_KEY}.old`;
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

/** What takes the place of the key-encryption key, or was about to: durable, when this returns. */
export type Replacement = { readonly next: KeyEncryptionKey; readonly petition: string };

export function replacementOf(folder: string): Replacement | undefined {
  const replacing = readNextKey(folder);
  if (replacing === undefined) return undefined;
  syncFolder(folder); // whoever put it there may have been stopped before
  return { next: new KeyEncryptionKey(replacing.key), petition: replacing.petition };
}

/**
 * Makes the next key-encryption key, while the folder is held and there is none: from here on it unwraps, and nothing is
 * wrapped under it by whoever only reads it.
 */
export function beginReplacement(folder: string, petition: string): KeyEncryptionKey {
  destroyOldKey(folder);
  tryNames(folder);
  const bytes = randomBytes(32);
  const replaced = [readKeyEncryptionKey(folder).id.toString('hex'), ...replacedKeys(folder)];
  writeSecret(folder, NEXT_KEY, [bytes.toString('base64url'), petition, ...replaced].join('\n'));
  return new KeyEncryptionKey(createSecretKey(bytes));
}

/**
 * Puts the next key in the place of the one before, which keeps a name until it is overwritten: what was wrapped under it is
 * lost for good. Stopped anywhere, the folder has the old key in its place and the next one beside it, or the next one in its
 * place; what is left of the old one goes with the next replacement.
 * @throws SetupError, and nothing is destroyed, unless it is that key which takes its place
 */
export function endReplacement(folder: string, next: KeyEncryptionKey): void {
  const key = join(folder, KEY_ENCRYPTION_KEY);
  const replacing = readNextKey(folder);
  if (replacing === undefined || !new KeyEncryptionKey(replacing.key).id.equals(next.id)) {
    throw new SetupError(
      `${join(folder, NEXT_KEY)} is gone, or another: put it back from where it went, or no secret opens any more. Nothing was destroyed.`,
    );
  }
  destroyOldKey(folder);
  linkSync(key, join(folder, OLD_KEY));
  renameSync(join(folder, NEXT_KEY), key);
  syncFolder(folder);
  destroyOldKey(folder);
}

/** The names of the keys that this folder's has replaced, newest first, in hex: it is newer than data that are under them. */
export function replacedKeys(folder: string): readonly string[] {
  const [, , ...replaced] = read(folder, KEY_ENCRYPTION_KEY).trim().split('\n');
  return replaced;
}

/** What the end of a replacement takes is tried before its beginning. @throws SetupError, Error of the file system */
function tryNames(folder: string): void {
  const key = join(folder, KEY_ENCRYPTION_KEY);
  closeSync(openSync(key, 'r+')); // it will have to be overwritten
  try {
    linkSync(key, join(folder, OLD_KEY));
  } catch (error) {
    throw new SetupError(
      `${folder} does not give a file a second name (${error instanceof Error ? error.message : error}): keep the keys on a disk of this machine, not as single mounted files. Nothing was done.`,
    );
  }
  rmSync(join(folder, OLD_KEY));
}

/** Overwrites what is left of the key before, where the disk lets it. */
export function destroyOldKey(folder: string): void {
  const file = join(folder, OLD_KEY);
  if (!existsSync(file)) return;
  if (statSync(file).ino !== statSync(join(folder, KEY_ENCRYPTION_KEY)).ino) {
    const old = openSync(file, 'r+');
    writeFileSync(old, Buffer.alloc(fstatSync(old).size));
    fsyncSync(old);
    closeSync(old);
  }
  rmSync(file);
  syncFolder(folder);
}

/** What a replacement that was stopped has left, by name. */
export function leftOfReplacement(folder: string): readonly string[] {
  return [NEXT_KEY, OLD_KEY].filter((file) => existsSync(join(folder, file)));
}

/** @throws SetupError where what is written would be somebody else's than the gateway's, which could not read it */
export function checkOwner(folder: string): void {
  read(folder, KEY_ENCRYPTION_KEY); // no folder is made where there is none
  const owner = statSync(join(folder, KEY_ENCRYPTION_KEY)).uid;
  if (process.getuid === undefined || process.getuid() === owner) return;
  throw new SetupError(`The keys in ${folder} belong to another user: run this as the one who owns them.`);
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
    writeFileSync(file, text); // all of it, or an error
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
