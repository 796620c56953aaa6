/**
 * Where a log is read from: a gateway, any web server with a copy of its files, a folder. Nothing that comes out of one is
 * believed. Paths are those of the contract, `log/checkpoint`, `log/tile/0/000`, relative to the source.
 */
import { cutBundle, LONGEST_ENTRY, TILE_WIDTH, type Tile, tilePath } from '../tlog/tile.ts';
import { Difference } from './difference.ts';

export type Source = {
  /** The bytes there, or `undefined` where there is nothing. @throws Unreachable */
  read(path: string): Promise<Uint8Array | undefined>;
};

/** The source did not answer: nothing is known, and nothing is proven against it. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** A bundle of the longest entries, which is more than any other file of a log. */
const LONGEST_FILE = TILE_WIDTH * (2 + LONGEST_ENTRY);
const PATIENCE = 30_000;
const ATTEMPTS = 4;

/**
 * @param base the URL under which the paths lie
 * @param pause waits that many milliseconds between two attempts
 */
export function webSource(base: string, pause: (ms: number) => Promise<void> = wait): Source {
  const root = base.endsWith('/') ? base : `${base}/`;
  return {
    async read(path) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await fetchOnce(new URL(path, root));
        } catch (error) {
          if (attempt === ATTEMPTS) throw new Unreachable(`${root}${path}: ${reasonOf(error)}`);
          await pause(100 * 4 ** attempt);
        }
      }
    },
  };
}

async function fetchOnce(url: URL): Promise<Uint8Array | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE), credentials: 'omit', cache: 'no-cache' });
  if (response.ok) return await readAll(response);
  await response.body?.cancel();
  if (response.status === 429 || response.status >= 500) throw new Error(`status ${response.status}`);
  return undefined;
}

async function readAll(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > LONGEST_FILE) throw new Error(`more than ${LONGEST_FILE} bytes`);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * A tile or bundle of exactly that width. A log may drop a partial one once it has the full one, which is then cut: what a
 * hash or an entry is at its place never changes.
 * @throws Difference `missing`, Malformed `bundle`
 */
export async function readTileFile({ read }: Source, tile: Tile): Promise<Uint8Array> {
  const exact = await read(logPath(tile));
  if (exact !== undefined) return exact;
  const full = tile.width < TILE_WIDTH ? await read(logPath({ ...tile, width: TILE_WIDTH })) : undefined;
  if (full === undefined) throw missing(logPath(tile));
  return cutTile(full, tile);
}

export function cutTile(full: Uint8Array, { level, width }: Tile): Uint8Array {
  return level === 'entries' ? cutBundle(full, width) : full.subarray(0, width * 32);
}

export function logPath(tile: Tile): string {
  return `log/${tilePath(tile)}`;
}

export function missing(path: string): Difference {
  return new Difference({ code: 'missing', where: path, detail: 'it is not there' });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
