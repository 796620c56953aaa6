/** Whole logs, good and tampered with, audited by a program in Python that shares no line with ours. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatVerifierKey } from '../../src/tlog/note.ts';
import { exportedLog, type LogFiles, writeLog } from '../fakes/exported-log.ts';
import { walk, walks } from '../log/random-log.ts';
import { flipped } from '../tlog/crypto.ts';
import { auditFiles, exported, JWKS, KEY, largeLog, SMALL, STATEMENTS, signed } from './sample-log.ts';
import { vectorsOf } from './vectors.ts';

const SCRIPT = join(import.meta.dirname, '../tlog/independent.py');
const VECTORS = join(import.meta.dirname, '../vectors');
const python = spawnSync('python3', ['--version']).status === 0;

/** A flipped bit in each file of a log, another one in each round. */
function tampered(files: LogFiles, round: number): LogFiles[] {
  return [...files].map(([path, bytes]) => {
    const bit = (round * 7919 + 13) % (bytes.length * 8);
    return new Map(files).set(path, flipped(bytes, bit));
  });
}

test('a program in Python says the same of good and of tampered logs', async () => {
  if (!python) {
    console.warn('NOT RUN: there is no python3 here, so no second language audited a log.');
    return;
  }
  const small = await exported(SMALL);
  const large = await exported(largeLog(1000));
  for (const files of [small, large]) files.delete('log/vkey');
  const walked = fc.sample(walks, { seed: 20_261_122, numRuns: 20 }).map(walk);
  const logs = [
    small,
    large,
    await exported([]),
    await exported([...SMALL, signed('Louise')]),
    await exportedLog(SMALL, { key: KEY, statements: STATEMENTS.slice(1), jwks: [JWKS] }),
    await exportedLog(SMALL, { key: KEY, statements: STATEMENTS }),
    ...(await Promise.all(walked.map((entries) => exported(entries)))),
    ...(await Promise.all(
      vectorsOf().map(({ entries }) => exported(entries.map((text) => new TextEncoder().encode(text)))),
    )),
    ...[0, 1, 2, 3, 4].flatMap((round) => tampered(small, round)),
    ...tampered(large, 1),
  ];
  const folder = mkdtempSync(join(tmpdir(), 'paraphe-python-'));
  try {
    const folders = logs.map((files, i) => {
      writeLog(join(folder, `${i}`), files);
      return join(folder, `${i}`);
    });
    const args = [SCRIPT, VECTORS, 'audit', formatVerifierKey(KEY.key), ...folders];
    const theirs = JSON.parse(execFileSync('python3', args, { encoding: 'utf8' }));
    const ours = await Promise.all(logs.map(async (files) => (await auditFiles(files)).report));
    for (const [i, { holds, difference, petitions }] of ours.entries()) {
      expect([i, theirs[i].holds]).toEqual([i, holds]);
      if (difference?.code === 'rule') expect(theirs[i]).toMatchObject({ index: difference.index });
      if (!holds) continue;
      const figures = petitions.map(({ petition, total, by_day, by_department, withdrawn, invalidated }) => [
        petition,
        { total, by_day, by_department: by_department ?? {}, withdrawn, invalidated },
      ]);
      expect(theirs[i].petitions).toEqual(Object.fromEntries(figures));
    }
    expect(ours.filter(({ holds }) => holds)).not.toHaveLength(0);
    expect(ours.filter(({ difference }) => difference?.code === 'rule').length).toBeGreaterThan(15);
    expect(ours.filter(({ difference }) => difference?.code === 'tile').length).toBeGreaterThan(8);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
