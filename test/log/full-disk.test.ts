/**
 * A disk that fills up while the log is written, and has room again: meanwhile nobody is answered, afterwards signing goes
 * on by itself, and all that was ever answered is there.
 */
import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canRun, limitFileSize } from '../fakes/disk.ts';
import { type LogChild, startLogChild } from '../fakes/log-child.ts';
import { LogFolder } from '../fakes/log-folder.ts';
import { dice, rounds } from '../fakes/rounds.ts';
import type { Said } from './crash.worker.ts';

const FILLINGS = rounds(2, 30);

let folder: LogFolder;
let child: LogChild | undefined;
beforeEach(async () => {
  folder = await LogFolder.withPetition();
});
afterEach(() => {
  child?.process.kill('SIGKILL');
  folder.done();
});

const isAnswered = ({ what }: { what: string }) => what === 'answered';
const isRefused = ({ what }: { what: string }) => what === 'refused';
/** Whose signature stands and is signed for needs no disk: an earlier filling had refused them in the middle of it. */
const isKnown = (line: Said) => line.what === 'answered' && line.result.startsWith('already-');

describe.runIf(canRun('prlimit', ['--version'], 'a full disk'))('a disk that is full', () => {
  test(`answers nobody, and goes on without a restart once it has room, in ${FILLINGS} fillings`, async () => {
    const roll = dice();
    child = startLogChild(folder, { name: 'full', people: 1_000_000, inFlight: 20 });
    const { pid } = child.process;
    for (let filling = 0; filling < FILLINGS; filling++) {
      expect(await child.hears(isAnswered)).toBe(true);
      limitFileSize(pid, 0);
      await child.mark();
      const from = child.said.length;
      for (let times = 0; times < 40; times++) expect(await child.hears(isRefused)).toBe(true);
      expect(child.said.slice(from).filter((line) => line.what !== 'refused' && !isKnown(line))).toEqual([]);

      // Room for a part of what is written: some writes succeed, and the rest of a transaction may not.
      limitFileSize(pid, roll(statSync(`${folder.file}-wal`).size + 40_000));
      for (let lines = roll(40); lines >= 0; lines--) await child.hears(() => true);
      limitFileSize(pid, 'unlimited');
      await child.mark();
      expect(await child.hears(isAnswered)).toBe(true);
    }
    child.process.kill('SIGTERM');
    expect(await child.ended()).toBe('0');
    const codes = new Set(child.said.flatMap((line) => (line.what === 'refused' ? [line.code] : [])));
    expect(codes).toEqual(new Set(['storage-unavailable']));
    await expectWhole(child);
  });
});

/** Recomputes everything: those who were answered stand where they were told, and each stands there once. */
async function expectWhole({ said }: LogChild): Promise<void> {
  const { entries, lockedSize } = await folder.check();
  expect(lockedSize).toBe(entries.length);
  const acts = entries.map((entry) => ('nym' in entry ? `${entry.kind} ${entry.nym}` : entry.kind));
  expect(new Set(acts).size).toBe(acts.length);
  for (const line of said) if (line.what === 'answered') expect(acts[line.index]).toBe(line.act);
}
