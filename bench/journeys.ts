/**
 * Complete journeys, from the petition's page to the receipt in the citizen's hands: what each costs the gateway in CPU
 * time, user and system, all threads. The simulated FranceConnect and the citizens have processes of their own; they
 * cost more than the gateway and bound the rate on two cores, so the promise is on the gateway's CPU time alone. It is
 * held to a gateway with many citizens: one at a time, each step starts with cold caches and the same work takes longer.
 */
import { Part } from './part.ts';
import { summariseProfile } from './profile.ts';
import { amount, printFigure, printHeading } from './report.ts';
import { type Stage, setBareStage } from './stage.ts';
import { medianOf } from './statistics.ts';

/** V8 goes on making a gateway faster for thousands of journeys; one that carries many has them behind it in seconds. */
const WARM_UP = 4500;
const SLICES = [
  { parallel: 32, slices: 7, journeys: 400 },
  { parallel: 1, slices: 3, journeys: 60 },
] as const;
/**
 * Milliseconds that the bare journey cost on the machine for which the promise was worked out, 32 in parallel. A promise in
 * milliseconds is one about a machine (decision 0020).
 */
const BARE_THERE = 1.23;

type Costs = {
  readonly gateway: number;
  readonly others: number;
  readonly rate: number;
};
type Slice = Costs & { readonly floor: number };
/** Where citizens sign. */
type Place = Pick<Stage, 'origin' | 'gateway' | 'franceConnect' | 'petitions'>;

export async function benchJourneys(stage: Stage, folder: string, profileTo: string | undefined): Promise<void> {
  printHeading('Complete journeys (8 requests to the gateway, 2 from it to the identity provider)');
  const bare = await setBareStage(folder);
  const [citizens, floor] = [new Citizens(stage), new Citizens(bare)];
  try {
    await floor.sign('department', 32, WARM_UP);
    for (const kind of ['department', 'plain'] as const) await citizens.sign(kind, 32, WARM_UP / 2);
    for (const { parallel, slices, journeys } of SLICES) {
      const measured = { department: [] as Slice[], plain: [] as Slice[] };
      for (let i = 0; i < slices; i++) {
        const { gateway } = await floor.sign('department', parallel, journeys);
        for (const kind of ['department', 'plain'] as const) {
          measured[kind].push({ ...(await citizens.sign(kind, parallel, journeys)), floor: gateway });
        }
      }
      const isBusy = parallel > 1;
      print(`${parallel} in parallel, the petition asks for the département`, measured.department, isBusy);
      print(`${parallel} in parallel, it asks for nothing`, measured.plain, isBusy);
    }
    if (profileTo !== undefined) await profile(stage, citizens, profileTo);
  } finally {
    await Promise.all([citizens.stop(), floor.stop(), bare.close()]);
  }
}

function print(what: string, slices: readonly Slice[], isBusy: boolean): void {
  const value = medianOf(slices, ({ gateway }) => gateway);
  const ratio = medianOf(slices, ({ gateway, floor }) => floor / gateway);
  const there = `the bare journey took ${BARE_THERE} ms on the machine for which the promise was worked out: this one would take ${amount(BARE_THERE / ratio)} there`;
  printFigure({
    what,
    value,
    unit: 'ms of gateway CPU for a journey',
    // A département more or less is nothing to it: one floor for both.
    floor: { what: 'the same from bare libraries', value: medianOf(slices, ({ floor }) => floor) },
    ratio,
    ...(isBusy ? { bound: { of: 'value', sense: 'most', promise: 1.75, goal: 1.5 } } : {}),
    notes: [
      `best slice ${amount(Math.min(...slices.map(({ gateway }) => gateway)))}; ${amount(medianOf(slices, ({ rate }) => rate))} journeys a second here, with ${amount(medianOf(slices, ({ others }) => others))} ms a journey for simulator and citizens; one core of gateway carries ${amount(1000 / value)} a second, ${amount((86_400 * 1000) / value / 1e6)} million a day`,
      ...(isBusy ? [there] : []),
    ],
  });
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
  readonly #place: Place;
  readonly #visitors = new Part('visitors');
  #next = 1;

  constructor(place: Place) {
    this.#place = place;
  }

  async sign(kind: 'department' | 'plain', parallel: number, count: number): Promise<Costs> {
    const { gateway, franceConnect, origin, petitions } = this.#place;
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
