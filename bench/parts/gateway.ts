/** The gateway, by the very command that serves it; answers for its CPU time, and profiles itself when asked to. */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { run } from '../../src/cli/serve.ts';
import { answer } from '../part.ts';

let session: Session | undefined;

answer({
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

await run([]);
process.disconnect();
