/**
 * Signatures recorded through the domain on PostgreSQL, beside the sum of what nobody could leave out, the raw insertion of
 * the same rows among it, in one statement for each batch of the same size; from confirmation to receipt; bytes on disk and
 * of write-ahead log; with `--full`, as the table grows. The server runs on the same cores: on a machine of its own it leaves
 * them to the gateway.
 */
import { rmSync } from 'node:fs';
import { type OwnPostgres, startPostgres } from '../test/fakes/own-postgres.ts';
import { Part } from './part.ts';
import { amount, percent, printFigure, printHeading } from './report.ts';
import { temporaryFolder } from './stage.ts';
import { medianOf } from './statistics.ts';

const COUNT = 2048;
const SLICES = 6;
const BATCHES = [64, 256] as const;
const SIZES = [10_000, 1_000_000, 10_000_000] as const;
/** Of the floor, what no database is in. */
const PARTS = ['evaluation', 'signature', 'hashes'] as const;

/** Microseconds for each signature, by batch size, and in the parts. */
type Slice = Readonly<Record<'domain' | 'waiting' | 'insertion' | 'parts', readonly number[]>>;

type Cost = { readonly seconds: number; readonly cpu: number };

export async function benchPostgres(full: boolean): Promise<void> {
  const server = await startPostgres('-c', 'shared_buffers=512MB', '-c', 'max_wal_size=4GB');
  const part = new Part('recording-postgres');
  try {
    await benchRecordings(part, server);
    if (full) await benchGrowth(part, server);
  } finally {
    await part.stop();
    await server.stop();
  }
}

async function benchRecordings(part: Part, server: OwnPostgres): Promise<void> {
  printHeading('Recordings on PostgreSQL (its processes, on the same cores, count as other programs)');
  const folder = await open(part, server, 0);
  const slices: Slice[] = [];
  let recorded = 0;
  let wal = 0;
  for (let i = 0; i <= SLICES; i++) {
    const before = await part.ask<number>('wal', { folder });
    const [domain, waiting, insertion, parts]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (const batch of BATCHES) {
      domain.push(await domainCost(part, folder, batch, 2));
      waiting.push(await domainCost(part, folder, batch, 1));
    }
    wal += (await part.ask<number>('wal', { folder })) - before;
    recorded += COUNT * BATCHES.length * 2;
    for (const batch of BATCHES) insertion.push(await cost(part, 'insertion', folder, batch));
    for (const name of PARTS) parts.push(await cost(part, name, folder, 64));
    if (i > 0) slices.push({ domain, waiting, insertion, parts }); // the first one warms up
  }
  BATCHES.forEach((batch, at) => {
    const of = (name: Exclude<keyof Slice, 'parts'>) => (slice: Slice) => slice[name][at] ?? Number.NaN;
    const floor = (slice: Slice) => slice.parts.reduce((sum, one) => sum + one, of('insertion')(slice));
    const share = (name: 'domain' | 'waiting') => medianOf(slices, (slice) => floor(slice) / of(name)(slice));
    const [evaluation = '', signature = '', hashes = ''] = PARTS.map((_, part) =>
      amount(medianOf(slices, ({ parts }) => parts[part] ?? Number.NaN)),
    );
    printFigure({
      what: `batches of ${batch}, the next one gathers meanwhile`,
      value: 1e6 / medianOf(slices, of('domain')),
      unit: 'a second',
      floor: {
        what: `VOPRF ${evaluation}, ES256 ${signature}, insert ${amount(medianOf(slices, of('insertion')))}, hashes ${hashes} µs`,
        value: 1e6 / medianOf(slices, floor),
      },
      ratio: share('domain'),
      bound: { of: 'ratio', sense: 'least', promise: 0.75, goal: 0.85 },
      notes: [
        `${amount(1e6 / medianOf(slices, of('waiting')))} a second where nobody comes before everyone is answered: ${percent(share('waiting'))} of the floor`,
      ],
    });
  });
  await benchAppends(part, folder);
  printFigure({
    what: 'write-ahead log, in batches of 64 and 256',
    value: wal / recorded,
    unit: 'bytes a signature',
  });
  const load = { folder, rate: 500, seconds: 10 };
  const { p50, p99 } = await part.ask<{ p50: number; p99: number }>('acknowledgements', load);
  printFigure({
    what: `from confirmation to receipt at ${load.rate} a second, p99`,
    value: p99,
    unit: 'ms',
    bound: { of: 'value', sense: 'most', promise: 150, goal: 100 },
    notes: [`p50 ${amount(p50)} ms`],
  });
  await printDisk(part, folder);
  await close(part, folder);
}

/** What the one process that sequences does for each signature, wherever pseudonyms and receipts are computed. */
async function benchAppends(part: Part, folder: string): Promise<void> {
  const slices: { wall: number; floor: number }[] = [];
  for (let i = 0; i <= SLICES; i++) {
    const wall = await cost(part, 'appends', folder, 256);
    const floor = (await cost(part, 'insertion', folder, 256)) + (await cost(part, 'hashes', folder, 256));
    if (i > 0) slices.push({ wall, floor });
  }
  printFigure({
    what: 'appends to the log alone, in batches of 256',
    value: 1e6 / medianOf(slices, ({ wall }) => wall),
    unit: 'a second',
    floor: { what: 'insert and hashes', value: 1e6 / medianOf(slices, ({ floor }) => floor) },
    ratio: medianOf(slices, ({ wall, floor }) => floor / wall),
  });
}

/** Slices of all sizes take turns: a machine that slows down slows all of them down. */
async function benchGrowth(part: Part, server: OwnPostgres): Promise<void> {
  printHeading('Growth on PostgreSQL: the same, in batches of 64, on a table that holds this many signatures already');
  const places: { rows: number; folder: string; costs: number[] }[] = [];
  for (const rows of SIZES) places.push({ rows, folder: await open(part, server, rows), costs: [] });
  for (let i = 0; i <= SLICES; i++) {
    for (const { folder, costs } of places) {
      const slice = await domainCost(part, folder, 64, 2);
      if (i > 0) costs.push(slice);
    }
  }
  const smallest = places[0]?.costs ?? [];
  for (const { rows, costs } of places) {
    const isLargest = rows === SIZES.at(-1);
    const ratios = costs.map((one, slice) => (smallest[slice] ?? Number.NaN) / one);
    printFigure({
      what: `${rows.toLocaleString('en-GB')} signatures`,
      value: 1e6 / medianOf(costs, (one) => one),
      unit: 'a second',
      floor: { what: `at ${SIZES[0].toLocaleString('en-GB')}`, value: 1e6 / medianOf(smallest, (one) => one) },
      ratio: medianOf(ratios, (ratio) => ratio),
      ...(isLargest ? { bound: { of: 'ratio', sense: 'least', promise: 0.8, goal: 0.9 } } : {}),
    });
  }
  for (const { folder } of places) {
    await printDisk(part, folder);
    await close(part, folder);
  }
}

async function open(part: Part, server: OwnPostgres, rows: number): Promise<string> {
  const folder = temporaryFolder();
  await part.ask('open', { folder, rows, server: server.url });
  return folder;
}

async function close(part: Part, folder: string): Promise<void> {
  await part.ask('close', { folder });
  rmSync(folder, { recursive: true, force: true });
}

/** From a verified login to the receipt, when that many batches of people wait at most. */
function domainCost(part: Part, folder: string, batch: number, batches: 1 | 2): Promise<number> {
  return cost(part, 'domain', folder, batch, { atOnce: batches * batch });
}

/** Microseconds by the clock for each signature. */
async function cost(part: Part, name: string, folder: string, batch: number, more = {}): Promise<number> {
  const { seconds } = await part.ask<Cost>(name, { folder, batch, count: COUNT, ...more });
  return (seconds * 1e6) / COUNT;
}

async function printDisk(part: Part, folder: string): Promise<void> {
  const { rows, bytes } = await part.ask<{ rows: number; bytes: number }>('disk', { folder });
  printFigure({
    what: `disk, at ${rows.toLocaleString('en-GB')} signatures`,
    value: bytes,
    unit: 'bytes a signature',
    bound: { of: 'bytes', sense: 'most', promise: 400, goal: 200 },
  });
}
