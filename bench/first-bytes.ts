/**
 * How long a reader waits for the first byte of a page where ten million have signed, on a connection of its own: of a page
 * that was read before, and of one whose figures have just changed, while people go on signing.
 */
import { get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { Citizens } from './journeys.ts';
import { amount, printFigure, printHeading } from './report.ts';
import { type Stage, setStage } from './stage.ts';
import { medianOf } from './statistics.ts';

const SIZES = [0, 10_000_000] as const;
const ROUNDS = 20;
const WARM = 10;

type Round = { readonly cold: number; readonly warm: number };

export async function benchFirstBytes(): Promise<void> {
  printHeading('Time to first byte, a connection for each page, while people sign');
  const places: { rows: number; stage: Stage; citizens: Citizens; rounds: Record<string, Round[]> }[] = [];
  try {
    for (const rows of SIZES) {
      const stage = await setStage({ signatures: rows });
      await checkTotal(stage, rows);
      const rounds = { [`/petitions/${stage.petitions.department}`]: [], '/': [] };
      places.push({ rows, stage, citizens: new Citizens(stage), rounds });
    }
    for (let i = 0; i <= ROUNDS; i++) {
      for (const { stage, citizens, rounds } of places) {
        const before = await checkpoint(stage);
        await citizens.sign('department', 1, 1);
        while ((await checkpoint(stage)) === before) await wait(20);
        for (const [path, taken] of Object.entries(rounds)) {
          const round = await readPage(stage.origin + path);
          if (i > 0) taken.push(round); // the first one warms up
        }
      }
    }
    const [empty, full] = places;
    for (const [path, rounds] of Object.entries(full?.rounds ?? {})) {
      const floors = empty?.rounds[path] ?? [];
      for (const [kind, what] of [
        ['cold', 'just changed'],
        ['warm', 'read before'],
      ] as const) {
        printFigure({
          what: `${path}, ${what}, at ${full?.rows.toLocaleString('en-GB')} signatures`,
          value: medianOf(rounds, (round) => round[kind]),
          unit: 'ms',
          floor: { what: 'where nobody has signed', value: medianOf(floors, (round) => round[kind]) },
          notes: [`slowest ${amount(Math.max(...rounds.map((round) => round[kind])))} ms`],
        });
      }
    }
  } finally {
    for (const { stage, citizens } of places) {
      await citizens.stop();
      await stage.close();
    }
  }
}

async function checkTotal({ origin, petitions }: Stage, rows: number): Promise<void> {
  const { total } = (await (await fetch(`${origin}/api/petitions/${petitions.department}/tally`)).json()) as {
    total: number;
  };
  if (total !== rows) throw new Error(`a petition of ${rows} signatures counts ${total}`);
}

async function checkpoint({ origin }: Stage): Promise<string> {
  return (await fetch(`${origin}/log/checkpoint`)).text();
}

async function readPage(url: string): Promise<Round> {
  const cold = await firstByteMs(url);
  const warm: number[] = [];
  for (let i = 0; i < WARM; i++) warm.push(await firstByteMs(url));
  return { cold, warm: medianOf(warm, (ms) => ms) };
}

/** From the connection's first packet to the head of the answer. */
async function firstByteMs(url: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const begin = performance.now();
  const headers = { 'accept-encoding': 'gzip', 'accept-language': 'fr' };
  get(url, { agent: false, headers }, (response) => {
    const ms = performance.now() - begin;
    response
      .resume()
      .on('end', () => (response.statusCode === 200 ? resolve(ms) : reject(new Error(`${url} refused`))));
  }).on('error', reject);
  return promise;
}
