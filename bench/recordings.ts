/**
 * Signatures recorded through the domain without HTTP, in batches, against the sum of the parts that nobody could leave
 * out; their bytes on disk; with `--full`, how the rate holds as the table grows.
 */
import { rmSync } from 'node:fs';
import type { Part } from './part.ts';
import { amount, printFigure, printHeading } from './report.ts';
import { temporaryFolder } from './stage.ts';
import { medianOf } from './statistics.ts';

const COUNT = 2048;
const SLICES = 10;
const BATCHES = [64, 256] as const;
const SIZES = [10_000, 1_000_000, 10_000_000] as const;
const FLOORS = ['evaluation', 'signature', 'insertion', 'hashes'] as const;

/** Microseconds for each signature: by the clock, and of CPU time on all threads. */
type Cost = { readonly wall: number; readonly cpu: number };

export async function benchRecordings(recording: Part, folder: string): Promise<void> {
  printHeading('Recordings through domain and log, without HTTP (pseudonym, sequencer, SQLite, checkpoint, receipt)');
  const slices: { domain: Cost[]; floors: Cost[] }[] = [];
  for (let i = 0; i < SLICES; i++) {
    const domain: Cost[] = [];
    const floors: Cost[] = [];
    for (const batch of BATCHES) domain.push(await cost(recording, 'domain', folder, batch));
    for (const floor of FLOORS) floors.push(await cost(recording, floor, folder, 64));
    if (i > 0) slices.push({ domain, floors }); // the first one warms up
  }
  const floorOf = (floors: readonly Cost[]) => floors.reduce((sum, { wall }) => sum + wall, 0);
  const cpuOf = (floors: readonly Cost[]) => floors.reduce((sum, { cpu }) => sum + cpu, 0);
  BATCHES.forEach((batch, at) => {
    const wall = medianOf(slices, ({ domain }) => domain[at]?.wall ?? Number.NaN);
    const cpu = medianOf(slices, ({ domain }) => domain[at]?.cpu ?? Number.NaN);
    printFigure({
      what: `batches of ${batch}`,
      value: 1e6 / wall,
      unit: 'a second',
      floor: {
        what: `VOPRF ${floorPart(slices, 0)}, ES256 ${floorPart(slices, 1)}, insert ${floorPart(slices, 2)}, hashes ${floorPart(slices, 3)} µs`,
        value: 1e6 / medianOf(slices, ({ floors }) => floorOf(floors)),
      },
      ratio: medianOf(slices, ({ domain, floors }) => floorOf(floors) / (domain[at]?.wall ?? Number.NaN)),
      bound: { of: 'ratio', sense: 'least', promise: 0.75, goal: 0.85 },
      notes: [
        `${amount(cpu)} µs of CPU time on all threads, the floors ${amount(medianOf(slices, ({ floors }) => cpuOf(floors)))}`,
      ],
    });
  });
  await benchAppends(recording, folder);
  await benchAcknowledgements(recording, folder);
  await printDisk(recording, folder);
}

async function benchAppends(recording: Part, folder: string): Promise<void> {
  const slices: { wall: number; floor: number }[] = [];
  for (let i = 0; i < SLICES; i++) {
    const { wall } = await cost(recording, 'appends', folder, 256);
    const floors = [await cost(recording, 'insertion', folder, 256), await cost(recording, 'hashes', folder, 256)];
    if (i > 0) slices.push({ wall, floor: floors.reduce((sum, one) => sum + one.wall, 0) });
  }
  printFigure({
    what: 'appends to the log alone, in batches of 256',
    value: 1e6 / medianOf(slices, ({ wall }) => wall),
    unit: 'a second',
    floor: { what: 'insert and hashes', value: 1e6 / medianOf(slices, ({ floor }) => floor) },
    ratio: medianOf(slices, ({ wall, floor }) => floor / wall),
    bound: { of: 'value', sense: 'least', promise: 6600, goal: 10_000 },
  });
}

async function benchAcknowledgements(recording: Part, folder: string): Promise<void> {
  const load = { folder, rate: 500, seconds: 10 };
  const { p50, p99 } = await recording.ask<{ p50: number; p99: number }>('acknowledgements', load);
  printFigure({
    what: `from confirmation to receipt at ${load.rate} a second, p99`,
    value: p99,
    unit: 'ms',
    bound: { of: 'value', sense: 'most', promise: 150, goal: 100 },
    notes: [`p50 ${amount(p50)} ms`],
  });
}

/** Slices of all sizes take turns: a machine that slows down slows all of them down. */
export async function benchGrowth(recording: Part): Promise<void> {
  printHeading('Growth: the same, in batches of 64, on a table that holds this many signatures already');
  const places = SIZES.map((rows) => ({ rows, folder: temporaryFolder(), costs: [] as Cost[] }));
  try {
    for (const { folder, rows } of places) await recording.ask('open', { folder, rows });
    for (let i = 0; i <= SLICES; i++) {
      for (const { folder, costs } of places) {
        const slice = await cost(recording, 'domain', folder, 64);
        if (i > 0) costs.push(slice);
      }
    }
    const smallest = places[0]?.costs ?? [];
    for (const { rows, costs } of places) {
      const isLargest = rows === SIZES.at(-1);
      printFigure({
        what: `${rows.toLocaleString('en-GB')} signatures`,
        value: 1e6 / medianOf(costs, ({ wall }) => wall),
        unit: 'a second',
        floor: { what: `at ${SIZES[0].toLocaleString('en-GB')}`, value: 1e6 / medianOf(smallest, ({ wall }) => wall) },
        ratio: medianOf(
          costs.map(({ wall }, slice) => (smallest[slice]?.wall ?? Number.NaN) / wall),
          (ratio) => ratio,
        ),
        ...(isLargest ? { bound: { of: 'ratio', sense: 'least', promise: 0.8, goal: 0.9 } } : {}),
      });
    }
    for (const { folder } of places) await printDisk(recording, folder);
  } finally {
    for (const { folder } of places) {
      await recording.ask('close', { folder }).catch(() => {});
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

async function cost(recording: Part, name: string, folder: string, batch: number): Promise<Cost> {
  const { seconds, cpu } = await recording.ask<{ seconds: number; cpu: number }>(name, { folder, batch, count: COUNT });
  return { wall: (seconds / COUNT) * 1e6, cpu: (cpu / COUNT) * 1e3 };
}

function floorPart(slices: readonly { floors: readonly Cost[] }[], at: number): string {
  return amount(medianOf(slices, ({ floors }) => floors[at]?.wall ?? Number.NaN));
}

async function printDisk(recording: Part, folder: string): Promise<void> {
  const { rows, bytes } = await recording.ask<{ rows: number; bytes: number }>('disk', { folder });
  printFigure({
    what: `disk, at ${rows.toLocaleString('en-GB')} signatures`,
    value: bytes,
    unit: 'bytes a signature',
    bound: { of: 'bytes', sense: 'most', promise: 300, goal: 200 },
  });
}
