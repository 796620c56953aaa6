/**
 * Complete journeys a second with one, two and three processes that serve, on both databases. The simulated FranceConnect,
 * the citizens and PostgreSQL run on the same cores and cost more than the gateway: on two cores they are what the rate
 * stops at, and the gateway's CPU time for a journey is what tells how far more cores would carry it.
 */
import { startPostgres } from '../test/fakes/own-postgres.ts';
import { Citizens } from './journeys.ts';
import { amount, printFigure, printHeading } from './report.ts';
import { type StageOptions, setStage } from './stage.ts';
import { medianOf } from './statistics.ts';

const PROCESSES = [1, 2, 3] as const;
const SLICES = 3;
const JOURNEYS = 400;
const WARM_UP = 600;

export async function benchProcesses(): Promise<void> {
  const server = await startPostgres('-c', 'shared_buffers=512MB');
  try {
    for (const database of ['SQLite', 'PostgreSQL'] as const) {
      printHeading(`Complete journeys on ${database}, 32 in parallel, by the number of processes that serve`);
      for (const processes of PROCESSES) {
        const workers = processes === 1 ? {} : { workers: processes };
        await measure(
          processes,
          database === 'SQLite' ? workers : { ...workers, databaseUrl: await server.newDatabase() },
        );
      }
    }
  } finally {
    await server.stop();
  }
}

async function measure(processes: number, options: StageOptions): Promise<void> {
  const stage = await setStage(options);
  const citizens = new Citizens(stage);
  try {
    await citizens.sign('department', 32, WARM_UP);
    const slices = [];
    for (let i = 0; i < SLICES; i++) slices.push(await citizens.sign('department', 32, JOURNEYS));
    const cpu = medianOf(slices, ({ gateway }) => gateway);
    printFigure({
      what: processes === 1 ? 'one process, which writes too' : `${processes}, and one that writes`,
      value: medianOf(slices, ({ rate }) => rate),
      unit: 'journeys a second here',
      notes: [
        `${amount(cpu)} ms of CPU for each, all processes of the gateway: one core carries ${amount(1000 / cpu)} a second`,
      ],
    });
  } finally {
    await citizens.stop();
    await stage.close();
  }
}
