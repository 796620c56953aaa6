/**
 * A public log in memory, its entries made up by the test, and a site that serves it beside a gateway: `/log/…` from the
 * log, everything else from the gateway. The site can be told to lie.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Entry, encodeEntry } from '../../src/log/entry.ts';
import { formatCheckpoint } from '../../src/tlog/checkpoint.ts';
import { Frontier } from '../../src/tlog/merkle.ts';
import { ed25519Signer, formatNote, formatVerifierKey, signNote } from '../../src/tlog/note.ts';
import { formatProof } from '../../src/tlog/proof.ts';
import { allTiles, encodeBundle, TILE_WIDTH, tilePath } from '../../src/tlog/tile.ts';
import { TileEdge } from '../../src/tlog/tile-edge.ts';
import { readInclusionProof } from '../../src/tlog/tile-reader.ts';
import { bytesOf, hashing, type TestKey, testKey } from '../tlog/crypto.ts';

export class FakeLog {
  readonly origin: string;
  readonly entries: Uint8Array[];
  readonly #seed: number;
  readonly #key: TestKey;

  constructor(origin: string, seed = 1, entries: readonly Uint8Array[] = []) {
    this.origin = origin;
    this.entries = [...entries];
    this.#seed = seed;
    this.#key = testKey(origin, seed);
  }

  get vkey(): string {
    return formatVerifierKey(this.#key.key);
  }

  /** Adds entries; the index of the first. */
  append(...entries: readonly Entry[]): number {
    return this.entries.push(...entries.map(encodeEntry)) - entries.length;
  }

  /** The same log with other entries, under the same key. */
  withEntries(entries: readonly Uint8Array[]): FakeLog {
    return new FakeLog(this.origin, this.#seed, entries);
  }

  /** The checkpoint of the log when it had that many entries. */
  async checkpoint(size = this.entries.length): Promise<string> {
    const frontier = new Frontier(hashing);
    for (const entry of this.entries.slice(0, size)) frontier.append(hashing.leaf(entry));
    const text = formatCheckpoint({ origin: this.origin, size, root: frontier.root() });
    return formatNote(await signNote(text, [ed25519Signer(this.#key.key, this.#key.sign)]));
  }

  /** `receipt.tlog-proof` of an entry, as of that size. */
  async proof(index: number, size = this.entries.length): Promise<string> {
    const files = await this.files(size);
    const readTile = async (tile: Parameters<typeof tilePath>[0]) => files.get(tilePath(tile)) ?? new Uint8Array(0);
    const hashes = await readInclusionProof({ hashing, size, readTile }, index);
    return formatProof({ extra: this.entries[index]!, index, hashes, checkpoint: await this.checkpoint(size) });
  }

  /** Every file below `/log/`, as of that size. */
  async files(size = this.entries.length): Promise<Map<string, Uint8Array>> {
    const edge = new TileEdge(hashing);
    for (const entry of this.entries.slice(0, size)) edge.append(hashing.leaf(entry));
    const files = new Map(edge.takeChanged().map(({ tile, bytes }) => [tilePath(tile), bytes]));
    for (const tile of allTiles(size)) {
      const first = tile.index * TILE_WIDTH;
      if (tile.level === 'entries')
        files.set(tilePath(tile), encodeBundle(this.entries.slice(first, first + tile.width)));
    }
    return files.set('vkey', bytesOf(`${this.vkey}\n`)).set('checkpoint', bytesOf(await this.checkpoint(size)));
  }
}

export type LogSite = AsyncDisposable & {
  readonly origin: string;
  /** What `/log/…` serves from now on. */
  serve(log: FakeLog, size?: number): Promise<void>;
  /** What a path, query aside, answers in place of the truth; `undefined` for 404. */
  readonly answers: Map<string, string | Uint8Array | undefined>;
  /** `GET path` of every request, in order. */
  readonly asked: string[];
  /** Where everything else is fetched. */
  gateway: string;
};

export async function startLogSite(): Promise<LogSite> {
  let files = new Map<string, Uint8Array>();
  const server = createServer((req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://localhost');
    site.asked.push(`${req.method} ${pathname}`);
    const isOurs = site.answers.has(pathname) || pathname.startsWith('/log/');
    if (!isOurs) return void pass(site.gateway, req, res);
    const body = site.answers.has(pathname) ? site.answers.get(pathname) : files.get(pathname.slice('/log/'.length));
    res.writeHead(body === undefined ? 404 : 200).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const site: LogSite = {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    gateway: '',
    answers: new Map(),
    asked: [],
    serve: async (log, size) => {
      files = await log.files(size);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return site;
}

function pass(gateway: string, req: IncomingMessage, res: ServerResponse): void {
  const { method, headers } = req;
  const onward = request(new URL(req.url ?? '/', gateway), { method, headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(res);
  });
  onward.on('error', () => res.writeHead(502).end());
  req.pipe(onward);
}
