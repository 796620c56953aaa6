/**
 * Fail-over: three processes serve on one PostgreSQL, citizens confirm ten times a second at any of them, and the one that
 * writes the log is killed. Measured from there to the first signature that another one acknowledges to somebody who
 * confirmed after it. What nobody could leave out is what the dead one's lease had still to run.
 */
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { startPostgres } from '../test/fakes/own-postgres.ts';
import { Part } from './part.ts';
import { amount, printFigure, printHeading } from './report.ts';
import { freePort, type Stage, setStage, untilReady } from './stage.ts';
import { medianOf } from './statistics.ts';

const GATEWAYS = 3;
const ROUNDS = 5;
/** Of each round, at ten a second: those who come after the kill wait for the next writer. */
const CITIZENS = 30;
/** Between two renewals of the lease. */
const RENEWAL_MS = 1000;
const LEFT = `SELECT greatest(0, extract(epoch FROM renewed + interval '3 seconds' - clock_timestamp()))::float8 AS seconds
  FROM lease`;

type Gateway = { readonly part: Part; readonly port: number; readonly metricsPort: number };
type Round = { readonly seconds: number; readonly lease: number };

export async function benchFailover(): Promise<void> {
  printHeading(`Fail-over on PostgreSQL: of ${GATEWAYS} processes that serve, the one that writes is killed (-9)`);
  const server = await startPostgres();
  const databaseUrl = await server.newDatabase();
  const stage = await setStage({ databaseUrl });
  const visitors = new Part('visitors');
  const database = new pg.Client(databaseUrl);
  const gateways: Gateway[] = [];
  try {
    await database.connect();
    for (let i = 0; i < GATEWAYS; i++) gateways.push(await startGateway(stage));
    await stage.gateway.stop(); // it does not say whether it writes
    const rounds: Round[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const writer = await writerOf(gateways);
      const port = (gateways[i % GATEWAYS] ?? writer).port;
      const order = { origin: stage.origin, slug: stage.petitions.department, first: 1 + i * CITIZENS };
      await visitors.ask('bring', { ...order, count: CITIZENS, parallel: 8, port });
      rounds.push(await killOne(writer, gateways, visitors, database));
      gateways.splice(gateways.indexOf(writer), 1, await startGateway(stage));
    }
    await untilCounted(gateways[0]?.port ?? 0, stage.petitions.department, ROUNDS * CITIZENS);
    print(rounds);
  } finally {
    await Promise.all([visitors.stop(), database.end(), ...gateways.map(({ part }) => part.stop())]);
    await stage.close();
    await server.stop();
  }
}

async function killOne(
  writer: Gateway,
  gateways: readonly Gateway[],
  visitors: Part,
  database: pg.Client,
): Promise<Round> {
  const confirming = visitors.ask<{ begun: number; answered: number }[]>('confirm', {
    ports: gateways.map(({ port }) => port),
    department: '75',
  });
  await wait(300 + Math.random() * RENEWAL_MS);
  const { rows } = await database.query<{ seconds: number }>(LEFT);
  const killed = Date.now();
  await writer.part.stop('SIGKILL');
  const later = (await confirming).filter(({ begun }) => begun > killed);
  const first = Math.min(...later.map(({ answered }) => answered));
  return { seconds: (first - killed) / 1000, lease: rows[0]?.seconds ?? Number.NaN };
}

function print(rounds: readonly Round[]): void {
  const worst = rounds.reduce((one, other) => (one.seconds > other.seconds ? one : other));
  printFigure({
    what: `until another process acknowledges a signature, worst of ${ROUNDS}`,
    value: worst.seconds,
    unit: 's',
    floor: { what: 'the lease had still to run', value: worst.lease },
    bound: { of: 'value', sense: 'most', promise: 5, goal: 4 },
    notes: [
      `median ${amount(medianOf(rounds, ({ seconds }) => seconds))} s, the lease ${amount(medianOf(rounds, ({ lease }) => lease))} s; of ${ROUNDS * CITIZENS} who confirmed, ten a second, each was acknowledged and is counted once`,
    ],
  });
}

async function startGateway({ env }: Stage): Promise<Gateway> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const part = new Part('gateway', { ...env, PORT: String(port), METRICS_PORT: String(metricsPort) });
  await untilReady(`http://localhost:${port}`);
  return { part, port, metricsPort };
}

async function writerOf(gateways: readonly Gateway[]): Promise<Gateway> {
  for (let tries = 0; tries < 200; tries++) {
    for (const gateway of gateways) {
      const metrics = await (await fetch(`http://localhost:${gateway.metricsPort}/metrics`)).text();
      if (/^paraphe_leader 1$/m.test(metrics)) return gateway;
    }
    await wait(50);
  }
  throw new Error('nobody writes the log');
}

/** Everyone who was answered is counted, once, at the latest when the log is published next. */
async function untilCounted(port: number, slug: string, people: number): Promise<void> {
  let total: number | undefined;
  for (let tries = 0; tries < 100 && total !== people; tries++) {
    const response = await fetch(`http://localhost:${port}/api/petitions/${slug}/tally`);
    ({ total } = (await response.json()) as { total: number });
    await wait(50);
  }
  if (total !== people) throw new Error(`${people} were acknowledged, ${total} are counted`);
}
