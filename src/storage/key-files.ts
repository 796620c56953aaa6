/** The files of a key folder. One is written beside its place, synced and renamed: after a crash it is the old or the new one. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../errors.ts';

export function parseSecretKey(folder: string, file: string): KeyObject {
  return secretKeyOf(folder, file, readKeyFile(folder, file));
}

export function secretKeyOf(folder: string, file: string, text: string): KeyObject {
  const [line = ''] = text.split('\n');
  const bytes = Buffer.from(line.trim(), 'base64url');
  if (bytes.length === 32) return createSecretKey(bytes);
  throw new SetupError(
    `${join(folder, file)} does not hold 32 bytes of base64url: restore it from your copy of the keys.`,
  );
}

export function readKeyFile(folder: string, file: string): string {
  const text = readIfThere(folder, file);
  if (text !== undefined) return text;
  throw new SetupError(
    `There is no key ${join(folder, file)}: make the keys with \`paraphe init\`, or point KEYS_DIR to them.`,
  );
}

export function readIfThere(folder: string, file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

export function writeSecret(folder: string, file: string, text: string): void {
  const path = join(folder, file);
  const draft = `${path}.new`;
  writeAndSync(draft, `${text}\n`);
  renameSync(draft, path);
  syncFolder(folder);
}

export function syncFolder(folder: string): void {
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
