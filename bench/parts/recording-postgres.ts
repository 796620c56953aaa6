/**
 * The same recordings as `recording.ts` on PostgreSQL, each database with its lock in another beside it, and the raw
 * insertion of the same two rows. The part talks to a server that others have started.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import pg from 'pg';
import { dayNumber, parisDay } from '../../src/clock.ts';
import { beginLog } from '../../src/log/standing.ts';
import { hashing } from '../../src/node-crypto.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { pseudonyms } from '../../src/person/pseudonym.ts';
import type { Petition } from '../../src/petitions/petition.ts';
import { signPetition } from '../../src/petitions/sign-petition.ts';
import { migrateStorage, openArriving, openLock, openStorage, type Storage } from '../../src/storage/open.ts';
import { TileEdge } from '../../src/tlog/tile-edge.ts';
import { newDatabaseAt } from '../../test/fakes/own-postgres.ts';
import { Crowd, published } from '../filled.ts';
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

/** Rows of an earlier day that travel together. */
const LOAD = 5000;

type Place = {
  readonly storage: Storage;
  readonly lock: Awaited<ReturnType<typeof openLock>>;
  readonly petition: Petition;
  readonly client: pg.Client;
  readonly raw: pg.Client;
  readonly bytesBefore: number;
};

const places = new Map<string, Place>();

answer({
  ...RAW,

  /** Opens a place that holds `rows` signatures already. `server` is the server's address, without a database. */
  async open({ folder, rows, server }: { folder: string; rows: number; server: string }) {
    const [databaseUrl, lockUrl, rawUrl] = [
      await newDatabaseAt(server),
      await newDatabaseAt(server),
      await newDatabaseAt(server),
    ];
    const at = { dataDir: folder, databaseUrl, lockUrl };
    await migrateStorage(at);
    await migrateStorage({ ...at, databaseUrl: rawUrl });
    const lock = await openLock(at);
    await beginLog(lock, logKey);
    const opening = await openStorage(at);
    const petition = await openBench(await openSequencer(opening, lock, 64));
    await opening.close();
    const [client, raw] = [await connected(databaseUrl), await connected(rawUrl)];
    const bytesBefore = await bytesOf(client);
    if (rows > 0) await fill(databaseUrl, rows, petition);
    places.set(folder, { storage: await openStorage(at), lock, petition, client, raw, bytesBefore });
  },

  /**
   * People come one after the other, as to a gateway, and `atOnce` of them wait at most. With those of two batches, the next
   * one gathers while one is recorded; with those of one, nobody comes before everyone is answered.
   */
  async domain({ folder, batch, count, atOnce }: { folder: string; batch: number; count: number; atOnce: number }) {
    const { storage, lock, petition } = getPlace(folder);
    const register = await openSequencer(storage, lock, batch);
    const deps = { petitions: storage.petitions, keyEncryptionKey, pseudonyms, register };
    const subs = Array.from({ length: count }, newSub);
    return timed(async () => {
      const answers: Promise<void>[] = [];
      for (const [i, sub] of subs.entries()) {
        await answers[i - atOnce];
        answers.push(signAndReceive(deps, petition, sub));
        await turn();
      }
      await Promise.all(answers);
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

  async acknowledgements({ folder, rate, seconds }: { folder: string; rate: number; seconds: number }) {
    const { storage, lock, petition } = getPlace(folder);
    const register = await openSequencer(storage, lock);
    const deps = { petitions: storage.petitions, keyEncryptionKey, pseudonyms, register };
    return acknowledgements(deps, petition, rate, seconds);
  },

  /** A signature's two rows, in arrays that come apart, in one statement for each batch: no way there and back is too many. */
  async insertion({ folder, batch, count }: { folder: string; batch: number; count: number }) {
    const { raw } = getPlace(folder);
    const day = dayNumber(parisDay(new Date()));
    const found = await raw.query<{ next: string }>('SELECT coalesce(max("index"), -1) + 1 AS next FROM entries');
    const next = Number(found.rows[0]?.next);
    const nyms = Array.from({ length: count }, () => randomBytes(32));
    return timed(async () => {
      for (let i = 0; i < count; i += batch) {
        const some = nyms.slice(i, i + batch);
        const values = [some, some.map((_, at) => next + i + at), day, DEPARTMENT];
        await raw.query({ name: 'insert', text: INSERT, values });
      }
    });
  },

  /** Bytes of the database for each signature, beyond those of an empty one. */
  async disk({ folder }: { folder: string }) {
    const { client, bytesBefore } = getPlace(folder);
    await client.query('VACUUM');
    const found = await client.query<{ rows: string }>('SELECT count(*) AS rows FROM signatures');
    const rows = Number(found.rows[0]?.rows);
    return { rows, bytes: ((await bytesOf(client)) - bytesBefore) / rows };
  },

  /** Bytes of write-ahead log that the server has written since it was made. */
  async wal({ folder }: { folder: string }) {
    const { rows } = await getPlace(folder).client.query<{ bytes: string }>(
      "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes",
    );
    return Number(rows[0]?.bytes);
  },

  async close({ folder }: { folder: string }) {
    const { storage, lock, client, raw } = getPlace(folder);
    await Promise.all([storage.close(), lock.close(), client.end(), raw.end()]);
    places.delete(folder);
  },
});

const INSERT = `WITH decided AS (
    INSERT INTO signatures (petition, nym, entry)
    SELECT 1, * FROM unnest($1::bytea[], $2::bigint[]) ON CONFLICT DO NOTHING
  )
  INSERT INTO entries ("index", kind, day, petition, nym, department)
  SELECT index, 2, $3::integer, 1, nym, $4::text FROM unnest($1::bytea[], $2::bigint[]) AS new (nym, index)`;

function getPlace(folder: string): Place {
  const place = places.get(folder);
  if (place === undefined) throw new Error(`${folder} is not open`);
  return place;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

async function bytesOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size(current_database()) AS bytes');
  return Number(rows[0]?.bytes);
}

/** In one transaction; `Crowd` says what. */
async function fill(databaseUrl: string, rows: number, petition: Petition): Promise<void> {
  const target = await openArriving({ dataDir: '', databaseUrl });
  const client = await connected(databaseUrl);
  const found = await client.query<{ hashes: Buffer }>('SELECT hashes FROM tiles WHERE place = 0');
  const edge = new TileEdge(hashing, 1, [found.rows[0]?.hashes ?? Buffer.alloc(0)]);
  const crowd = new Crowd(petition, rows);
  await client.query('TRUNCATE tiles');
  while (crowd.left > 0) {
    const from = edge.size;
    const some = Array.from({ length: Math.min(LOAD, crowd.left) }, () => crowd.next());
    for (const one of some) edge.append(crowd.leafOf(one));
    const signatures = some.map(({ nym }, i) => [1, nym, from + i]);
    const entries = some.map(({ nym, day, department }, i) => [from + i, 2, dayNumber(day), 1, nym, department]);
    await target.add({ name: 'signatures', columns: ['petition', 'nym', 'entry'] }, signatures);
    const columns = ['index', 'kind', 'day', 'petition', 'nym', 'department'];
    await target.add({ name: 'entries', columns }, entries);
  }
  const tiles = edge.takeChanged().map(({ tile, bytes }) => [Number(tile.level) * 2 ** 44 + tile.index, bytes]);
  for (let i = 0; i < tiles.length; i += 1000) {
    await target.add({ name: 'tiles', columns: ['place', 'hashes'] }, tiles.slice(i, i + 1000));
  }
  await target.commit();
  await target.close();
  const { snapshot, note } = await published(logKey, edge, [crowd.figures()]);
  await client.query('UPDATE log SET size = $1, root = $2', [edge.size, edge.root()]);
  await client.query('INSERT INTO fold (id, snapshot) VALUES (1, $1)', [snapshot]);
  await client.query('INSERT INTO publication (id, checkpoint, at) VALUES (1, $1, 0)', [note]);
  await client.query('VACUUM ANALYZE');
  await client.end();
}
