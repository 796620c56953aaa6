import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { dayFromNumber } from '../../src/clock.ts';
import { SetupError } from '../../src/errors.ts';
import { migrateStorage, openStorage } from '../../src/storage/open.ts';
import { openSqlite } from '../../src/storage/sqlite/database.ts';
import { petitionNamed, storageContract } from './contract.ts';

function newPlace() {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-storage-'));
  return { dataDir, databaseUrl: 'sqlite:', done: () => rmSync(dataDir, { recursive: true, force: true }) };
}

storageContract('SQLite', async () => {
  const place = newPlace();
  migrateStorage(place);
  const storage = openStorage(place);
  return {
    storage,
    done() {
      storage.close();
      place.done();
    },
  };
});

test('identity keys are archived once, byte for byte, with the day on which they were first seen', async () => {
  const place = newPlace();
  migrateStorage(place);
  const storage = openStorage(place);
  const jwks = Buffer.from('{ "keys": [] }');
  await storage.identityKeys.keep('https://idp.example', jwks, dayFromNumber(20_000));
  await storage.identityKeys.keep('https://idp.example', jwks, dayFromNumber(20_001));
  await storage.identityKeys.keep('https://idp.example', Buffer.from('{"keys":[]}'), dayFromNumber(20_001));
  storage.close();
  const database = new Database(join(place.dataDir, 'paraphe.sqlite'), { readonly: true });
  expect(database.prepare('SELECT hash, jwks, seen FROM identity_keys ORDER BY seen').all()).toEqual([
    { hash: hash('sha256', jwks, 'buffer'), jwks, seen: 20_000 },
    expect.objectContaining({ seen: 20_001 }),
  ]);
  database.close();
  place.done();
});

describe('a SQLite file', () => {
  test('shows at once what another process changed', async () => {
    const place = newPlace();
    migrateStorage(place);
    const [ours, theirs] = [openStorage(place), openStorage(place)];
    const petition = petitionNamed('une', '01m7k8m0n1ew6076n6rar3zv8a');
    await ours.petitions.open(petition, Buffer.alloc(60));
    expect(await theirs.petitions.findBySlug('une')).toMatchObject({ closed: undefined });
    await ours.petitions.close(petition.id, dayFromNumber(20_000));
    expect(await theirs.petitions.findBySlug('une')).toMatchObject({ closed: dayFromNumber(20_000) });
    ours.close();
    theirs.close();
    place.done();
  });

  test('is durable on every connection: WAL, synchronous=FULL, foreign keys', () => {
    const place = newPlace();
    const { $client } = openSqlite(join(place.dataDir, 'x.sqlite'), 'FULL');
    expect($client.pragma('journal_mode', { simple: true })).toBe('wal');
    expect($client.pragma('synchronous', { simple: true })).toBe(2);
    expect($client.pragma('foreign_keys', { simple: true })).toBe(1);
    $client.close();
    place.done();
  });

  test('of another version is refused in one line, and left as it is', () => {
    const place = newPlace();
    migrateStorage(place);
    const file = join(place.dataDir, 'paraphe.sqlite');
    const older = new Database(file);
    older.exec("UPDATE __drizzle_migrations SET hash = 'of another version'");
    older.close();
    for (const start of [openStorage, migrateStorage]) {
      expect(() => start(place)).toThrow(SetupError);
      expect(() => start(place)).toThrow(/^[^\n]*another version of Paraphe[^\n]*$/);
    }
    place.done();
  });

  test('that lacks a migration says what to do', () => {
    const place = newPlace();
    expect(() => openStorage(place)).toThrow('paraphe migrate');
    expect(migrateStorage(place)).toBe(1);
    expect(migrateStorage(place)).toBe(0);
    place.done();
  });

  test('of journeys that cannot be read is made anew: it costs only new logins', async () => {
    const place = newPlace();
    migrateStorage(place);
    writeFileSync(join(place.dataDir, 'journeys.sqlite'), 'not a database, whatever it was before'.repeat(100));
    const storage = openStorage(place);
    await storage.journeys.save(Buffer.from('id'), Buffer.from('content'), 100);
    expect(await storage.journeys.find(Buffer.from('id'), 0)).toEqual(Buffer.from('content'));
    storage.close();
    place.done();
  });
});
