import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { dayFromNumber } from '../../src/clock.ts';
import { SetupError } from '../../src/errors.ts';
import { readMigrationFiles } from '../../src/storage/drizzle.ts';
import { createSqlite, openSqlite } from '../../src/storage/sqlite/database.ts';
import { migrateSqlite, openSqliteJourneys, openSqliteStorage } from '../../src/storage/sqlite/storage.ts';
import { opened, petitionNamed } from '../fakes/acts.ts';
import { writtenLog } from '../fakes/written-log.ts';
import { storageContract } from './contract.ts';

const ID = '01m7k8m0n1ew6076n6rar3zv8a';

function newPlace() {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-storage-'));
  return { dataDir, databaseUrl: 'sqlite:', done: () => rmSync(dataDir, { recursive: true, force: true }) };
}

storageContract('SQLite', async () => {
  const place = newPlace();
  migrateSqlite(place);
  const storage = openSqliteStorage(place);
  const waiting = openSqliteJourneys(place.dataDir);
  return {
    storage,
    waiting,
    done() {
      storage.close();
      waiting.close();
      place.done();
    },
  };
});

describe('a SQLite file', () => {
  test('shows within a tenth of a second what another process changed', async () => {
    const place = newPlace();
    migrateSqlite(place);
    const [ours, theirs] = [openSqliteStorage(place), openSqliteStorage(place)];
    const petition = petitionNamed('une', ID);
    const log = await writtenLog(ours.log);
    await log.write(dayFromNumber(19_999), opened(petition));
    expect(await theirs.petitions.findBySlug('une')).toMatchObject({ closed: undefined });
    await log.write(dayFromNumber(20_000), { kind: 'petition-closed', petition: petition.id });
    await expect
      .poll(() => theirs.petitions.findBySlug('une'), { interval: 20 })
      .toMatchObject({ closed: dayFromNumber(20_000) });
    ours.close();
    theirs.close();
    place.done();
  });

  test('is durable on every connection: WAL, synchronous=FULL, foreign keys', () => {
    const place = newPlace();
    const file = join(place.dataDir, 'x.sqlite');
    createSqlite(file);
    const { $client } = openSqlite(file, 'FULL');
    expect($client.pragma('journal_mode', { simple: true })).toBe('wal');
    expect($client.pragma('synchronous', { simple: true })).toBe(2);
    expect($client.pragma('foreign_keys', { simple: true })).toBe(1);
    $client.close();
    place.done();
  });

  test('of another version is refused in one line, and left as it is', () => {
    const place = newPlace();
    migrateSqlite(place);
    const file = join(place.dataDir, 'paraphe.sqlite');
    const older = new Database(file);
    older.exec("UPDATE __drizzle_migrations SET hash = 'of another version'");
    older.close();
    for (const start of [openSqliteStorage, migrateSqlite]) {
      expect(() => start(place)).toThrow(SetupError);
      expect(() => start(place)).toThrow(/^[^\n]*another version of Paraphe[^\n]*$/);
    }
    place.done();
  });

  test('that lacks a migration says what to do', () => {
    const place = newPlace();
    new Database(join(place.dataDir, 'paraphe.sqlite')).close();
    expect(() => openSqliteStorage(place)).toThrow('paraphe migrate');
    expect(migrateSqlite(place)).toBeGreaterThan(0);
    expect(migrateSqlite(place)).toBe(0);
    place.done();
  });

  test('of the first version is brought forward, petitions and all', async () => {
    const place = newPlace();
    const migrations = readMigrationFiles({ migrationsFolder: join(import.meta.dirname, '../../drizzle/sqlite') });
    migrateSqlite(place);
    const ours = openSqliteStorage(place);
    await (await writtenLog(ours.log)).write(dayFromNumber(20_000), opened(petitionNamed('une', ID)));
    const before = await ours.petitions.list();
    ours.close();
    const file = new Database(join(place.dataDir, 'paraphe.sqlite'));
    file.exec('ALTER TABLE petitions DROP COLUMN destruction; ALTER TABLE log DROP COLUMN key_id');
    file.prepare('DELETE FROM __drizzle_migrations WHERE hash <> ?').run(migrations[0]!.hash);
    file.close();

    expect(() => openSqliteStorage(place)).toThrow('paraphe migrate');
    expect(migrateSqlite(place)).toBe(migrations.length - 1);
    const brought = openSqliteStorage(place);
    expect(await brought.petitions.list()).toEqual(before);
    expect(await brought.secrets.keyId()).toBeUndefined();
    brought.close();
    place.done();
  });

  test.each([
    ['is no database', Buffer.from('not a database, whatever it was before'.repeat(100))],
    ['is torn', undefined],
  ])('of journeys that %s is made anew: it costs only new logins', async (_what, content) => {
    const place = newPlace();
    const file = join(place.dataDir, 'journeys.sqlite');
    const first = openSqliteJourneys(place.dataDir);
    for (let i = 0; i < 2000; i++) await first.journeys.save(randomBytes(12), randomBytes(300), 100);
    first.close();
    const torn = readFileSync(file);
    for (let at = 8192; at < torn.length; at += 8192) torn.fill(0xab, at, at + 4096);
    writeFileSync(file, content ?? torn);
    const { journeys, close } = openSqliteJourneys(place.dataDir);
    await journeys.save(Buffer.from('id'), Buffer.from('content'), 100);
    expect(await journeys.find(Buffer.from('id'), 0)).toEqual(Buffer.from('content'));
    await journeys.sweep(100);
    expect(await journeys.find(Buffer.from('id'), 0)).toBeUndefined();
    close();
    place.done();
  });

  test('is readable by its owner alone', () => {
    const place = newPlace();
    migrateSqlite(place);
    const storage = openSqliteStorage(place);
    for (const file of readdirSync(place.dataDir)) expect(statSync(join(place.dataDir, file)).mode & 0o077).toBe(0);
    storage.close();
    place.done();
  });

  test('is never made by looking for one', () => {
    const place = newPlace();
    expect(() => openSqliteStorage(place)).toThrow(/no database .*check DATA_DIR/);
    expect(readdirSync(place.dataDir)).toEqual([]);
    place.done();
  });
});
