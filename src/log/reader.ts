/**
 * The log as it is read: what `/log` serves, all of it published, and the proof that goes with a signer's own receipt,
 * which may rest on a checkpoint that is signed and not yet published.
 */

import { hashing } from '../node-crypto.ts';
import { formatProof } from '../tlog/proof.ts';
import { encodeBundle, parseTilePath, TILE_WIDTH, type Tile, tileAt } from '../tlog/tile.ts';
import { readConsistencyProof, readInclusionProof, type TiledTree } from '../tlog/tile-reader.ts';
import { encodeEntry } from './entry.ts';
import type { LogFiles } from './ports.ts';
import type { Publication } from './publisher.ts';
import type { Sealed } from './standing.ts';

export type LogReaderDependencies = {
  readonly files: LogFiles;
  readonly vkey: string;
  readonly published: () => Publication;
  /** Resolves when `published` is no older than what any process of this log has served. */
  readonly refresh: () => Promise<void>;
  /** The last checkpoint that is signed, by whichever process writes the log. */
  readonly sealed: () => Promise<Sealed>;
};

export class LogReader {
  readonly #deps: LogReaderDependencies;
  readonly vkey: string;

  constructor(deps: LogReaderDependencies) {
    this.#deps = deps;
    this.vkey = deps.vkey;
  }

  get published(): Publication {
    return this.#deps.published();
  }

  /** For what must not be older than the checkpoint that another process has just served. */
  refresh(): Promise<void> {
    return this.#deps.refresh();
  }

  /** The size up to which signers are answered; what lies between it and the published one is theirs alone. */
  async sealedSize(): Promise<number> {
    return (await this.#deps.sealed()).size;
  }

  /**
   * The bytes at a path below `/log/` that names a tile or a bundle: of any width that the published log has or had.
   * @throws Malformed `tile-path`
   */
  async tile(path: string): Promise<Uint8Array | undefined> {
    const tile = parseTilePath(path);
    if (!this.#isPublished(tile)) await this.refresh();
    if (!this.#isPublished(tile)) return undefined;
    return tile.level === 'entries' ? this.#bundle(tile) : this.#hashes(tile);
  }

  /** A published statement, by its hash. */
  statement(hash: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#published(this.#deps.files.statement(hash));
  }

  /** A published JWK Set of the identity provider, by its hash. */
  jwks(hash: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#published(this.#deps.files.jwks(hash));
  }

  /** `receipt.tlog-proof` (c2sp.org/tlog-proof) of an entry that is sealed, with the entry itself in its extra line. */
  async proof(index: number): Promise<string> {
    const { published } = this;
    const isPublished = published.checkpoint !== undefined && index < published.size;
    const { size, checkpoint = '' } = isPublished ? published : await this.#deps.sealed();
    const [logged] = await this.#deps.files.entries(index, index + 1);
    if (logged === undefined || index >= size) throw new RangeError(`no entry ${index}`);
    const hashes = await readInclusionProof(this.#tree(size), index);
    return formatProof({ extra: encodeEntry(logged.entry), index, hashes, checkpoint });
  }

  /** For a witness that has cosigned a smaller tree of this log. */
  consistency(oldSize: number, size: number): Promise<readonly Uint8Array[]> {
    return readConsistencyProof(this.#tree(size), oldSize);
  }

  #tree(size: number): TiledTree {
    return { hashing, size, readTile: (tile) => this.#hashes(tile) };
  }

  /** Stored as wide as it is by now, and cut: its beginning never changes. */
  async #hashes({ level, index, width }: Tile): Promise<Uint8Array> {
    const stored = await this.#deps.files.tile(Number(level), index);
    if (stored === undefined || stored.length < width * 32) throw new RangeError(`tile ${level}/${index} is missing`);
    return stored.subarray(0, width * 32);
  }

  async #bundle({ index, width }: Tile): Promise<Uint8Array> {
    const first = index * TILE_WIDTH;
    const entries = await this.#deps.files.entries(first, first + width);
    return encodeBundle(entries.map(({ entry }) => encodeEntry(entry)));
  }

  #isPublished({ level, index, width }: Tile): boolean {
    const widest = tileAt(level, index, this.published.size);
    return widest !== undefined && widest.width >= width;
  }

  async #published(found: ReturnType<LogFiles['jwks']>): Promise<Uint8Array | undefined> {
    const file = await found;
    if (file === undefined) return undefined;
    if (file.index >= this.published.size) await this.refresh();
    return file.index < this.published.size ? file.bytes : undefined;
  }
}
