/** A thread that reads and hashes batches of a log in a folder, one after another, as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { treeHashing } from '../../tlog/merkle.ts';
import { bundlesOf, readBatch } from '../batch.ts';
import { missing } from '../source.ts';
import { sha256 } from './crypto.ts';
import { BundleReader } from './folder.ts';

const { folder } = workerData as { readonly folder: string };
const hashing = treeHashing(sha256);
const reader = new BundleReader(folder);

parentPort?.on('message', ({ first, size }: { readonly first: number; readonly size: number }) => {
  const bundles = bundlesOf(size, first);
  const batch = readBatch(hashing, size, first, (i) => {
    const bundle = bundles[i];
    if (bundle === undefined) throw missing(`bundle ${first + i}`);
    return reader.read(bundle);
  });
  const { codes, nyms } = batch.entries;
  parentPort?.postMessage({ first, batch }, [codes.buffer, nyms.buffer, batch.roots.buffer]);
});
