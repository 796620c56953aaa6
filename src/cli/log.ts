import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import { exportLog } from '../log/export-log.ts';
import { LogReader } from '../log/reader.ts';
import { openStorage } from '../storage/open.ts';
import { parseSignedCheckpoint } from '../tlog/checkpoint.ts';
import { utf8 } from '../tlog/text.ts';
import { Progress } from './progress.ts';

export const USAGE = 'Usage: paraphe log export <folder>';

/** `paraphe log export <folder>`: the published log as files, from the data alone, beside a serving gateway too. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  const [act, folder, ...rest] = positionals;
  if (act !== 'export' || folder === undefined || folder === '' || rest.length > 0) {
    throw new SetupError(USAGE);
  }
  const storage = await openStorage(readStorageConfig());
  const umask = process.umask(0o022); // it is public: any web server may read it
  const progress = new Progress();
  const show = (done: number, size: number) => progress.show('entries', done, size);
  try {
    const state = await storage.log.state();
    if (state?.publication === undefined) throw new SetupError('Nothing is published yet: start the gateway first.');
    const { checkpoint, at } = state.publication;
    const head = parseSignedCheckpoint(utf8(checkpoint)).checkpoint;
    const published = { ...head, checkpoint, at, figures: new Map() };
    const reader = new LogReader({
      files: storage.log,
      vkey: state.vkey,
      published: () => published,
      refresh: async () => {},
      sealed: async () => ({ ...head, checkpoint }),
    });
    const written = await exportLog(reader, storage.log, folder, show);
    progress.end();
    console.log(`${folder}/log holds the log ${state.origin} at ${head.size} entries (${written} files written).`);
    console.log(`Anyone recounts it with \`paraphe audit ${folder} --vkey ${state.vkey}\`.`);
    return 0;
  } finally {
    process.umask(umask);
    await storage.close();
  }
}
