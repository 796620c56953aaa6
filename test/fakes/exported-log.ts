/**
 * A log as `log export` leaves it, from a list of entries: every tile and bundle, a signed checkpoint, its key, the
 * statements and key sets. Entries are written as they are: breaking a rule is the caller's affair.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Entry, encodeEntry } from '../../src/log/entry.ts';
import { formatCheckpoint } from '../../src/tlog/checkpoint.ts';
import { ed25519Signer, formatNote, formatVerifierKey, type Signer, signNote } from '../../src/tlog/note.ts';
import { encodeBundle, TILE_WIDTH, tilePath, tilesOfLevel } from '../../src/tlog/tile.ts';
import { TileEdge } from '../../src/tlog/tile-edge.ts';
import { bytesOf, hashing, hex, sha256, type TestKey } from '../tlog/crypto.ts';

/** Path to bytes, as `log/checkpoint`, `log/tile/0/000`. */
export type LogFiles = Map<string, Uint8Array>;

type ExportOptions = {
  /** The log's key; its name is the origin. */
  readonly key: TestKey;
  /** Texts to be served under their hash, as `title\n\ntext`. */
  readonly statements?: readonly string[];
  /** JWK Sets, likewise. */
  readonly jwks?: readonly string[];
  /** Who signs after the log. */
  readonly cosigners?: readonly Signer[];
};

export function hashOf(text: string): string {
  return hex(sha256(bytesOf(text)));
}

/** @param entries also as bytes, for what is no entry */
export async function exportedLog(
  entries: readonly (Entry | Uint8Array)[],
  { key, statements = [], jwks = [], cosigners = [] }: ExportOptions,
): Promise<LogFiles> {
  const files: LogFiles = new Map();
  const encoded = entries.map((entry) => (entry instanceof Uint8Array ? entry : encodeEntry(entry)));
  const edge = new TileEdge(hashing);
  for (const bytes of encoded) edge.append(hashing.leaf(bytes));
  for (const { tile, bytes } of edge.takeChanged()) files.set(`log/${tilePath(tile)}`, bytes);
  for (const tile of tilesOfLevel('entries', encoded.length)) {
    const from = tile.index * TILE_WIDTH;
    files.set(`log/${tilePath(tile)}`, encodeBundle(encoded.slice(from, from + tile.width)));
  }
  const text = formatCheckpoint({ origin: key.key.name, size: encoded.length, root: edge.root() });
  const note = await signNote(text, [ed25519Signer(key.key, key.sign), ...cosigners]);
  files.set('log/checkpoint', bytesOf(formatNote(note)));
  files.set('log/vkey', bytesOf(`${formatVerifierKey(key.key)}\n`));
  for (const one of statements) files.set(`log/statements/${hashOf(one)}`, bytesOf(one));
  for (const one of jwks) files.set(`log/jwks/${hashOf(one)}`, bytesOf(one));
  return files;
}

export function writeLog(folder: string, files: LogFiles): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}
