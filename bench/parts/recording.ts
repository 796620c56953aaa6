/**
 * Signatures through the domain and the log without HTTP (pseudonym, sequencer, SQLite, checkpoint, receipt), and the parts
 * that nobody could leave out, raw: the VOPRF evaluation, the ES256 signature, the insertion of the same rows, the hashes.
 */
import { createPrivateKey, generateKeyPairSync, hash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { secretKey } from '../../src/aead.ts';
import { type Day, dayNumber, parisDay } from '../../src/clock.ts';
import { encodeEntry } from '../../src/log/entry.ts';
import { generateLogKey, type LogKey, parseLogKey } from '../../src/log/log-key.ts';
import { beginLog, Sequencer } from '../../src/log/sequencer.ts';
import { hashing } from '../../src/node-crypto.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { evaluate, personInput, pseudonyms } from '../../src/person/pseudonym.ts';
import type { PetitionAct, PetitionOutcome } from '../../src/petitions/acts.ts';
import { openPetition } from '../../src/petitions/open-petition.ts';
import { openedEntry, type Petition } from '../../src/petitions/petition.ts';
import { parsePetitionFile } from '../../src/petitions/petition-file.ts';
import { computeNym } from '../../src/petitions/petition-key.ts';
import { signPetition } from '../../src/petitions/sign-petition.ts';
import { computeReceipt } from '../../src/receipt/compute.ts';
import { generateReceiptKeys, loadReceiptKeys, type ReceiptKeys } from '../../src/receipt/keys.ts';
import type { Storage } from '../../src/storage/open.ts';
import { openSqliteLock } from '../../src/storage/sqlite/lock.ts';
import { migrateSqlite, openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { type Checkpoint, formatCheckpoint } from '../../src/tlog/checkpoint.ts';
import { formatNote, signNote } from '../../src/tlog/note.ts';
import { TileEdge } from '../../src/tlog/tile-edge.ts';
import { answer, cpuMs } from '../part.ts';

const ISSUER = 'https://oidc.franceconnect.gouv.fr/api/v2';
const DEPARTMENT = '75';
const LOAD = 100_000;

/** One database with one petition, and a second file of the same schema for the raw insertions. */
type Place = {
  readonly storage: Storage;
  readonly lock: ReturnType<typeof openSqliteLock>;
  readonly file: string;
  readonly petition: Petition;
  readonly raw: Database.Database;
  readonly rowsBefore: number;
  readonly bytesBefore: number;
};

const logKey = parseLogKey(generateLogKey('bench.example/log')) as LogKey;
const keyEncryptionKey = secretKey(randomBytes(32));
const places = new Map<string, Place>();
const keys: ReceiptKeys = await loadReceiptKeys(generateReceiptKeys());
const bareKey: KeyObject = createPrivateKey(
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey,
);

answer({
  /** Opens a place that holds `rows` signatures already. */
  async open({ folder, rows }: { folder: string; rows: number }) {
    const [file, rawFile] = [join(folder, 'paraphe.sqlite'), join(folder, 'raw.sqlite')];
    const dataDir = { databaseUrl: `sqlite:${file}`, dataDir: folder };
    migrateSqlite(dataDir);
    migrateSqlite({ ...dataDir, databaseUrl: `sqlite:${rawFile}` });
    const opening = openSqliteStorage(dataDir);
    const lock = openSqliteLock(folder);
    await beginLog(lock, logKey);
    const first = await openSequencer(opening, lock, 64);
    const petitionFile = parsePetitionFile(
      '---\nslug: bench\ntitle: Un banc public\nmin_age: 18\ndepartments: true\n---\nUn texte.\n',
      'bench',
    );
    const deps = { register: first, keyEncryptionKey, clock: () => new Date() };
    const petition = await openPetition(deps, petitionFile, { issuer: ISSUER, clientId: 'bench', acr: 'eidas1' });
    opening.close();
    lock.close();
    await fill(file, rows, petition);
    const storage = openSqliteStorage(dataDir);
    const raw = new Database(rawFile);
    raw.pragma('journal_mode = WAL');
    raw.pragma('synchronous = FULL');
    raw.exec('PRAGMA foreign_keys = OFF');
    const place = { storage, lock: openSqliteLock(folder), file, petition, raw, rowsBefore: rows };
    places.set(folder, { ...place, bytesBefore: statSync(file).size });
  },

  /** Signs `count` times, `batch` at once; in the median slice's terms: seconds, and CPU milliseconds of all threads. */
  async domain({ folder, batch, count }: { folder: string; batch: number; count: number }) {
    const { storage, lock, petition } = getPlace(folder);
    const register = await openSequencer(storage, lock, batch);
    const deps = { petitions: storage.petitions, keyEncryptionKey, pseudonyms, register };
    const subs = Array.from({ length: count }, newSub);
    const one = (sub: string) => signAndReceive(deps, petition, sub);
    return timed(async () => {
      for (let i = 0; i < count; i += batch) await Promise.all(subs.slice(i, i + batch).map(one));
    });
  },

  /** Appends alone: pseudonyms that are there already, no receipt. */
  async appends({ folder, batch, count }: { folder: string; batch: number; count: number }) {
    const { storage, lock, petition } = getPlace(folder);
    const register = await openSequencer(storage, lock, batch);
    const nyms = Array.from({ length: count }, () => nymFromBytes(randomBytes(32)));
    return timed(async () => {
      for (let i = 0; i < count; i += batch) {
        const some = nyms.slice(i, i + batch);
        await Promise.all(some.map((nym) => signPetition({ register }, petition, { nym, department: DEPARTMENT })));
      }
    });
  },

  /** Milliseconds from a confirmation to its receipt, when so many come in a second, evenly, to a gateway's sequencer. */
  async acknowledgements({ folder, rate, seconds }: { folder: string; rate: number; seconds: number }) {
    const { storage, lock, petition } = getPlace(folder);
    const register = await openSequencer(storage, lock);
    const deps = { petitions: storage.petitions, keyEncryptionKey, pseudonyms, register };
    const begin = performance.now();
    const answers: Promise<number>[] = [];
    while (answers.length < rate * seconds) {
      const due = Math.floor(((performance.now() - begin) / 1000) * rate);
      while (answers.length < Math.min(due, rate * seconds)) answers.push(acknowledged(deps, petition));
      await wait(1);
    }
    const times = (await Promise.all(answers)).sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  },

  evaluation: ({ count }: { count: number }) => {
    const secret = randomBytes(32);
    secret[31] = 0; // below the group's order
    const inputs = Array.from({ length: count }, () => personInput({ issuer: ISSUER, sub: newSub() }));
    return timed(() => {
      for (const input of inputs) evaluate(secret, input);
    });
  },

  signature: ({ count }: { count: number }) => {
    const inputs = Array.from({ length: count }, () => randomBytes(450)); // as long as a receipt's signing input
    return timed(() => {
      for (const input of inputs) sign('sha256', input, bareKey);
    });
  },

  /** A signature's two rows: the one that decides, and its entry. */
  insertion: ({ folder, batch, count }: { folder: string; batch: number; count: number }) => {
    const { raw } = getPlace(folder);
    const decide = raw.prepare('INSERT INTO signatures (petition, nym, entry) VALUES (1, ?, ?)');
    const log = raw.prepare(
      'INSERT INTO entries ("index", kind, day, petition, nym, department) VALUES (?, 2, ?, 1, ?, ?)',
    );
    const day = dayNumber(parisDay(new Date()));
    const next = raw.prepare('SELECT coalesce(max("index"), -1) + 1 FROM entries').pluck().get() as number;
    const nyms = Array.from({ length: count }, () => randomBytes(32));
    const together = raw.transaction((from: number) => {
      for (const [i, nym] of nyms.slice(from, from + batch).entries()) {
        decide.run(nym, next + from + i);
        log.run(next + from + i, day, nym, DEPARTMENT);
      }
    });
    return timed(() => {
      for (let i = 0; i < count; i += batch) together.immediate(i);
    });
  },

  /** A leaf of an entry's length, and a node. */
  hashes: ({ count }: { count: number }) => {
    const [leaf, node] = [randomBytes(170), randomBytes(65)];
    return timed(() => {
      for (let i = 0; i < count; i++) {
        hash('sha256', leaf, 'buffer');
        hash('sha256', node, 'buffer');
      }
    });
  },

  /** Bytes of the data file for each signature that the domain recorded since `open`. */
  disk({ folder }: { folder: string }) {
    const { file, bytesBefore, rowsBefore } = getPlace(folder);
    const database = new Database(file);
    try {
      database.pragma('wal_checkpoint(TRUNCATE)');
      const rows = database.prepare('SELECT count(*) FROM signatures').pluck().get() as number;
      return {
        rows,
        bytes: rowsBefore === 0 ? (statSync(file).size - bytesBefore) / rows : statSync(file).size / rows,
      };
    } finally {
      database.close();
    }
  },

  close({ folder }: { folder: string }) {
    const { storage, lock, raw } = getPlace(folder);
    storage.close();
    lock.close();
    raw.close();
    places.delete(folder);
  },
});

async function timed(work: () => Promise<void> | void): Promise<{ seconds: number; cpu: number }> {
  const [begin, cpu] = [performance.now(), cpuMs()];
  await work();
  return { seconds: (performance.now() - begin) / 1000, cpu: cpuMs() - cpu };
}

function getPlace(folder: string): Place {
  const place = places.get(folder);
  if (place === undefined) throw new Error(`${folder} is not open`);
  return place;
}

/** As FranceConnect's: 64 hexadecimal characters and `v1`. */
function newSub(): string {
  return `${randomBytes(32).toString('hex')}v1`;
}

type Signing = Parameters<typeof computeNym>[0] & { readonly register: Sequencer<PetitionAct, PetitionOutcome> };

/** From a verified login to the receipt. */
async function signAndReceive(deps: Signing, petition: Petition, sub: string): Promise<void> {
  const nym = await computeNym(deps, petition, { issuer: ISSUER, sub });
  const { signature } = await signPetition(deps, petition, { nym, department: DEPARTMENT });
  const { day, department, index } = signature;
  computeReceipt(keys, {
    issuer: 'https://petitions.example.org',
    petition: petition.id,
    statementHash: petition.statement.hash,
    nym,
    day,
    department,
    log: { origin: logKey.origin, index },
  });
}

async function acknowledged(deps: Signing, petition: Petition): Promise<number> {
  const begin = performance.now();
  await signAndReceive(deps, petition, newSub());
  return performance.now() - begin;
}

/** @param batch fills at once, or as a gateway's does where it is not said */
function openSequencer(storage: Storage, lock: Place['lock'], batch?: number) {
  const filled = batch === undefined ? {} : { windowMs: 5, batch };
  const limits = { ...filled, backlog: Number.MAX_SAFE_INTEGER };
  const deps = { store: storage.log, lock, key: logKey, clock: () => new Date(), limits };
  return Sequencer.open<PetitionAct, PetitionOutcome>(deps);
}

/**
 * Signatures of earlier days, in the order in which people come: pages end up as full as they would, and the log is whole.
 * Durability is off while it loads, and the cache holds everything.
 */
async function fill(file: string, rows: number, petition: Petition): Promise<void> {
  if (rows === 0) return;
  const database = new Database(file);
  database.pragma('journal_mode = OFF');
  database.pragma('synchronous = OFF');
  database.pragma('cache_size = -2000000');
  const sign = database.prepare('INSERT INTO signatures (petition, nym, entry) VALUES (1, ?, ?)');
  const log = database.prepare(
    'INSERT INTO entries ("index", kind, day, petition, nym, department) VALUES (?, 2, ?, 1, ?, ?)',
  );
  const tile = database.prepare('INSERT OR REPLACE INTO tiles (place, hashes) VALUES (?, ?)');
  const first = database.prepare('SELECT hashes FROM tiles WHERE place = 0').pluck().get() as Buffer;
  const edge = new TileEdge(hashing, 1, [first]);
  const today = parisDay(new Date());
  const day = dayNumber(today);
  const load = database.transaction((from: number, count: number) => {
    const nyms = randomBytes(32 * count);
    for (let i = 0; i < count; i++) {
      const nym = nyms.subarray(32 * i, 32 * (i + 1));
      sign.run(nym, from + i);
      log.run(from + i, day, nym, DEPARTMENT);
      const entry = {
        petition: petition.id,
        nym: nymFromBytes(nym),
        department: DEPARTMENT,
        evidence: null,
        day: today,
      };
      edge.append(hashing.leaf(encodeEntry({ kind: 'signed', ...entry })));
    }
    for (const {
      tile: { level, index },
      bytes,
    } of edge.takeChanged())
      tile.run(Number(level) * 2 ** 44 + index, bytes);
  });
  for (let loaded = 0; loaded < rows; loaded += LOAD) load(1 + loaded, Math.min(LOAD, rows - loaded));
  database.prepare('UPDATE log SET size = ?, root = ?').run(edge.size, edge.root());
  await publish(database, { origin: logKey.origin, size: edge.size, root: edge.root() }, petition, rows, today);
  database.pragma('journal_mode = WAL');
  database.close();
}

/** As a gateway does now and then, so that a start folds only what came later. */
async function publish(database: Database.Database, head: Checkpoint, petition: Petition, rows: number, today: Day) {
  const figures = {
    opened: openedEntry(petition, petition.opened),
    closed: null,
    destroyed: null,
    total: rows,
    byDay: [[today, rows]],
    byDepartment: [[DEPARTMENT, rows]],
    withdrawn: 0,
    invalidated: [],
  };
  const snapshot = { size: head.size, day: today, petitions: [figures], cases: [] };
  const note = formatNote(await signNote(formatCheckpoint(head), [logKey.signer]));
  database.prepare('INSERT INTO fold (id, snapshot) VALUES (1, ?)').run(JSON.stringify(snapshot));
  database.prepare('INSERT INTO publication (id, checkpoint, at) VALUES (1, ?, 0)').run(note);
}
