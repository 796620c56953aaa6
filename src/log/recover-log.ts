/**
 * A restored backup brought forward with the public entries that it lacks. Nothing is believed before it is computed: the
 * mirror's checkpoint is one of this log, its entries lead to that checkpoint, and the backup and the lock are both a
 * beginning of it. The lock never moves back.
 */
import type { Clock } from '../clock.ts';
import { SetupError } from '../errors.ts';
import { hashing, sha256 } from '../node-crypto.ts';
import { openCheckpoint } from '../tlog/checkpoint.ts';
import { Malformed, Unproven } from '../tlog/errors.ts';
import { Frontier } from '../tlog/merkle.ts';
import { sameBytes, utf8 } from '../tlog/text.ts';
import { cutBundle, decodeBundle, partialTiles, TILE_WIDTH, tileAt, tilePath } from '../tlog/tile.ts';
import { TileEdge } from '../tlog/tile-edge.ts';
import { type Entry, encodeEntry, parseEntry } from './entry.ts';
import type { LogKey } from './log-key.ts';
import type { Act, Head, LogLock, LogState, LogStore } from './ports.ts';

/** A folder that holds the log's public files, by their paths below `log/`. */
export type Mirror = { read(path: string): Promise<Uint8Array | undefined> };

export type Recovery = {
  /** The size that the data had, and that they have now. */
  readonly from: number;
  readonly to: number;
  /** Signatures that came back without the evidence that was kept of them. */
  readonly signatures: number;
  /** Petitions that came back without their pseudonym key: nobody can sign them any more. */
  readonly petitions: readonly string[];
};

type Dependencies = {
  readonly store: LogStore<Act, unknown>;
  readonly lock: LogLock;
  readonly key: LogKey;
  readonly clock: Clock;
  readonly mirror: Mirror;
  /** Of the right to write; see `Batch`. */
  readonly epoch: number;
  readonly progress?: (done: number, size: number) => void;
};

const PORTION = 16 * TILE_WIDTH;

/** @throws SetupError; entries that were restored before a file of the mirror was found missing stay, and another run goes on */
export async function recoverLog(deps: Dependencies): Promise<Recovery> {
  const { store, lock, key, mirror } = deps;
  const state = (await store.state()) ?? (await begin(store, key));
  if (state.vkey !== key.vkey) throw new SetupError('KEYS_DIR holds the key of another log than the data.');
  const note = await mirror.read('checkpoint');
  if (note === undefined) throw new SetupError('The mirror has no log/checkpoint.');
  const published = await open(key, note, 'The mirror');
  const locked = await lock.read();
  const lockedHead = locked === undefined ? undefined : await open(key, utf8(locked), 'The lock');
  const reach = Math.max(published.size, state.size);
  if (lockedHead !== undefined && lockedHead.size > reach) {
    const missing = lockedHead.size - reach;
    throw new SetupError(
      `The mirror ends at entry ${published.size}, the data at ${state.size}, and the log has signed ${lockedHead.size}: ${missing} entries are missing in both, among them signatures that were acknowledged. Find a later mirror; nothing was changed.`,
    );
  }
  const heads: [string, Head][] = [
    ['the backup', state],
    ['its own checkpoint', published],
    ...(lockedHead === undefined ? [] : ([['the lock', lockedHead]] as [string, Head][])),
  ];
  await checkMirror(deps, published.size, heads);
  const lost = await append(deps, state, published.size);
  if (published.size > state.size) {
    await store.publish(new TextDecoder().decode(note), deps.clock(), undefined, deps.epoch);
  }
  if (locked === undefined) await lock.swap(undefined, new TextDecoder().decode(note));
  return { from: state.size, to: reach, ...lost };
}

/** Without any backup, everything comes from the mirror. */
async function begin(store: LogStore<Act, unknown>, { origin, vkey }: LogKey): Promise<LogState> {
  await store.create({ origin, vkey, root: hashing.empty });
  return { origin, vkey, size: 0, root: hashing.empty, day: undefined, publication: undefined, fold: undefined };
}

async function open(key: LogKey, note: Uint8Array, whose: string): Promise<Head> {
  try {
    return (await openCheckpoint(note, key.origin, [key.verifier])).checkpoint;
  } catch (error) {
    if (!(error instanceof Malformed || error instanceof Unproven)) throw error;
    throw new SetupError(`${whose} holds no checkpoint of this log: ${error.message}.`);
  }
}

/** The mirror's tree, computed from its entries, has every head at its size. */
async function checkMirror(deps: Dependencies, size: number, heads: readonly [string, Head][]): Promise<void> {
  const frontier = new Frontier(hashing);
  const compare = () => {
    for (const [whose, head] of heads) {
      if (head.size !== frontier.size || sameBytes(frontier.root(), head.root)) continue;
      throw new SetupError(
        `The mirror's first ${head.size} entries are not those of ${whose}: one of them is another log.`,
      );
    }
  };
  compare();
  for (let from = 0; from < size; from += TILE_WIDTH) {
    for (const entry of await readBundle(deps.mirror, from / TILE_WIDTH, size)) {
      frontier.append(hashing.leaf(entry));
      if (heads.some(([, head]) => head.size === frontier.size)) compare();
    }
    if (from % PORTION === 0) deps.progress?.(from, size);
  }
}

async function readBundle(mirror: Mirror, index: number, size: number): Promise<readonly Uint8Array[]> {
  const tile = tileAt('entries', index, size);
  if (tile === undefined) return [];
  const path = tilePath(tile);
  const exact = await mirror.read(path);
  const bytes = exact ?? (await mirror.read(tilePath({ ...tile, width: TILE_WIDTH })));
  if (bytes === undefined) throw new SetupError(`The mirror lacks ${path}.`);
  try {
    return decodeBundle(exact === undefined ? cutBundle(bytes, tile.width) : bytes, tile.width);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new SetupError(`The mirror's ${path}: ${error.message}.`);
  }
}

async function append(deps: Dependencies, state: LogState, size: number): Promise<Omit<Recovery, 'from' | 'to'>> {
  const partials = await Promise.all(
    partialTiles(state.size).map(async ({ level, index, width }) =>
      (await deps.store.tile(Number(level), index))?.subarray(0, 32 * width),
    ),
  );
  const edge = new TileEdge(
    hashing,
    state.size,
    partials.map((bytes) => bytes ?? new Uint8Array(0)),
  );
  if (!sameBytes(edge.root(), state.root)) throw new SetupError('The backup is damaged: run `paraphe fsck`.');
  let signatures = 0;
  const petitions: string[] = [];
  let portion: Entry[] = [];
  const flush = async () => {
    const files = await readFiles(deps.mirror, portion);
    await deps.store.restore({
      epoch: deps.epoch,
      size: edge.size,
      entries: portion,
      files,
      grow: () => grow(edge, portion),
    });
    portion = [];
  };
  for (let index = Math.floor(state.size / TILE_WIDTH); index * TILE_WIDTH < size; index++) {
    const bundle = await readBundle(deps.mirror, index, size);
    for (const bytes of bundle.slice(Math.max(0, state.size - index * TILE_WIDTH))) {
      const entry = parseEntry(bytes);
      portion.push(entry);
      if (entry.kind === 'signed' && entry.evidence !== null) signatures++;
      if (entry.kind === 'petition-opened') petitions.push(entry.petition);
    }
    if (portion.length >= PORTION) await flush();
  }
  if (portion.length > 0) await flush();
  return { signatures, petitions };
}

function grow(edge: TileEdge, entries: readonly Entry[]) {
  for (const entry of entries) edge.append(hashing.leaf(encodeEntry(entry)));
  return { tiles: edge.takeChanged(), root: edge.root() };
}

/** The files that some entries name, by their hash in hex. */
async function readFiles(mirror: Mirror, entries: readonly Entry[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const entry of entries) {
    const [folder, hex] =
      entry.kind === 'petition-opened'
        ? ['statements', entry.statement]
        : entry.kind === 'identity-keys'
          ? ['jwks', entry.jwks]
          : [];
    if (hex === undefined) continue;
    const bytes = await mirror.read(`${folder}/${hex}`);
    if (bytes === undefined || Buffer.from(sha256(bytes)).toString('hex') !== hex) {
      throw new SetupError(`The mirror's ${folder}/${hex} is missing or has another content.`);
    }
    files.set(hex, bytes);
  }
  return files;
}
