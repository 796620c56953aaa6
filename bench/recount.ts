/** Recounting a log from a mirror, against the SHA-256 of the same bytes. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Part } from './part.ts';
import { amount, printFigure, printHeading } from './report.ts';

type Outcome = { total: number; withdrawn: number; megabytes: number; seconds: number; cpu: number };

/** @param full counts ten million entries too, for which the figures are promised */
export async function benchRecount(folder: string, full: boolean): Promise<void> {
  printHeading('Recount: a log from a local mirror, signatures, tiles and rules');
  for (const size of full ? [1_000_000, 10_000_000] : [1_000_000]) {
    const mirror = join(folder, `mirror-${size}`);
    await inPart('generate', { folder: mirror, size });
    const floor = await inPart<{ seconds: number }>('hash', { folder: mirror, size });
    const found = await inPart<Outcome>('recount', { folder: mirror });
    rmSync(mirror, { recursive: true });
    const promised = size === 10_000_000;
    printFigure({
      what: `${amount(size)} entries`,
      value: found.seconds,
      unit: 's',
      floor: { what: 's of SHA-256 of the same bytes, on one thread', value: floor.seconds },
      ...(promised && { bound: { of: 'value', promise: 30, goal: 20, sense: 'most' } as const }),
      notes: [
        `${amount(size / found.seconds)} entries a second, ${amount((found.cpu / size) * 1e6)} µs of CPU each`,
        `${amount(found.total)} signatures stand, ${amount(found.withdrawn)} were withdrawn`,
      ],
    });
    printFigure({
      what: `${amount(size)} entries, at the peak`,
      value: found.megabytes,
      unit: 'MB',
      ...(promised && { bound: { of: 'value', promise: 700, goal: 500, sense: 'most' } as const }),
    });
  }
}

/** Each in a process of its own, so that a peak of memory is its own. */
async function inPart<T>(name: string, argument: unknown): Promise<T> {
  const part = new Part('recount');
  try {
    return await part.ask<T>(name, argument);
  } finally {
    await part.stop();
  }
}
