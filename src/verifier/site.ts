/**
 * Every request that checking a receipt makes, all to the site that the page came from: its keys, its log, its list of
 * petitions; `signature` alone names a pseudonym. No cookie goes along. What comes back is believed by nobody here.
 */
import type { JSONWebKeySet } from 'jose';
import { HASH_BYTES } from '../tlog/merkle.ts';
import { cutBundle, TILE_WIDTH, type Tile, tilePath } from '../tlog/tile.ts';

/** No answer, or one that says nothing: what it was to prove stays open. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

export type Signature = { readonly state: string; readonly index: number | null };

export type Site = {
  /** Scheme, host and port. */
  readonly origin: string;
  jwks(): Promise<JSONWebKeySet>;
  vkey(): Promise<string>;
  checkpoint(): Promise<Uint8Array>;
  /** A tile or bundle of exactly its width. */
  tile(tile: Tile): Promise<Uint8Array>;
  /** `undefined` where the site lists no such petition. */
  petition(id: string): Promise<{ readonly slug: string; readonly title: string } | undefined>;
  signature(slug: string, nym: string): Promise<Signature>;
};

const PATIENCE_MS = 20_000;

export function siteAt(origin: string): Site {
  const bytes = async (path: string) => (await ask(origin, path)).bytes();
  const json = async (path: string) => (await ask(origin, path)).json().catch(unreachable(path));
  return {
    origin,
    jwks: async () => (await json('/.well-known/jwks.json')) as JSONWebKeySet,
    vkey: async () => (await (await ask(origin, '/log/vkey')).text()).trim(),
    checkpoint: () => bytes('/log/checkpoint'),
    tile: (tile) => readTile(tile, (wanted) => bytes(`/log/${tilePath(wanted)}`)),
    async petition(id) {
      const { petitions } = Object(await json('/api/petitions')) as {
        petitions?: { id: string; slug: string; title: string }[];
      };
      if (!Array.isArray(petitions)) throw new Unreachable('/api/petitions');
      return petitions.find((petition) => petition?.id === id);
    },
    async signature(slug, nym) {
      const answer = await json(`/api/petitions/${encodeURIComponent(slug)}/signatures/${nym}`);
      const { state, index } = Object(answer) as Partial<Signature>;
      return { state: String(state), index: typeof index === 'number' ? index : null };
    },
  };
}

/** A log may drop a partial tile once the full one is there (tlog-tiles): then the part is cut from it. */
async function readTile(tile: Tile, read: (tile: Tile) => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await read(tile);
  } catch (error) {
    if (tile.width === TILE_WIDTH || !(error instanceof Unreachable)) throw error;
    const full = await read({ ...tile, width: TILE_WIDTH });
    return tile.level === 'entries' ? cutBundle(full, tile.width) : full.subarray(0, tile.width * HASH_BYTES);
  }
}

async function ask(origin: string, path: string): Promise<Response> {
  const options = { credentials: 'omit', cache: 'no-cache', signal: AbortSignal.timeout(PATIENCE_MS) } as const;
  const answer = await fetch(new URL(path, origin), options).catch(unreachable(path));
  if (!answer.ok) throw new Unreachable(`${path}: ${answer.status}`);
  return answer;
}

function unreachable(path: string) {
  return (error: unknown): never => {
    throw new Unreachable(path, { cause: error });
  };
}
