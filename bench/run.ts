/**
 * `npm run bench`: the figures that DESIGN promises, each beside its floor in the same run. About eight minutes.
 *
 *   npm run bench -- --full              grows the table and the recounted log to ten million too (minutes more, 3 GB of disk)
 *   npm run bench -- --only pages        journeys, recordings, receipts, sites, pages, recount, postgres, processes, failover or growth alone, separated by commas
 *   npm run bench -- --profile <file>    a CPU profile of the gateway under journeys, with its summary
 *
 * A machine that others use measures the others too: it says so, and only a quiet one tells the truth.
 */
import { rmSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { benchFailover } from './failover.ts';
import { benchFirstBytes } from './first-bytes.ts';
import { benchJourneys } from './journeys.ts';
import { benchPages, serveBarely } from './pages.ts';
import { benchCpuMs, Part } from './part.ts';
import { benchPostgres } from './postgres.ts';
import { benchProcesses } from './processes.ts';
import { benchReceipts } from './receipts.ts';
import { benchGrowth, benchRecordings } from './recordings.ts';
import { benchRecount } from './recount.ts';
import { percent } from './report.ts';
import { benchSites } from './sites.ts';
import { setStage, temporaryFolder } from './stage.ts';

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    profile: { type: 'string' },
  },
});
const chosen = options.only?.split(',');
const wants = (section: string) => chosen?.includes(section) ?? (section !== 'growth' || options.full);

/** Runs a section if it is wanted, and says what share of the machine others took meanwhile: they slow down what is measured. */
async function section(name: string, work: () => Promise<void>): Promise<void> {
  if (!wants(name)) return;
  const [busy, ours, from] = [busyMs(), await benchCpuMs(), performance.now()];
  await work();
  const others = busyMs() - busy - ((await benchCpuMs()) - ours);
  const share = others / ((performance.now() - from) * availableParallelism());
  if (share > 0.05) console.log(`  (other programs took ${percent(share)} of the machine meanwhile)`);
}

/** Milliseconds that the machine's cores were busy since it started. */
function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

const begin = performance.now();
const sqlite = new Database(':memory:').prepare('SELECT sqlite_version()').pluck().get();
console.log(`Node ${process.versions.node}, SQLite ${sqlite}, ${availableParallelism()} cores, ${cpus()[0]?.model}`);

const folder = temporaryFolder();
const recording = new Part('recording');
const verifying = new Part('verifying');
const bare = new Part('bare-express');
const readers = new Part('readers');
const stage = await setStage();
try {
  await recording.ask('open', { folder, rows: 0 });
  const page = await serveBarely(stage, bare);
  await section('journeys', () => benchJourneys(stage, folder, options.profile));
  await section('recordings', () => benchRecordings(recording, folder));
  await section('receipts', () => benchReceipts(verifying));
  await section('sites', () => benchSites());
  await section('pages', () => benchPages(stage, bare, page, readers));
  await section('recount', () => benchRecount(folder, options.full));
  await section('postgres', () => benchPostgres(options.full));
  await section('processes', () => benchProcesses());
  await section('failover', () => benchFailover());
  await section('growth', async () => {
    await benchGrowth(recording);
    await benchFirstBytes();
  });
} finally {
  await Promise.all([stage.close(), ...[recording, verifying, bare, readers].map((part) => part.stop())]);
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${Math.round((performance.now() - begin) / 1000)} s in all.`);
