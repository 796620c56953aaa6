import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createDiagnostics } from '../diagnostics.ts';
import { SetupError } from '../errors.ts';
import { finishRequests, listen } from '../listen.ts';
import { sha256 } from '../node-crypto.ts';
import { openWitnessStore } from '../storage/sqlite/witness-store.ts';
import { Malformed } from '../tlog/errors.ts';
import { checkKeyName, ED25519, formatVerifierKey, parseVerifierKey, type VerifierKey } from '../tlog/note.ts';
import { witnessServer } from '../witness/server.ts';
import { Witness } from '../witness/witness.ts';
import { untilStopped } from './signals.ts';

export const USAGE =
  'Usage: paraphe witness --name NAME --log VKEY [--log VKEY …] --data FOLDER [--port 3002] [--host 127.0.0.1] [--url URL]';

/**
 * `paraphe witness`: cosigns the checkpoints of the logs whose verifier keys it is given, until SIGTERM or SIGINT.
 * `--url` is the address that the line for their policies names; names are addresses without `https://` by custom.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      name: { type: 'string' },
      log: { type: 'string', multiple: true },
      data: { type: 'string' },
      port: { type: 'string', default: '3002' },
      host: { type: 'string', default: '127.0.0.1' },
      url: { type: 'string' },
    },
  });
  const { name, log: vkeys, data, host } = values;
  if (name === undefined || vkeys === undefined || data === undefined) throw new SetupError(USAGE);
  const logs = readKeys(name, vkeys);
  const port = readPort(values.port);

  const store = openWitnessStore(data, name);
  try {
    const witness = new Witness(logs, { store, clock: () => new Date() });
    const server = await listen(witnessServer(witness, createDiagnostics('info')), host, port, '--port');
    const { port: bound } = server.address() as AddressInfo;
    console.log(`This witness watches ${logs.map((log) => log.name).join(', ')} on http://${host}:${bound}.`);
    console.log('For the policies of those who believe it:');
    console.log(`witness ${name} ${formatVerifierKey(witness.key)} ${values.url ?? `https://${name}`}`);
    await untilStopped();
    await finishRequests(server);
    return 0;
  } finally {
    store.close();
  }
}

/** Before anything is made on the disk. */
function readKeys(name: string, vkeys: readonly string[]): readonly VerifierKey[] {
  try {
    checkKeyName(name);
    return vkeys.map(readLogKey);
  } catch (error) {
    throw error instanceof Malformed ? new SetupError(`${error.message}. ${USAGE}`) : error;
  }
}

function readLogKey(vkey: string): VerifierKey {
  const key = parseVerifierKey(sha256, vkey.trim());
  if (key.type !== ED25519) throw new SetupError(`${vkey} is a witness’s key; --log takes a log’s.`);
  return key;
}

function readPort(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new SetupError(`--port ${text}: a number from 0 to 65535.`);
}
