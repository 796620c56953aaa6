/** The gateway, by the very command that serves it; answers for its CPU time, and profiles itself when asked to. */
import cluster from 'node:cluster';
import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { run } from '../../src/cli/serve.ts';
import { answer, cpuMs } from '../part.ts';

let session: Session | undefined;

answer({
  cpu: () => Object.values(cluster.workers ?? {}).reduce((sum, worker) => sum + cpuMsOf(worker?.process.pid), cpuMs()),
  async startProfile() {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
  },
  async stopProfile(file: string) {
    const { profile } = (await session?.post('Profiler.stop')) ?? {};
    writeFileSync(file, JSON.stringify(profile));
    session?.disconnect();
  },
});

const workers = process.env.BENCH_WORKERS;
await run(workers === undefined ? [] : ['--workers', workers]);
process.disconnect();

/** User and system time of another process, in milliseconds (Linux: proc(5), in ticks of 10 ms). */
function cpuMsOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return 10 * (Number(user) + Number(system));
}
