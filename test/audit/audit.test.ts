/** An audit in memory: what holds, and the first thing that does not. */
import { describe, expect, test } from 'vitest';
import { audit, chooseTrust, trustLog } from '../../src/audit/audit.ts';
import { parseSignedCheckpoint } from '../../src/tlog/checkpoint.ts';
import { cosigner } from '../../src/tlog/cosignature.ts';
import { ED25519_COSIGNATURE, formatVerifierKey } from '../../src/tlog/note.ts';
import { type Tile, tilePath } from '../../src/tlog/tile.ts';
import { readRoot } from '../../src/tlog/tile-reader.ts';
import { exportedLog, type LogFiles } from '../fakes/exported-log.ts';
import { dice, rounds } from '../fakes/rounds.ts';
import { naiveTally } from '../log/naive-fold.ts';
import { bytesOf, flipped, hashing, hex, sha256, testKey } from '../tlog/crypto.ts';
import {
  auditFiles,
  BREAD,
  DAY,
  exported,
  JWKS,
  KEY,
  largeLog,
  ROSES,
  SMALL,
  STATEMENTS,
  signed,
  sourceOf,
  TOOLS,
} from './sample-log.ts';
import { vectorsOf } from './vectors.ts';

const small = await exported(SMALL);
const differenceIn = async (files: LogFiles) => (await auditFiles(files)).report.difference;
const changed = (files: LogFiles, path: string, bytes: Uint8Array | undefined): LogFiles => {
  const copy = new Map(files);
  if (bytes === undefined) copy.delete(path);
  else copy.set(path, bytes);
  return copy;
};

describe('an audit that holds', () => {
  test('says each petition’s figures, and the cases that wait', async () => {
    const { report } = await auditFiles(small);
    expect(report).toMatchObject({ holds: true, difference: null, entries: SMALL.length, compared: null });
    expect(report.petitions).toEqual([
      {
        petition: ROSES,
        slug: null,
        opened: DAY,
        closed: null,
        pseudonyms_destroyed: null,
        total: 1,
        by_day: { [DAY]: 1 },
        by_department: { '75': 1 },
        withdrawn: 1,
        invalidated: { court: 1 },
      },
    ]);
    expect(report.open_cases).toEqual([{ case: 'c'.repeat(64), purpose: 'audit-sample', records: 3, opened: DAY }]);
  });

  test.each([0, 1, 255, 256, 257, 1023, 1024, 1025, 5000, 66_000])(
    'of %i entries agrees with a naive count',
    async (size) => {
      const entries = largeLog(size).slice(0, size);
      const { report } = await auditFiles(await exported(entries));
      expect(report.difference).toBeNull();
      expect(report.checkpoint?.size).toBe(size);
      const signatures = entries.filter((entry) => entry.kind === 'signed');
      for (const petition of report.petitions) {
        const own = signatures.filter((entry) => entry.petition === petition.petition);
        expect(petition.total).toBe(own.length);
        expect(petition.by_department === null).toBe(petition.petition === BREAD);
        if (size <= 300) expect(petition).toMatchObject({ total: naiveTally(entries, petition.petition).total });
      }
    },
  );

  test('goes on from an earlier one, and reads only what is new', async () => {
    const entries = largeLog(3000);
    const sizes = [0, 100, 256, 256, 300, 1500, 3000];
    let before: Awaited<ReturnType<typeof auditFiles>> | undefined;
    for (const size of sizes) {
      const files = await exported(entries.slice(0, size));
      const read: string[] = [];
      const source = {
        read: async (path: string) => {
          read.push(path);
          return files.get(path);
        },
      };
      const request = { source, policy: trustLog(KEY.key), tools: TOOLS, gateway: false };
      const resumed = before?.checkpoint && { remembered: before.checkpoint, recount: before.recount };
      const last = before?.report.entries ?? 0;
      before = await audit({ ...request, ...resumed });
      expect(before.report).toMatchObject({
        holds: true,
        entries: size,
        petitions: (await auditFiles(files)).report.petitions,
      });
      expect(read.filter((path) => path.startsWith('log/tile/entries'))).toHaveLength(
        Math.ceil(size / 256) - Math.floor(last / 256),
      );
    }
  });
});

test('a recount that goes on proves by itself that it goes on with the same log', async () => {
  const before = await auditFiles(small);
  const resumed = { recount: before.recount };
  const another = await exported([...SMALL.with(2, signed('Mallory')), signed('Inès')]);
  expect((await auditFiles(another, resumed)).report.difference).toMatchObject({ code: 'log-rewritten' });
  const shorter = await exported(SMALL.slice(0, 5));
  expect((await auditFiles(shorter, resumed)).report.difference).toMatchObject({ code: 'log-shrank' });
});

describe('an audit names the first difference', () => {
  test('by entry and rule', async () => {
    const twice = [...SMALL, signed('Louise')];
    const index = SMALL.length;
    expect(await differenceIn(await exported(twice))).toMatchObject({
      code: 'rule',
      index,
      detail: expect.stringMatching(/^signed-twice/),
    });
    const noEntry = [...SMALL.slice(0, 3), bytesOf('{}')];
    expect(await differenceIn(await exported(noEntry))).toMatchObject({
      code: 'rule',
      index: 3,
      where: 'log/tile/entries/000',
    });
  });

  test.each(vectorsOf())('in the vectors as they say: $about', async ({ entries, breach }) => {
    const report = (await auditFiles(await exported(entries.map(bytesOf)))).report.difference;
    // Their statements exist nowhere.
    if (breach === null) expect(report?.code ?? 'missing').toBe('missing');
    else
      expect(report).toMatchObject({ code: 'rule', index: breach.index, detail: expect.stringContaining(breach.rule) });
  });

  test('by tile and hash, also in a full tile that no root shows', async () => {
    const entries = largeLog(66_000);
    const files = await exported(entries);
    const full = 'log/tile/0/x001/003';
    expect(files.has('log/tile/0/003')).toBe(true);
    expect(files.has(full)).toBe(false);
    const path = 'log/tile/0/003';
    expect(await differenceIn(changed(files, path, flipped(files.get(path)!, 8 * 32 * 9)))).toEqual({
      code: 'tile',
      where: path,
      index: 3 * 256 + 9,
      detail: 'its hash 9 is not that of entry 777 in log/tile/entries/003',
    });
    const above = 'log/tile/1/000';
    expect(await differenceIn(changed(files, above, flipped(files.get(above)!, 8 * 32 * 200)))).toMatchObject({
      code: 'tile',
      where: above,
      detail: 'its hash 200 is not that of the tile below it',
    });
    const top = 'log/tile/2/000.p/1';
    expect(await differenceIn(changed(files, top, flipped(files.get(top)!, 3)))).toMatchObject({
      code: 'tile',
      where: top,
    });
  });

  test('by the file that is missing, empty or too long', async () => {
    const entries = largeLog(600);
    const files = await exported(entries);
    for (const path of files.keys()) {
      if (path === 'log/vkey' || path.includes('jwks')) continue;
      expect(await differenceIn(changed(files, path, undefined))).toMatchObject({ where: path });
      expect(await differenceIn(changed(files, path, new Uint8Array(0)))).toMatchObject({ where: path });
      const longer = new Uint8Array([...files.get(path)!, 0]);
      expect(await differenceIn(changed(files, path, longer))).toMatchObject({ where: path });
    }
  });

  test('when the tiles are those of other entries than the checkpoint’s', async () => {
    const other = await exported([...SMALL.slice(0, -1), signed('nobody')]);
    other.set('log/checkpoint', small.get('log/checkpoint')!);
    expect(await differenceIn(other)).toMatchObject({ code: 'root', where: 'log/checkpoint' });
  });

  test('before what follows it: a broken rule in an earlier bundle than a broken tile', async () => {
    const entries = [...largeLog(300), ...largeLog(300).slice(2, 3), ...largeLog(900).slice(300)];
    const files = await exported(entries);
    const path = 'log/tile/0/002';
    const difference = await differenceIn(changed(files, path, flipped(files.get(path)!, 0)));
    expect(difference).toMatchObject({ code: 'rule', index: 300 });
  });
});

describe('what an earlier audit saw', () => {
  const remembered = small.get('log/checkpoint')!;
  const grown = [...SMALL, signed('Inès')];

  test('is still there when the log has grown', async () => {
    const { report } = await auditFiles(await exported(grown), { remembered });
    expect(report).toMatchObject({ holds: true, remembered: SMALL.length });
  });

  test('has vanished: the alarm of alarms', async () => {
    const { report } = await auditFiles(await exported(SMALL.slice(0, -1)), { remembered });
    expect(report.difference).toMatchObject({ code: 'log-shrank', detail: expect.stringContaining('8 entries') });
  });

  test('was rewritten, at the same size or behind more entries', async () => {
    const another = SMALL.with(2, signed('Mallory'));
    for (const entries of [another, [...another, signed('Inès')]]) {
      const { report } = await auditFiles(await exported(entries), { remembered });
      expect(report.difference).toMatchObject({ code: 'log-rewritten' });
      // Whoever remembers nothing is told that all is well.
      expect((await auditFiles(await exported(entries))).report.holds).toBe(true);
    }
  });
});

describe('trust', () => {
  const vkey = formatVerifierKey(KEY.key);
  const other = formatVerifierKey(testKey(KEY.key.name, 8).key);

  test('is the key that is given, or remembered, or for want of these the one that the log shows', async () => {
    const source = sourceOf(small);
    expect(await chooseTrust(source, sha256, {})).toMatchObject({ vkey, how: 'first-use' });
    expect(await chooseTrust(source, sha256, { remembered: vkey })).toMatchObject({ vkey, how: 'remembered' });
    expect(await chooseTrust(source, sha256, { vkey })).toMatchObject({ vkey, how: 'given' });
    for (const wrong of [{ vkey: other }, { remembered: other }, { vkey, remembered: other }]) {
      await expect(chooseTrust(source, sha256, wrong)).rejects.toMatchObject({ found: { code: 'key-changed' } });
    }
  });

  test('refuses a checkpoint of another key', async () => {
    const forged = await exported(SMALL, testKey(KEY.key.name, 8));
    expect(await differenceIn(forged)).toMatchObject({ code: 'checkpoint' });
    const elsewhere = await exported(SMALL, testKey('elsewhere.example/log', 7));
    expect(await differenceIn(elsewhere)).toMatchObject({
      code: 'checkpoint',
      detail: expect.stringContaining('origin'),
    });
  });

  test('asks for the witnesses of a policy', async () => {
    const witness = testKey('w.example', 9, ED25519_COSIGNATURE);
    const policy = bytesOf(`witness w ${formatVerifierKey(witness.key)}\nquorum w\n`);
    const trust = await chooseTrust(sourceOf(small), sha256, { vkey, policy });
    const cosigned = await exportedLog(SMALL, {
      key: KEY,
      statements: STATEMENTS,
      jwks: [JWKS],
      cosigners: [cosigner(witness.key, witness.sign, 1_763_719_200)],
    });
    expect((await auditFiles(cosigned, trust)).report).toMatchObject({ holds: true, witnesses: ['w'] });
    expect((await auditFiles(small, trust)).report.difference).toMatchObject({
      code: 'checkpoint',
      detail: expect.stringContaining('quorum-missing'),
    });
  });
});

/** How many bits of each byte are turned over: which ones, the dice say. */
const BITS = rounds(1, 8);

describe(`${BITS} of the 8 bits of every byte of a small export`, () => {
  const someBits = (bytes: number) => {
    const roll = dice();
    return Array.from({ length: bytes }, (_, byte) => {
      const first = roll(8);
      return Array.from({ length: BITS }, (_, i) => byte * 8 + ((first + i) % 8));
    }).flat();
  };

  const paths = [...small.keys()].filter((path) => path !== 'log/vkey');

  test('turned over is caught', async () => {
    const unharmed: string[] = [];
    for (const path of paths) {
      const bytes = small.get(path)!;
      for (const bit of someBits(bytes.length)) {
        if ((await differenceIn(changed(small, path, flipped(bytes, bit)))) === null) unharmed.push(`${path} ${bit}`);
      }
    }
    expect(unharmed).toEqual([]);
  });

  test('of the upper tiles too', async () => {
    const files = await exported(largeLog(513));
    const path = 'log/tile/1/000.p/2';
    for (const bit of someBits(64)) {
      expect(await differenceIn(changed(files, path, flipped(files.get(path)!, bit)))).toMatchObject({ where: path });
    }
  });

  test('of the key is caught by whoever met it before', async () => {
    const vkey = formatVerifierKey(KEY.key);
    const bytes = small.get('log/vkey')!;
    for (const bit of someBits(vkey.length)) {
      const source = sourceOf(changed(small, 'log/vkey', flipped(bytes, bit)));
      await expect(chooseTrust(source, sha256, { remembered: vkey })).rejects.toThrow('log/vkey');
    }
  });

  test('in the line of a stranger proves nothing and changes nothing', async () => {
    const text = new TextDecoder().decode(small.get('log/checkpoint'));
    const files = changed(small, 'log/checkpoint', bytesOf(`${text}— x.example AAAAAAE=\n`));
    expect(await differenceIn(files)).toBeNull();
  });
});

test('an auditor that believes tiles misses a flipped hash: that is why each is derived', async () => {
  const entries = largeLog(600);
  const files = await exported(entries);
  const path = 'log/tile/0/000';
  const wrong = changed(files, path, flipped(files.get(path)!, 0));
  expect((await differenceIn(wrong))?.where).toBe(path);
  // A root from the widest subtrees alone, as a proof takes them, never looks at that hash.
  const readTile = async (tile: Tile) => wrong.get(`log/${tilePath(tile)}`)!;
  const root = await readRoot({ hashing, size: 600, readTile });
  expect(hex(parseSignedCheckpoint(wrong.get('log/checkpoint')!).checkpoint.root)).toBe(hex(root));
});
