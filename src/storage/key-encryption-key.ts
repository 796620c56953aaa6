/**
 * The key-encryption key in its folder, and what takes its place when a petition's pseudonyms are destroyed:
 *   key-encryption-key        the key; where it has replaced another: the petition for whose sake, and the names of all that
 *                             it has replaced
 *   key-encryption-key.next   while it is being replaced: the next one, and the petition for whose sake
 *   key-encryption-key.old    the one before, until it is overwritten
 */
import { createSecretKey, hash, type KeyObject, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../errors.ts';
import { KeyEncryptionKey } from '../key-encryption.ts';
import { parseSecretKey, readIfThere, readKeyFile, secretKeyOf, syncFolder, writeSecret } from './key-files.ts';

export const KEY_ENCRYPTION_KEY = 'key-encryption-key';
const NEXT_KEY = `${KEY_ENCRYPTION_KEY}.next`;
const OLD_KEY = `${KEY_ENCRYPTION_KEY}.old`;

/** Another text after each change of it. @throws Error of the file system */
export function keyEncryptionKeyChanged(folder: string): string {
  const next = readIfThere(folder, NEXT_KEY) ?? '';
  return hash('sha256', `${next}${readKeyFile(folder, KEY_ENCRYPTION_KEY)}`, 'hex');
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
  const [, , ...replaced] = readKeyFile(folder, KEY_ENCRYPTION_KEY).trim().split('\n');
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
  readKeyFile(folder, KEY_ENCRYPTION_KEY); // no folder is made where there is none
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
