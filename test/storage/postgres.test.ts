import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { LogConflict } from '../../src/log/ports.ts';
import {
  holdWriter,
  migrateStorage,
  openJourneys,
  openLock,
  openStorage,
  readLock,
  type Storage,
  WriterBusy,
} from '../../src/storage/open.ts';
import { Database } from '../../src/storage/postgres/database.ts';
import { Growth } from '../../src/storage/postgres/growth.ts';
import { entryRange, latestEntries, moveSignatures } from '../../src/storage/postgres/log-statements.ts';
import { postgresPetitionStore } from '../../src/storage/postgres/petition-store.ts';
import { day, newNym, opened, PETITION, petitionNamed, signed, withdrawn } from '../fakes/acts.ts';
import { newDatabase, newPlace, type PostgresPlace, sql } from '../fakes/postgres.ts';
import { writtenLog } from '../fakes/written-log.ts';
import { storageContract } from './contract.ts';

let shared: PostgresPlace;
beforeAll(async () => {
  shared = await newPlace();
});
afterAll(() => shared.done());

storageContract('PostgreSQL', async () => {
  const place = shared;
  await place.empty();
  const storage = await openStorage(place);
  const waiting = await openJourneys(place);
  return {
    storage,
    waiting,
    async done() {
      await storage.close();
      await waiting.close();
    },
  };
});

const MONDAY = day('2026-11-16');
const nobody = () => {};
/** Who has a transaction open and does nothing. */
const STOPPED = "SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()";
/** Who waits for someone else's transaction. */
const WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";

let place: PostgresPlace;
let storage: Storage;
beforeEach(async () => {
  place = shared;
  await place.empty();
  storage = await openStorage(place);
});
afterEach(() => storage.close());

/** A database of its own, for what cannot be undone. */
async function alone(): Promise<void> {
  await storage.close();
  place = await newPlace();
  storage = await openStorage(place);
  onTestFinished(() => place.done());
}

const withPetition = async () => {
  const log = await writtenLog(storage.log);
  await log.write(MONDAY, opened(petitionNamed('une', PETITION)));
  return log;
};

describe('one person, one signature, on PostgreSQL', () => {
  test('two connections that record the same nyms at once: one of the two signs, and one row stands for each', async () => {
    await withPetition();
    const other = await openStorage(place);
    const people = Array.from({ length: 20 }, newNym);
    const results = await Promise.all([storage, other].map((one) => recordEach(one, people)));
    for (const [i] of people.entries()) {
      expect(results.map((of) => of[i]).sort()).toEqual(['already-signed', 'signed']);
    }
    expect(await rowsByPair()).toEqual(people.map(() => 1));
    expect(await storage.checkTables()).toEqual([]);
    await other.close();
  });

  test('negative control: without the primary key both sign, and two rows stand for each', async () => {
    await alone();
    await withPetition();
    await sql(place.databaseUrl, 'ALTER TABLE signatures DROP CONSTRAINT signatures_petition_nym_pk');
    const other = await openStorage(place);
    const people = Array.from({ length: 3 }, newNym);
    const results = await Promise.all([storage, other].map((one) => recordEach(one, people)));
    expect(results.flat()).toEqual(Array(6).fill('signed'));
    expect(await rowsByPair()).toEqual(people.map(() => 2));
    await other.close();
  });

  async function recordEach(one: Storage, people: readonly ReturnType<typeof newNym>[]): Promise<string[]> {
    const results: string[] = [];
    for (const nym of people) {
      for (let answered = false; !answered; ) {
        const size = (await one.log.state())?.size ?? 0;
        const batch = {
          epoch: 0,
          size,
          day: MONDAY,
          total: () => 0,
          grow: () => ({ tiles: [], root: new Uint8Array(32) }),
        };
        try {
          results.push((await one.log.append(batch, [signed(nym)])).outcomes[0]!.result);
          answered = true;
        } catch (error) {
          if (!(error instanceof LogConflict)) throw error; // the other was quicker
        }
      }
    }
    return results;
  }

  async function rowsByPair(): Promise<number[]> {
    const query = 'SELECT count(*)::integer AS rows FROM signatures GROUP BY petition, nym';
    return (await sql<{ rows: number }>(place.databaseUrl, query)).map(({ rows }) => rows);
  }
});

describe('a batch on PostgreSQL', () => {
  test('of new signatures and of known ones gives each its entry, and the pointers hold', async () => {
    const log = await withPetition();
    const [anna, bela, cleo, dora] = [newNym(), newNym(), newNym(), newNym()];
    await log.write(MONDAY, signed(anna), signed(bela));
    await log.write(MONDAY, withdrawn(bela));
    const outcomes = await log.write(MONDAY, signed(cleo), signed(anna), signed(bela), withdrawn(dora), signed(dora));
    expect(outcomes.map(({ result }) => result)).toEqual([
      'signed',
      'already-signed',
      'signed',
      'not-signed',
      'signed',
    ]);
    const indexes = await Promise.all([anna, bela, cleo, dora].map(async (nym) => (await find(nym))?.index));
    expect(indexes).toEqual([1, 5, 4, 6]);
    expect(await storage.checkTables()).toEqual([]);
  });

  const find = (nym: ReturnType<typeof newNym>) => storage.signatures.find(PETITION, nym, Number.MAX_SAFE_INTEGER);

  test('that its process was stopped in the middle of is ended by the server, and may be asked again', async () => {
    const database = new Database(place.databaseUrl, 1);
    const statement = { name: 'paraphe_test_one', text: 'SELECT 1' };
    const stopped = database.transact(async (transaction) => {
      await transaction.run(statement);
      for (const count of [1, 0]) await expect.poll(() => sql(place.databaseUrl, STOPPED)).toHaveLength(count);
      await transaction.run(statement);
    });
    await expect(stopped).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(await database.rows(statement)).toHaveLength(1);
    // What a process hears that asks before it has read that its session is over.
    const text = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '25P03'; END $$";
    await expect(database.rows({ name: 'paraphe_test_over', text })).rejects.toMatchObject({
      code: 'storage-unavailable',
    });
    await database.close();
  });

  test('whose statements fail one behind the other is told why the first did, whichever was waited for', async () => {
    const database = new Database(place.databaseUrl, 1);
    const text = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '55P03'; END $$";
    const failing = database.transact(async (transaction) => {
      void transaction.run({ name: 'paraphe_test_late', text });
      await transaction.run({ name: 'paraphe_test_behind', text: 'SELECT 1' });
    });
    await expect(failing).rejects.toMatchObject({ code: 'storage-unavailable', reason: '55P03' });
    await database.close();
  });

  test.each(['40001', '40P01'])('that meets SQLSTATE %s before it has grown is tried again', async (code) => {
    await alone();
    const log = await withPetition();
    await failOnce('signatures', code);
    expect(await log.write(MONDAY, signed(newNym()))).toMatchObject([{ result: 'signed' }]);
    expect(log.size).toBe(2);
  });

  test('that meets it later is not: whoever asked reads where the log stands, and asks again', async () => {
    await alone();
    const log = await withPetition();
    await failOnce('tiles', '40001');
    const nym = newNym();
    await expect(log.write(MONDAY, signed(nym))).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(await storage.log.entries(0, 9)).toHaveLength(1);
    expect(await find(nym)).toBeUndefined();
    const again = await writtenLog(storage.log);
    expect(await again.write(MONDAY, signed(nym))).toMatchObject([{ result: 'signed' }]);
  });

  /** The first row that is written to a table fails, with that SQLSTATE. */
  async function failOnce(table: string, code: string): Promise<void> {
    await sql(
      place.databaseUrl,
      'CREATE SEQUENCE attempts',
      `CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF nextval('attempts') = 1 THEN RAISE EXCEPTION 'once' USING ERRCODE = '${code}'; END IF;
         RETURN NEW;
       END $$`,
      `CREATE TRIGGER fails BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION fail_once()`,
    );
  }

  test('whose log has another size at its end than at its beginning is not recorded, though its commit is on the way', async () => {
    const { size } = await withPetition();
    const database = new Database(place.databaseUrl, 1);
    const recording = database.transact(async (transaction) => {
      const growth = new Growth(transaction, { size, epoch: 0 });
      const standing = growth.standing(PETITION, newNym());
      await growth.claim([standing], [], 0);
      transaction.run({ name: 'another', text: 'UPDATE log SET size = size + 1' });
      await growth.finish({ tiles: [], root: new Uint8Array(32) });
    });
    await expect(recording).rejects.toThrow(/violates not-null constraint/);
    expect(await storage.log.state()).toMatchObject({ size });
    expect(await sql(place.databaseUrl, 'SELECT FROM signatures')).toEqual([]);
    await database.close();
  });

  test('whose connection is cut in the middle leaves nothing, and the next one works', async () => {
    const log = await withPetition();
    const holder = new pg.Client(place.databaseUrl);
    await holder.connect();
    await holder.query('BEGIN; SELECT * FROM log FOR UPDATE');
    const asked = log.write(MONDAY, signed(newNym()));
    const refused = expect(asked).rejects.toMatchObject({ code: 'storage-unavailable' });
    await expect.poll(() => sql(place.databaseUrl, WAITING), { interval: 10 }).toHaveLength(1);
    await sql(place.databaseUrl, `SELECT pg_terminate_backend(pid) FROM (${WAITING}) AS cut`);
    await refused;
    await holder.query('ROLLBACK');
    await holder.end();
    expect(await log.write(MONDAY, signed(newNym()))).toMatchObject([{ result: 'signed' }]);
  });
});

describe('a PostgreSQL database', () => {
  test('whose petition another process changes shows it within a tenth of a second', async () => {
    const log = await withPetition();
    const other = await openStorage(place);
    expect(await other.petitions.findBySlug('une')).toMatchObject({ closed: undefined });
    await log.write(MONDAY, { kind: 'petition-closed', petition: PETITION });
    await expect.poll(() => other.petitions.findBySlug('une'), { interval: 20 }).toMatchObject({ closed: MONDAY });
    await other.close();
  });

  test('whose connections are all cut while nobody uses them serves on', async () => {
    await Promise.all(Array.from({ length: 20 }, () => storage.ready()));
    await sql(
      place.databaseUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'paraphe'`,
    );
    const answer = () =>
      storage.ready().then(
        () => 'ready',
        ({ code }: { code: string }) => code,
      );
    expect(['ready', 'storage-unavailable']).toContain(await answer());
    await expect.poll(answer, { interval: 10 }).toBe('ready');
  });

  test.each([
    ['synchronous_commit', 'off', /synchronous_commit=off: .*ALLOW_UNSAFE_COMMITS=1/],
    ['synchronous_commit', 'local', /synchronous_commit=local/],
    ['synchronous_commit', 'remote_write', /synchronous_commit=remote_write/],
  ])('with %s=%s is refused, unless asked for by name', async (setting, value, words) => {
    const name = new URL(place.databaseUrl).pathname.slice(1);
    await sql(place.databaseUrl, `ALTER DATABASE ${name} SET ${setting} = ${value}`);
    onTestFinished(async () => void (await sql(place.databaseUrl, `ALTER DATABASE ${name} RESET ${setting}`)));
    await expect(openStorage(place)).rejects.toThrow(words);
    await expect(openStorage(place)).rejects.toThrow(SetupError);
    await expect(migrateStorage(place)).rejects.toThrow(words);
    await expect(openLock({ ...place, lockUrl: place.databaseUrl })).rejects.toThrow(words);
    await (await openStorage({ ...place, allowUnsafeCommits: true })).close();
  });

  test('in another encoding is refused', async () => {
    const url = place.databaseUrl.replace(/[^/]+$/, 'latin');
    await sql(place.databaseUrl, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    await expect(migrateStorage({ ...place, databaseUrl: url })).rejects.toThrow('is in LATIN1');
  });

  test('of another version is refused in one line; one that lacks a migration says what to do', async () => {
    await alone();
    await sql(place.databaseUrl, "UPDATE drizzle.__drizzle_migrations SET hash = 'of another version'");
    for (const start of [openStorage, migrateStorage]) {
      await expect(start(place)).rejects.toThrow(/^[^\n]*another version of Paraphe[^\n]*$/);
    }
    const empty = await newDatabase();
    await expect(openStorage({ ...place, databaseUrl: empty })).rejects.toThrow('paraphe migrate');
    const both = [1, 2].map(() => migrateStorage({ ...place, databaseUrl: empty }));
    expect((await Promise.all(both)).sort()).toEqual([0, expect.any(Number)]);
  });

  test('that is out of reach is told without its password', async () => {
    const databaseUrl = 'postgres://paraphe:s3cret@127.0.0.1:1/data';
    const error = await openStorage({ ...place, databaseUrl }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SetupError);
    expect(String(error)).toMatch(/Cannot open postgres:\/\/127\.0\.0\.1:1\/data: .*ECONNREFUSED/);
    expect(String(error)).not.toContain('s3cret');
  });

  test('is asked by keys, whatever size its tables had when a plan was made', async () => {
    const log = await withPetition();
    await log.write(MONDAY, ...Array.from({ length: 5 }, () => signed(newNym())));
    await sql(place.databaseUrl, 'VACUUM ANALYZE');
    const statements = [latestEntries, moveSignatures, entryRange].map(({ text }) => `EXPLAIN (GENERIC_PLAN) ${text}`);
    const database = new Database(place.databaseUrl, 1);
    for (const text of statements) {
      expect(JSON.stringify((await database.pool.query(text)).rows)).not.toMatch(/Seq Scan|Hash/);
    }
    await database.close();
    // Without our settings, the server reads tables as small as these from end to end.
    expect(JSON.stringify(await sql(place.databaseUrl, statements[0]!))).toContain('Seq Scan');
  });

  test('that hangs up is told in words that hold nothing of what was asked', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.end())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const database = new Database(`postgres://paraphe@127.0.0.1:${(server.address() as AddressInfo).port}/paraphe`, 1);
    await expect(postgresPetitionStore(database).findBySlug('what-camille-asked')).rejects.toMatchObject({
      code: 'storage-unavailable',
      reason: 'Connection terminated unexpectedly',
    });
    await database.close();
    server.close();
  });

  test('is backed up by its own tool', async () => {
    await expect(storage.backup('/tmp/never')).rejects.toThrow('`pg_dump ');
  });

  test('keeps journeys and requests in tables that cost no write-ahead log', async () => {
    const query = "SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r' ORDER BY relname";
    expect(await sql(place.databaseUrl, query)).toEqual(
      ['claims', 'journeys', 'provider_rows', 'requests'].map((relname) => ({ relname })),
    );
  });

  test('has at most ten connections open for the data of one process', async () => {
    await Promise.all(Array.from({ length: 200 }, () => storage.ready()));
    const [open] = await sql<{ open: number }>(
      place.databaseUrl,
      `SELECT count(*)::integer AS open FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'paraphe'`,
    );
    expect(open?.open).toBeGreaterThan(0);
    expect(open?.open).toBeLessThanOrEqual(10);
  });
});

describe('the right to write, on PostgreSQL', () => {
  test('is one process’s, for as long as it renews it', async () => {
    stopRenewing();
    const lost = vi.fn();
    const writer = await holdWriter(place, lost);
    await expect(holdWriter(place, nobody)).rejects.toThrow(WriterBusy);
    expect(await storage.isWriterGone()).toBe(false);
    await runOut();
    expect(await storage.isWriterGone()).toBe(true);
    const next = await holdWriter(place, nobody);
    expect(next.epoch).toBe(writer.epoch + 1);
    await vi.advanceTimersByTimeAsync(1000);
    await expect.poll(() => lost.mock.calls).toMatchObject([[{ message: expect.stringContaining('taken') }]]);
    await writer.release(); // which is nobody's business any more
    expect(await storage.isWriterGone()).toBe(false);
    await next.release();
    expect(await storage.isWriterGone()).toBe(true);
    expect(lost).toHaveBeenCalledTimes(1);
  });

  test('is still there after its connections were cut', async () => {
    const lost = vi.fn();
    const writer = await holdWriter(place, lost);
    const renewed = async () => (await sql(place.databaseUrl, 'SELECT renewed::text FROM lease'))[0];
    for (let times = 0; times < 2; times++) {
      await cut();
      const before = await renewed();
      await expect.poll(renewed).not.toEqual(before);
    }
    expect(await storage.isWriterGone()).toBe(false);
    expect(lost).not.toHaveBeenCalled();
    await writer.release();
  });

  test('is tried by several at once, and is one’s', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => holdWriter(place, nobody)));
    const held = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(held).toHaveLength(1);
    await held[0]?.release();
  });

  test('once it is another’s, nothing is recorded or published under it', async () => {
    stopRenewing();
    const { write, size } = await withPetition();
    const writer = await holdWriter(place, nobody);
    await expect(write(MONDAY, signed(newNym()))).rejects.toThrow(LogConflict); // it writes in epoch 0
    await expect(storage.log.publish('a note\n', new Date(), undefined, 0)).rejects.toThrow(LogConflict);
    await storage.log.publish('a note\n', new Date(), undefined, writer.epoch);
    await runOut();
    const next = await holdWriter(place, nobody);
    await expect(storage.log.publish('another\n', new Date(), undefined, writer.epoch)).rejects.toThrow(LogConflict);
    expect(await storage.log.state()).toMatchObject({ size, publication: { checkpoint: 'a note\n' } });
    await next.release();
    await writer.release();
  });

  test('waits for a batch that is being recorded under the one before, and finds it', async () => {
    const { size } = await withPetition();
    await storage.close();
    storage = await openStorage(place);
    stopRenewing();
    const writer = await holdWriter(place, nobody);
    const database = new Database(place.databaseUrl, 1);
    await runOut();
    const taken: string[] = [];
    await database.transact(async (transaction) => {
      await new Growth(transaction, { size, epoch: writer.epoch }).petitions([], 0);
      void holdWriter(place, nobody).then(async (next) => {
        taken.push('next');
        await next.release();
      });
      const waiting = async () => {
        await transaction.run({ name: 'awake', text: 'SELECT 1' }); // whoever idles for two seconds is cut off
        return sql(place.databaseUrl, WAITING);
      };
      await expect.poll(waiting, { interval: 10 }).toHaveLength(1);
      taken.push('recorded');
    });
    await expect.poll(() => taken).toEqual(['recorded', 'next']);
    await database.close();
    await writer.release();
  });
});

/** From now on in this test, whoever holds the right renews it only when the test lets a second go by. */
function stopRenewing(): void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** As if its holder had not renewed it for long. */
const runOut = () => sql(place.databaseUrl, "UPDATE lease SET renewed = '-infinity'");

/** All connections of a gateway, as when the database is restarted. */
const cut = () =>
  sql(
    place.databaseUrl,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'paraphe'`,
  );

describe('the lock in a database of its own', () => {
  test('is swapped by whoever knows what stands there, once', async () => {
    const there = { ...place, lockUrl: await newDatabase() };
    expect(await readLock(there)).toBeUndefined();
    const [one, two] = [await openLock(there), await openLock(there)];
    expect(await one.read()).toBeUndefined();
    expect((await Promise.all([one.swap(undefined, 'a'), two.swap(undefined, 'b')])).sort()).toEqual([false, true]);
    const first = await one.read();
    expect((await Promise.all([one.swap(first, 'c'), two.swap(first, 'd')])).sort()).toEqual([false, true]);
    expect(await one.swap(first, 'e')).toBe(false);
    expect(await readLock(there)).toMatch(/^[cd]$/);
    await one.close();
    await two.close();
  });

  test('is refused beside the data where it is named: a backup of them would bring it back', async () => {
    await expect(openLock({ ...place, lockUrl: place.databaseUrl })).rejects.toThrow('a database of its own');
  });
});
