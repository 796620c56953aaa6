/**
 * Complete journeys, from the petition's page to the receipt in the citizen's hands: what each costs the gateway in CPU
 * time, user and system, all threads. The simulated FranceConnect and the citizens have processes of their own; they
 * cost more than the gateway and bound the rate on two cores, so the promise is on the gateway's CPU time alone. It is
 * held to a gateway with many citizens: one at a time, each step starts with cold caches and the same work takes longer.
 */
import { Part } from './part.ts';
import { summariseProfile } from './profile.ts';
import { amount, printFigure, printHeading } from './report.ts';
import type { Stage } from './stage.ts';
import { medianOf } from './statistics.ts';

const WARM_UP = 1500;
const SLICES = [
  { parallel: 32, slices: 5, journeys: 400 },
  { parallel: 1, slices: 4, journeys: 120 },
] as const;
/** One evaluation of the VOPRF, one signature, two verifications, one row; 8 exchanges with the citizen, 2 with the provider. */
const EXCHANGES = 10;
const VERIFICATIONS = 2;
/**
 * CPU microseconds of a journey's cryptography on the machine for which the promise was worked out: one evaluation of the
 * VOPRF, and two ES256 verifications by jose. A promise in milliseconds is one about a machine (decision 0020).
 */
const YARDSTICK = { evaluation: 95, verification: 70 } as const;

type Costs = {
  readonly gateway: number;
  readonly others: number;
  readonly rate: number;
};
type Beside = { readonly floor: number; readonly evaluation: number; readonly verification: number };
type Slice = Costs & Beside;

export async function benchJourneys(stage: Stage, floors: Floors, profileTo: string | undefined): Promise<void> {
  printHeading('Complete journeys (8 requests to the gateway, 2 from it to the identity provider)');
  const citizens = new Citizens(stage);
  try {
    await citizens.sign('department', 32, WARM_UP / 2);
    await citizens.sign('plain', 32, WARM_UP / 2);
    for (const { parallel, slices, journeys } of SLICES) {
      const measured = { department: [] as Slice[], plain: [] as Slice[] };
      for (let i = 0; i < slices; i++) {
        for (const kind of ['department', 'plain'] as const) {
          const slice = await citizens.sign(kind, parallel, journeys);
          measured[kind].push({ ...slice, ...(await floors.journey()) });
        }
      }
      const isBusy = parallel > 1;
      print(`${parallel} in parallel, the petition asks for the département`, measured.department, isBusy);
      print(`${parallel} in parallel, it asks for nothing`, measured.plain, isBusy);
    }
    if (profileTo !== undefined) await profile(stage, citizens, profileTo);
  } finally {
    await citizens.stop();
  }
}

function print(what: string, slices: readonly Slice[], isPromised: boolean): void {
  const value = medianOf(slices, ({ gateway }) => gateway);
  const us = (of: 'evaluation' | 'verification') => amount(1000 * medianOf(slices, (slice) => slice[of]));
  printFigure({
    what,
    value,
    unit: 'ms of gateway CPU for a journey',
    floor: {
      what: `${EXCHANGES} bare Express exchanges, VOPRF, ES256, insert`,
      value: medianOf(slices, ({ floor }) => floor),
    },
    ratio: medianOf(slices, ({ gateway, floor }) => floor / gateway),
    ...(isPromised ? { bound: { of: 'value', sense: 'most', promise: 1.75, goal: 1.5 } } : {}),
    notes: [
      `best slice ${amount(Math.min(...slices.map(({ gateway }) => gateway)))}; ${amount(medianOf(slices, ({ rate }) => rate))} journeys a second here, with ${amount(medianOf(slices, ({ others }) => others))} ms a journey for simulator and citizens; one core of gateway carries ${amount(1000 / value)} a second, ${amount((86_400 * 1000) / value / 1e6)} million a day`,
      `this machine evaluates a VOPRF in ${us('evaluation')} µs and verifies an ES256 signature by jose in ${us('verification')}; where these take ${YARDSTICK.evaluation} and ${YARDSTICK.verification}, a journey costs ${amount(medianOf(slices, onYardstick))} ms`,
    ],
  });
}

/** Milliseconds of gateway CPU for a journey, on the machine for which the promise was worked out. */
function onYardstick({ gateway, evaluation, verification }: Slice): number {
  const there = YARDSTICK.evaluation + VERIFICATIONS * YARDSTICK.verification;
  return (gateway * there) / 1000 / (evaluation + VERIFICATIONS * verification);
}

async function profile(stage: Stage, citizens: Citizens, file: string): Promise<void> {
  await stage.gateway.ask('startProfile');
  await citizens.sign('department', 32, 1500);
  await stage.gateway.ask('stopProfile', file);
  const { places, functions } = summariseProfile(file);
  printHeading(`Profile of the gateway (self time; ${file})`);
  for (const line of [...places.slice(0, 30), '', ...functions.slice(0, 40)]) console.log(`  ${line}`);
}

/** Sends citizens on their way, each number once. */
export class Citizens {
  readonly #stage: Stage;
  readonly #visitors = new Part('visitors');
  #next = 1;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async sign(kind: 'department' | 'plain', parallel: number, count: number): Promise<Costs> {
    const { gateway, franceConnect, origin, petitions } = this.#stage;
    const department = kind === 'department' ? '75' : undefined;
    const order = { origin, slug: petitions[kind], department, first: this.#next, count, parallel };
    this.#next += count;
    const before = await Promise.all([gateway, franceConnect, this.#visitors].map((part) => part.ask<number>('cpu')));
    const { seconds } = await this.#visitors.ask<{ seconds: number }>('sign', order);
    const after = await Promise.all([gateway, franceConnect, this.#visitors].map((part) => part.ask<number>('cpu')));
    const [ours = Number.NaN, ...others] = after.map((ms, index) => (ms - (before[index] ?? 0)) / count);
    return { gateway: ours, others: others.reduce((sum, ms) => sum + ms, 0), rate: count / seconds };
  }

  stop(): Promise<void> {
    return this.#visitors.stop();
  }
}

type FloorParts = { readonly recording: Part; readonly verifying: Part; readonly bare: Part; readonly readers: Part };

/** What nobody could leave out of a journey, measured beside it. */
export class Floors {
  readonly #parts: FloorParts;
  readonly #folder: string;
  readonly #page: { readonly port: number; readonly path: string };

  constructor(parts: FloorParts, folder: string, page: { port: number; path: string }) {
    this.#parts = parts;
    this.#folder = folder;
    this.#page = page;
  }

  /** In CPU milliseconds: the floor of a journey, and two of its parts as libraries do them. */
  async journey(): Promise<Beside> {
    const { recording, verifying, bare, readers } = this.#parts;
    const count = 512;
    const each = async (part: Part, name: string) =>
      (await part.ask<{ cpu: number }>(name, { folder: this.#folder, batch: 64, count })).cpu / count;
    const evaluation = await each(recording, 'evaluation');
    const cryptography =
      evaluation +
      (await each(recording, 'signature')) +
      (await each(recording, 'insertion')) +
      VERIFICATIONS * (await each(verifying, 'signatures'));
    const before = await bare.ask<number>('cpu');
    const { pages } = await readers.ask<{ pages: number }>('read', {
      ...this.#page,
      host: 'localhost',
      connections: 32,
      seconds: 0.3,
    });
    const exchange = ((await bare.ask<number>('cpu')) - before) / pages;
    return {
      floor: cryptography + EXCHANGES * exchange,
      evaluation,
      verification: await each(verifying, 'jose'),
    };
  }
}
