/** A log in a folder: an export or a mirror. Read only. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TILE_WIDTH, type Tile } from '../../tlog/tile.ts';
import type { BundleFiles } from '../batch.ts';
import { cutTile, logPath, missing, type Source } from '../source.ts';

export function folderSource(folder: string): Source {
  return { read: (path) => readFile(join(folder, path)).catch(ifAbsent) };
}

/** A bundle and its tile, at once: a thread that hashes has nothing else to do. @throws Difference `missing` */
export function readBundleFiles(folder: string, bundle: Tile): BundleFiles {
  return { bundle: readTileFileSync(folder, bundle), tile: readTileFileSync(folder, { ...bundle, level: 0 }) };
}

function readTileFileSync(folder: string, tile: Tile): Uint8Array {
  const read = (one: Tile) => {
    try {
      return readFileSync(join(folder, logPath(one)));
    } catch (error) {
      return ifAbsent(error);
    }
  };
  const exact = read(tile);
  if (exact !== undefined) return exact;
  const full = tile.width < TILE_WIDTH ? read({ ...tile, width: TILE_WIDTH }) : undefined;
  if (full === undefined) throw missing(logPath(tile));
  return cutTile(full, tile);
}

/** A folder in a file's place is as absent as nothing. */
function ifAbsent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String(error.code))) return;
  throw error;
}
