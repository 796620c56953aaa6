/**
 * Signatures through the domain and the log without HTTP (pseudonym, sequencer, SQLite, checkpoint, receipt), and the parts
 * that nobody could leave out, raw: the VOPRF evaluation, the ES256 signature, the insertion of the same rows, the hashes.
 */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { dayNumber, parisDay } from '../../src/clock.ts';
import { beginLog } from '../../src/log/standing.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { pseudonyms } from '../../src/person/pseudonym.ts';
import type { Petition } from '../../src/petitions/petition.ts';
import { signPetition } from '../../src/petitions/sign-petition.ts';
import type { Storage } from '../../src/storage/open.ts';
import { openSqliteLock } from '../../src/storage/sqlite/lock.ts';
import { migrateSqlite, openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { fillSqlite } from '../filled.ts';
import { answer } from '../part.ts';
import {
  acknowledgements,
  DEPARTMENT,
  keyEncryptionKey,
  logKey,
  newSub,
  openBench,
  openSequencer,
  RAW,
  signAndReceive,
  timed,
} from '../signing.ts';

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

const places = new Map<string, Place>();

answer({
  ...RAW,

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
    const petition = await openBench(first);
    opening.close();
    lock.close();
    if (rows > 0) await fillSqlite(file, rows, logKey, [petition]);
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
    return acknowledgements(deps, petition, rate, seconds);
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

function getPlace(folder: string): Place {
  const place = places.get(folder);
  if (place === undefined) throw new Error(`${folder} is not open`);
  return place;
}
