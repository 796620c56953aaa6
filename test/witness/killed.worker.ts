/** A witness in a process of its own that dies by SIGKILL just before, or just after, it keeps its nth note. */
import type { AddressInfo } from 'node:net';
import { listen } from '../../src/listen.ts';
import { sha256 } from '../../src/node-crypto.ts';
import { openWitnessStore } from '../../src/storage/sqlite/witness-store.ts';
import { parseVerifierKey } from '../../src/tlog/note.ts';
import type { WitnessStore } from '../../src/witness/ports.ts';
import { witnessServer } from '../../src/witness/server.ts';
import { Witness } from '../../src/witness/witness.ts';

type Order = { folder: string; name: string; log: string; dies: { at: number; when: 'before' | 'after' } };

const { folder, name, log, dies } = JSON.parse(process.env.ORDER ?? '') as Order;
const store = openWitnessStore(folder, name);
let notes = 0;
const die = (when: string) => when === dies.when && notes === dies.at && process.kill(process.pid, 'SIGKILL');
const mortal: WitnessStore = {
  ...store,
  replace(origin, before, after) {
    notes++;
    die('before');
    const replaced = store.replace(origin, before, after);
    die('after');
    return replaced;
  },
};
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const witness = new Witness([parseVerifierKey(sha256, log)], { store: mortal, clock: () => new Date() });
const server = await listen(witnessServer(witness, silent), '127.0.0.1', 0, '');
process.once('disconnect', () => process.exit());
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
