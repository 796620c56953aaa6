/**
 * A disk that fails one call, whichever: each fsync, then each write, of a process that writes the log fails in a round of
 * its own. Too slow for every day: the rounds are those of the campaign.
 */
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canRun } from '../fakes/disk.ts';
import { startLogChild } from '../fakes/log-child.ts';
import { LogFolder } from '../fakes/log-folder.ts';
import { rounds } from '../fakes/rounds.ts';

const ROUNDS = rounds(0, 40);
const STRACE = ['-f', '-qq', '-o', '/dev/null'];

let folder: LogFolder;
beforeEach(async () => {
  folder = await LogFolder.withPetition();
});
afterEach(() => folder.done());

const hasStrace = ROUNDS > 0 && canRun('strace', [...STRACE, 'true'], 'a disk that fails a single call');

describe.runIf(hasStrace)('a disk that fails', () => {
  test.each([
    ['fsync,fdatasync', 'EIO'],
    ['pwrite64', 'ENOSPC'],
    ['pwrite64', 'EIO'],
  ])(`the %s of one of its first ${ROUNDS} with %s: nothing answered is lost`, async (calls, error) => {
    let met = 0;
    for (let when = 1; when <= ROUNDS; when++) {
      folder.done();
      folder = await LogFolder.withPetition();
      const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}:when=${when}`];
      const child = startLogChild(folder, { name: 'fails', people: 8, inFlight: 2 }, ['strace', ...STRACE, ...inject]);
      // A failure while it opens is a start that is refused in words; one later delays answers, and nothing else.
      expect(await child.hears(({ what }) => what === 'done' || what === 'stopped')).toBe(true);
      const isDone = child.said.some(({ what }) => what === 'done');
      if (isDone) process.kill(await tracedBy(child.process.pid), 'SIGTERM');
      expect(await child.ended()).toBe(isDone ? '0' : '1');
      if (!isDone || child.said.some(({ what }) => what === 'refused')) met++;
      const log = await folder.open();
      log.close();
      const { entries } = await folder.check();
      const acts = entries.map((entry) => ('nym' in entry ? `${entry.kind} ${entry.nym}` : entry.kind));
      expect(new Set(acts).size).toBe(acts.length);
      for (const line of child.said) if (line.what === 'answered') expect(acts[line.index]).toBe(line.act);
    }
    console.log(`${calls} ${error}: ${met} of ${ROUNDS} rounds met the failure`);
  });
});

/** The process that strace runs. */
async function tracedBy(pid: number | undefined): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim());
}
