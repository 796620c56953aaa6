/**
 * Signatures through the domain without HTTP (pseudonym, recorder, SQLite, receipt), and the parts that nobody could
 * leave out, raw: the VOPRF evaluation, the ES256 signature, the insertion of the same row.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { secretKey } from '../../src/aead.ts';
import { dayNumber, parisDay } from '../../src/clock.ts';
import { evaluate, personInput, pseudonyms } from '../../src/person/pseudonym.ts';
import { openPetition } from '../../src/petitions/open-petition.ts';
import type { Petition } from '../../src/petitions/petition.ts';
import { parsePetitionFile } from '../../src/petitions/petition-file.ts';
import { computeNym } from '../../src/petitions/petition-key.ts';
import { Recorder } from '../../src/petitions/recorder.ts';
import { signPetition } from '../../src/petitions/sign-petition.ts';
import { computeReceipt } from '../../src/receipt/compute.ts';
import { generateReceiptKeys, loadReceiptKeys, type ReceiptKeys } from '../../src/receipt/keys.ts';
import { migrateStorage, openStorage, type Storage } from '../../src/storage/open.ts';
import { answer, cpuMs } from '../part.ts';

const ISSUER = 'https://oidc.franceconnect.gouv.fr/api/v2';
const DEPARTMENT = '75';
const LOAD = 100_000;

/** One database with one petition, and a second file of the same schema for the raw insertions. */
type Place = {
  readonly storage: Storage;
  readonly file: string;
  readonly petition: Petition;
  readonly raw: Database.Database;
  readonly rowsBefore: number;
  readonly bytesBefore: number;
};

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
    migrateStorage(dataDir);
    migrateStorage({ ...dataDir, databaseUrl: `sqlite:${rawFile}` });
    const opening = openStorage(dataDir);
    const petitionFile = parsePetitionFile(
      '---\nslug: bench\ntitle: Un banc public\nmin_age: 18\ndepartments: true\n---\nUn texte.\n',
      'bench',
    );
    const deps = { petitions: opening.petitions, keyEncryptionKey, clock: () => new Date() };
    const petition = await openPetition(deps, petitionFile, { issuer: ISSUER, clientId: 'bench', acr: 'eidas1' });
    opening.close();
    fill(file, rows);
    const storage = openStorage(dataDir);
    const raw = new Database(rawFile);
    raw.pragma('journal_mode = WAL');
    raw.pragma('synchronous = FULL');
    raw.exec('PRAGMA foreign_keys = OFF');
    places.set(folder, { storage, file, petition, raw, rowsBefore: rows, bytesBefore: statSync(file).size });
  },

  /** Signs `count` times, `batch` at once; in the median slice's terms: seconds, and CPU milliseconds of all threads. */
  async domain({ folder, batch, count }: { folder: string; batch: number; count: number }) {
    const { storage, petition } = getPlace(folder);
    const recorder = new Recorder(storage.signatures, { windowMs: 5, batch, queue: 4096 });
    const deps = { petitions: storage.petitions, keyEncryptionKey, pseudonyms, recorder };
    const today = parisDay(new Date());
    const subs = Array.from({ length: count }, newSub);
    const one = async (sub: string): Promise<void> => {
      const nym = await computeNym(deps, petition, { issuer: ISSUER, sub });
      const { signature } = await signPetition(deps, petition, { nym, department: DEPARTMENT }, today);
      const { day, department } = signature;
      const statementHash = petition.statement.hash;
      computeReceipt(keys, {
        issuer: 'https://petitions.example.org',
        petition: petition.id,
        statementHash,
        nym,
        day,
        department,
      });
    };
    return timed(async () => {
      for (let i = 0; i < count; i += batch) await Promise.all(subs.slice(i, i + batch).map(one));
    });
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

  insertion: ({ folder, batch, count }: { folder: string; batch: number; count: number }) => {
    const { raw } = getPlace(folder);
    const insert = raw.prepare('INSERT INTO signatures (petition, nym, state, day, department) VALUES (1, ?, 1, ?, ?)');
    const day = dayNumber(parisDay(new Date()));
    const nyms = Array.from({ length: count }, () => randomBytes(32));
    const together = raw.transaction((from: number) => {
      for (const nym of nyms.slice(from, from + batch)) insert.run(nym, day, DEPARTMENT);
    });
    return timed(() => {
      for (let i = 0; i < count; i += batch) together.immediate(i);
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
    const { storage, raw } = getPlace(folder);
    storage.close();
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

/**
 * Signatures of earlier days, in the order in which people come: pages end up as full as they would. Durability is off
 * while it loads, and the cache holds everything.
 */
function fill(file: string, rows: number): void {
  if (rows === 0) return;
  const database = new Database(file);
  database.pragma('journal_mode = OFF');
  database.pragma('synchronous = OFF');
  database.pragma('cache_size = -2000000');
  const insert = database.prepare(
    'INSERT INTO signatures (petition, nym, state, day, department) VALUES (1, ?, 1, ?, ?)',
  );
  const yesterday = dayNumber(parisDay(new Date())) - 1;
  const load = database.transaction((count: number) => {
    const nyms = randomBytes(32 * count);
    for (let i = 0; i < count; i++) insert.run(nyms.subarray(32 * i, 32 * (i + 1)), yesterday, DEPARTMENT);
  });
  for (let loaded = 0; loaded < rows; loaded += LOAD) load(Math.min(LOAD, rows - loaded));
  const figure = database.prepare('INSERT INTO figures (petition, figure, key, count) VALUES (1, ?, ?, ?)');
  figure.run('total', '', rows);
  figure.run('department', DEPARTMENT, rows);
  database.pragma('journal_mode = WAL');
  database.close();
}
