/** A witness over HTTP: every status of c2sp.org/tlog-witness, what it keeps, what it serves. */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { finishRequests, listen } from '../../src/listen.ts';
import { openWitnessStore } from '../../src/storage/sqlite/witness-store.ts';
import { parseSignedCheckpoint } from '../../src/tlog/checkpoint.ts';
import { cosignatureTime, cosignatureVerifier, cosigner } from '../../src/tlog/cosignature.ts';
import {
  ED25519_COSIGNATURE,
  ed25519Verifier,
  formatSignature,
  makeVerifierKey,
  signNote,
  verifyNote,
} from '../../src/tlog/note.ts';
import { formatSubmission, monitoringPath, parseCosignatures } from '../../src/tlog/witness.ts';
import { witnessServer } from '../../src/witness/server.ts';
import { Witness } from '../../src/witness/witness.ts';
import { GrowingLog, ORIGIN } from '../fakes/growing-log.ts';
import { bytesOf, sha256, testKey, verifyEd25519 } from '../tlog/crypto.ts';
import vectors from '../vectors/add-checkpoint.json' with { type: 'json' };

const NAME = 'example.org/witness';
const log = new GrowingLog();
const fork = new GrowingLog({ forkedAt: 2 });

let folder: string;
let now: number;
let store: ReturnType<typeof openWitnessStore>;
let witness: Witness;
let server: Server;
let said: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'paraphe-witness-'));
  now = 1_800_000_000;
  said = [];
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

async function start(logs = [log.keys.key]): Promise<void> {
  store = openWitnessStore(folder, NAME);
  witness = new Witness(logs, { store, clock: () => new Date(now * 1000) });
  const say = (facts: unknown, message: string) => void said.push(`${message} ${JSON.stringify(facts)}`);
  server = await listen(witnessServer(witness, { debug: say, info: say, warn: say, error: say }), '127.0.0.1', 0, '');
}

async function stop(): Promise<void> {
  await finishRequests(server);
  store.close();
}

const address = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`;

async function post(body: string | Uint8Array<ArrayBuffer>) {
  const response = await fetch(address('add-checkpoint'), { method: 'POST', body });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

const served = async (origin = ORIGIN) => {
  const response = await fetch(address(monitoringPath(sha256, origin)));
  return { status: response.status, body: await response.text() };
};

/** The time of the one cosignature in an answer, once it was verified. */
async function cosigned(body: string, text: string): Promise<number> {
  const signatures = parseCosignatures(bytesOf(body));
  const verified = await verifyNote({ text, signatures }, [cosignatureVerifier(witness.key, verifyEd25519)]);
  expect(verified).toHaveLength(signatures.length);
  return cosignatureTime(verified[0]!.signature);
}

describe('POST /add-checkpoint', () => {
  test.each(vectors.sequences)('$about', async ({ steps }) => {
    expect(vectors.log).toBe(log.vkey);
    for (const { about, body, status, latest } of steps) {
      const answer = await post(body);
      expect({ about, status: answer.status }).toEqual({ about, status });
      if (status === 200) {
        const { text } = parseSignedCheckpoint(bytesOf(body.slice(body.indexOf('\n\n') + 2))).note;
        expect(await cosigned(answer.body, text)).toBe(now);
      }
      if (status === 409) expect(answer).toMatchObject({ type: 'text/x.tlog.size', body: `${latest ?? 0}\n` });
      const { status: found, body: note } = await served();
      if (latest === null) expect(found).toBe(404);
      else expect(note).toMatch(new RegExp(`^${ORIGIN}\n${latest}\n`));
    }
  });

  test('413: a body that no submission has, and the witness goes on', async () => {
    expect(await post(`old 0\n${'A'.repeat(200_000)}`)).toMatchObject({ status: 413 });
    expect(await post(await log.submission(0, 1))).toMatchObject({ status: 200 });
  });

  test('400: bytes that are not UTF-8', async () => {
    expect(await post(Uint8Array.from(bytesOf(await log.submission(0, 1))).with(1, 0xff))).toMatchObject({
      status: 400,
    });
  });

  test('other ways and other methods lead nowhere', async () => {
    expect((await fetch(address('add-checkpoint'))).status).toBe(405);
    expect((await fetch(address(monitoringPath(sha256, ORIGIN)), { method: 'POST' })).status).toBe(405);
    for (const path of ['', 'checkpoint', 'add-checkpoint/', `${'0'.repeat(64)}/checkpoint`, '__proto__']) {
      expect((await fetch(address(path))).status).toBe(404);
    }
  });

  test('a sender that goes away in the middle is no fault of ours', async () => {
    const half = request(address('add-checkpoint'), { method: 'POST', headers: { 'content-length': 1000 } });
    const ended = new Promise((resolve) => half.on('error', resolve).on('close', resolve));
    const arrived = new Promise((resolve) => server.once('request', resolve));
    half.write('old 0\n');
    await arrived;
    half.destroy();
    await ended;
    expect(await post(await log.submission(0, 1))).toMatchObject({ status: 200 });
    expect(said).toEqual([]);
  });
});

describe('what it serves and keeps', () => {
  test('is the log’s signature and its own cosignature, and nothing that others wrote beside them', async () => {
    const submission = await log.submission(0, 3);
    const strangers = testKey(ORIGIN, 2);
    const own = await signNote(log.text(3), [cosigner(witness.key, testKey(NAME, 8).sign, 5)]);
    const beside = formatSignature({ name: ORIGIN, id: strangers.key.id, bytes: new Uint8Array(64) });
    const { body } = await post(submission + beside + own.signatures.map(formatSignature).join(''));
    const { body: note } = await served();
    expect(note).toBe((await log.checkpoint(3)) + body);
    const verifiers = [
      ed25519Verifier(log.keys.key, verifyEd25519),
      cosignatureVerifier(witness.key, verifyEd25519),
    ] as const;
    expect(await verifyNote(parseSignedCheckpoint(bytesOf(note)).note, verifiers)).toHaveLength(2);
    // A forged line of its own did not spoil what it goes on from.
    expect(await post(await log.submission(3, 5))).toMatchObject({ status: 200 });
  });

  test('survives a restart, with the key', async () => {
    await post(await log.submission(0, 3));
    const before = await served();
    const { key } = witness;
    await stop();
    await start();
    expect(witness.key).toEqual(key);
    expect(await served()).toEqual(before);
    expect(await post(await fork.submission(0, 5))).toMatchObject({ status: 409, body: '3\n' });
    expect(await post(await log.submission(3, 5))).toMatchObject({ status: 200 });
  });

  test('is the owner’s alone', async () => {
    await post(await log.submission(0, 3));
    for (const file of ['witness.sqlite', 'witness.sqlite-wal']) {
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    }
  });

  test('has one key a folder, one name a key, one process a folder', async () => {
    expect(() => openWitnessStore(folder, NAME)).toThrow('another process is this witness');
    await stop();
    expect(() => openWitnessStore(folder, 'other.example/w')).toThrow(`is the witness ${NAME}`);
    await start();
  });

  test('of another version, or no database, is refused and left as it is', async () => {
    await stop();
    const file = new Database(join(folder, 'witness.sqlite'));
    file.pragma('user_version = 2');
    file.close();
    expect(() => openWitnessStore(folder, NAME)).toThrow('another version');
    const again = new Database(join(folder, 'witness.sqlite'));
    again.pragma('user_version = 1');
    again.close();
    await start();
    const other = join(folder, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'witness.sqlite'), 'not a database '.repeat(100));
    expect(() => openWitnessStore(other, NAME)).toThrow('file is not a database');
  });

  test('a note that was changed on the disk is never built upon', async () => {
    await post(await log.submission(0, 5));
    await stop();
    const file = new Database(join(folder, 'witness.sqlite'));
    file.prepare('UPDATE latest SET note = ?').run(await fork.checkpoint(5));
    file.close();
    await start();
    expect(await post(await fork.submission(5, 8))).toMatchObject({ status: 500 });
    expect(said).toEqual([expect.stringContaining('a request failed')]);
  });

  test('a disk that fails answers 500 and cosigns nothing', async () => {
    await post(await log.submission(0, 3));
    const before = await served();
    const broken = {
      ...store,
      replace: () => {
        throw new Error('disk');
      },
    };
    const limping = new Witness([log.keys.key], { store: broken, clock: () => new Date(now * 1000) });
    await expect(limping.addCheckpoint(bytesOf(await log.submission(3, 5)))).rejects.toThrow('disk');
    expect(await served()).toEqual(before);
  });
});

describe('times', () => {
  test('are the clock’s, and never go back', async () => {
    const times: number[] = [];
    for (const [clock, from, to] of [
      [now, 0, 1],
      [now - 500, 1, 2],
      [now + 7, 2, 2],
      [now + 3, 2, 5],
    ] as const) {
      now = clock;
      times.push(await cosigned((await post(await log.submission(from, to))).body, log.text(to)));
    }
    expect(times.map((time) => time - 1_800_000_000)).toEqual([0, 0, 7, 7]);
  });

  test('also not across a restart, nor below one where the clock is unset', async () => {
    await post(await log.submission(0, 1));
    await stop();
    now = 0;
    await start();
    expect(await cosigned((await post(await log.submission(1, 2))).body, log.text(2))).toBe(1_800_000_000);
  });

  test('a clock at zero still gives a time, since zero is none', async () => {
    now = 0;
    expect(await cosigned((await post(await log.submission(0, 1))).body, log.text(1))).toBe(1);
  });
});

describe('logs', () => {
  test('are watched side by side, each by its own keys', async () => {
    const other = new GrowingLog({ origin: 'other.example/log', seed: 3 });
    const renewed = new GrowingLog({ seed: 4 });
    await stop();
    await start([log.keys.key, other.keys.key, renewed.keys.key]);
    expect(await post(await log.submission(0, 3))).toMatchObject({ status: 200 });
    expect(await post(await other.submission(0, 1))).toMatchObject({ status: 200 });
    // The log’s next key goes on from where the one before was.
    expect(await post(await renewed.submission(3, 4))).toMatchObject({ status: 200 });
    expect((await served()).body).toMatch(/^.*\n4\n/);
    expect((await served('other.example/log')).body).toMatch(/^.*\n1\n/);
    await stop();
    await start([log.keys.key]);
    expect(await post(await other.submission(1, 2))).toMatchObject({ status: 404 });
    expect((await served('other.example/log')).status).toBe(404);
  });

  test('that sign two trees are told on, with what they signed', async () => {
    await post(await log.submission(0, 5));
    const forked = formatSubmission({ oldSize: 5, proof: [], checkpoint: await fork.checkpoint(5) });
    expect(await post(forked)).toMatchObject({ status: 422 });
    expect(said).toEqual([expect.stringContaining(JSON.stringify(await fork.checkpoint(5)))]);
  });

  test('a key that is a witness’s is no log’s', () => {
    const key = makeVerifierKey(sha256, ORIGIN, ED25519_COSIGNATURE, log.keys.key.publicKey);
    expect(() => new Witness([key], { store, clock: () => new Date() })).toThrow('is not Ed25519');
  });
});
