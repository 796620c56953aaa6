/** A mirror of a generated log, its recount as `paraphe audit` does it, and the bare SHA-256 of the same bytes. */
import { generateKeyPairSync, hash, randomFillSync, sign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AuditReport, audit, parseVerifierKey, trustLog } from '../../src/audit/audit.ts';
import { readBatchesOnThreads } from '../../src/audit/node/batch-threads.ts';
import { nodeTools, sha256 } from '../../src/audit/node/crypto.ts';
import { folderSource } from '../../src/audit/node/folder.ts';
import { type Day, dayFromNumber } from '../../src/clock.ts';
import { type Entry, encodeEntry } from '../../src/log/entry.ts';
import { type Nym, nymFromBytes } from '../../src/person/nym.ts';
import { formatCheckpoint } from '../../src/tlog/checkpoint.ts';
import { treeHashing } from '../../src/tlog/merkle.ts';
import {
  ED25519,
  ed25519Signer,
  formatNote,
  formatVerifierKey,
  makeVerifierKey,
  signNote,
} from '../../src/tlog/note.ts';
import { utf8 } from '../../src/tlog/text.ts';
import { encodeBundle, TILE_WIDTH, tilePath, tilesOfLevel } from '../../src/tlog/tile.ts';
import { type StoredTile, TileEdge } from '../../src/tlog/tile-edge.ts';
import { answer, cpuMs } from '../part.ts';

const ORIGIN = 'petitions.example.org/log';
const STATEMENT = 'Recount\n\nEach entry of this log is counted again.';
const PETITIONS = ['01m7k8m0n1ew6076n6rar3zv8a', '01m7k8m0n1ew6076n6rar3zv8b', '01m7k8m0n1ew6076n6rar3zv8c'];
const DEPARTMENTS = ['75', '13', '2A', '974', '35', '59', null];
const DAYS = 90;
const FIRST_DAY = dayFromNumber(20_800);

const hashing = treeHashing(sha256);

answer({
  /** Signatures of random nyms for three petitions, over ninety days; one in two hundred is withdrawn later. */
  generate: async ({ folder, size }: { folder: string; size: number }) => {
    const edge = new TileEdge(hashing);
    const folders = new Set<string>();
    const write = (path: string, bytes: Uint8Array | string) => {
      const target = join(folder, 'log', path);
      if (!folders.has(dirname(target))) mkdirSync(dirname(target), { recursive: true });
      folders.add(dirname(target));
      writeFileSync(target, bytes);
    };
    const partial = new Map<unknown, StoredTile>();
    const writeTiles = () => {
      for (const stored of edge.takeChanged()) {
        const { tile, bytes } = stored;
        if (tile.width < TILE_WIDTH) partial.set(tile.level, stored);
        else write(tilePath(tile), bytes);
        if (tile.width === TILE_WIDTH) partial.delete(tile.level);
      }
    };
    const entries = entriesOf(size);
    for (const tile of tilesOfLevel('entries', size)) {
      const bundle: Uint8Array[] = [];
      for (let i = 0; i < tile.width; i++) bundle.push(entries.next().value as Uint8Array);
      for (const bytes of bundle) edge.append(hashing.leaf(bytes));
      write(tilePath(tile), encodeBundle(bundle));
      writeTiles();
    }
    for (const { tile, bytes } of partial.values()) write(tilePath(tile), bytes);
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    const key = makeVerifierKey(sha256, ORIGIN, ED25519, raw);
    const text = formatCheckpoint({ origin: ORIGIN, size, root: edge.root() });
    const note = await signNote(text, [ed25519Signer(key, (message) => sign(null, message, privateKey))]);
    write('checkpoint', formatNote(note));
    write('vkey', `${formatVerifierKey(key)}\n`);
    write(`statements/${hash('sha256', STATEMENT)}`, STATEMENT);
  },

  recount: async ({ folder }: { folder: string }) => {
    const source = folderSource(folder);
    const key = parseVerifierKey(sha256, readFileSync(join(folder, 'log/vkey'), 'utf8').trim());
    const readBatches = readBatchesOnThreads(folder);
    const [begin, cpu] = [performance.now(), cpuMs()];
    const tools = nodeTools();
    const { report } = await audit({ source, policy: trustLog(key), tools, gateway: false, readBatches });
    return { ...outcome(report), seconds: (performance.now() - begin) / 1000, cpu: (cpuMs() - cpu) / 1000 };
  },

  /** Every byte of the bundles through SHA-256 once, on one thread. */
  hash: ({ folder, size }: { folder: string; size: number }) => {
    const begin = performance.now();
    for (const tile of tilesOfLevel('entries', size)) hash('sha256', readFileSync(join(folder, 'log', tilePath(tile))));
    return { seconds: (performance.now() - begin) / 1000 };
  },
});

function outcome({ holds, difference, petitions }: AuditReport) {
  if (!holds) throw new Error(JSON.stringify(difference));
  return {
    total: petitions.reduce((sum, { total }) => sum + total, 0),
    withdrawn: petitions.reduce((sum, { withdrawn }) => sum + withdrawn, 0),
    megabytes: process.resourceUsage().maxRSS / 1024,
  };
}

function* entriesOf(size: number): Generator<Uint8Array> {
  const common = { nym_key: 'A'.repeat(43), issuer: 'https://idp.example', client_id: 'c', acr: 'eidas1', min_age: 18 };
  const rules = { statement: hash('sha256', STATEMENT), closes: null, departments: true, board: null, day: FIRST_DAY };
  for (const petition of PETITIONS) {
    yield encodeEntry({ kind: 'petition-opened', petition, ...common, ...rules } as Entry);
  }
  const random = Buffer.alloc(TILE_WIDTH * 64);
  let old: { petition: string; nym: Nym } | undefined;
  for (let i = PETITIONS.length; i < size; i++) {
    const day = dayFromNumber(20_800 + Math.floor((i / size) * DAYS)) as Day;
    if (old !== undefined && i % 200 === 0) {
      yield encodeEntry({ kind: 'withdrawn', ...old, evidence: null, day });
      old = undefined;
      continue;
    }
    const at = (i % TILE_WIDTH) * 64;
    if (at === 0 || i === PETITIONS.length) randomFillSync(random);
    const nym = nymFromBytes(random.subarray(at, at + 32));
    const evidence = nymFromBytes(random.subarray(at + 32, at + 64));
    const petition = PETITIONS[i % PETITIONS.length] as string;
    const department = DEPARTMENTS[i % DEPARTMENTS.length];
    if (i % 200 === 100) old = { petition, nym };
    yield utf8(JSON.stringify({ kind: 'signed', petition, nym, department, evidence, day }));
  }
}
