/** What recording a signature is made of, whatever the database: from a verified login to the receipt, and the raw parts. */
import { createPrivateKey, generateKeyPairSync, hash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { secretKey } from '../src/aead.ts';
import { KeyEncryptionKey } from '../src/key-encryption.ts';
import { generateLogKey, type LogKey, parseLogKey } from '../src/log/log-key.ts';
import type { LogLock } from '../src/log/ports.ts';
import { Sequencer } from '../src/log/sequencer.ts';
import { evaluate, personInput } from '../src/person/pseudonym.ts';
import type { PetitionAct, PetitionOutcome } from '../src/petitions/acts.ts';
import { openPetition } from '../src/petitions/open-petition.ts';
import type { Petition } from '../src/petitions/petition.ts';
import { parsePetitionFile } from '../src/petitions/petition-file.ts';
import { computeNym } from '../src/petitions/petition-key.ts';
import { signPetition } from '../src/petitions/sign-petition.ts';
import { computeReceipt } from '../src/receipt/compute.ts';
import { generateReceiptKeys, loadReceiptKeys, type ReceiptKeys } from '../src/receipt/keys.ts';
import type { Storage } from '../src/storage/open.ts';
import { cpuMs } from './part.ts';

export const ISSUER = 'https://oidc.franceconnect.gouv.fr/api/v2';
export const DEPARTMENT = '75';

export const logKey = parseLogKey(generateLogKey('bench.example/log')) as LogKey;
export const keyEncryptionKey = new KeyEncryptionKey(secretKey(randomBytes(32)));
const keys: ReceiptKeys = await loadReceiptKeys(generateReceiptKeys());
const bareKey: KeyObject = createPrivateKey(
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey,
);

export async function timed(work: () => Promise<void> | void): Promise<{ seconds: number; cpu: number }> {
  const [begin, cpu] = [performance.now(), cpuMs()];
  await work();
  return { seconds: (performance.now() - begin) / 1000, cpu: cpuMs() - cpu };
}

/** As FranceConnect's: 64 hexadecimal characters and `v1`. */
export function newSub(): string {
  return `${randomBytes(32).toString('hex')}v1`;
}

export type Signing = Parameters<typeof computeNym>[0] & { readonly register: Sequencer<PetitionAct, PetitionOutcome> };

/** From a verified login to the receipt. */
export async function signAndReceive(deps: Signing, petition: Petition, sub: string): Promise<void> {
  const nym = await computeNym(deps, petition, { issuer: ISSUER, sub });
  const { signature } = await signPetition(deps, petition, { nym, department: DEPARTMENT });
  const { day, department, index } = signature;
  computeReceipt(keys, {
    issuer: 'https://petitions.example.org',
    petition: petition.id,
    statementHash: petition.statement.hash,
    nym,
    day,
    department,
    log: { origin: logKey.origin, index },
  });
}

async function acknowledged(deps: Signing, petition: Petition): Promise<number> {
  const begin = performance.now();
  await signAndReceive(deps, petition, newSub());
  return performance.now() - begin;
}

/** Milliseconds from a confirmation to its receipt, when so many come in a second, evenly. */
export async function acknowledgements(
  deps: Signing,
  petition: Petition,
  rate: number,
  seconds: number,
): Promise<{ p50: number; p99: number }> {
  const begin = performance.now();
  const answers: Promise<number>[] = [];
  while (answers.length < rate * seconds) {
    const due = Math.floor(((performance.now() - begin) / 1000) * rate);
    while (answers.length < Math.min(due, rate * seconds)) answers.push(acknowledged(deps, petition));
    await wait(1);
  }
  const times = (await Promise.all(answers)).sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** @param batch is recorded when it is full, or as a gateway's where it is not said */
export function openSequencer(storage: Storage, lock: LogLock, batch?: number) {
  const filled = batch === undefined ? {} : { windowMs: 100, batch };
  const limits = { ...filled, backlog: Number.MAX_SAFE_INTEGER };
  const deps = { store: storage.log, lock, key: logKey, clock: () => new Date(), limits };
  return Sequencer.open<PetitionAct, PetitionOutcome>(deps);
}

/** The parts that no database is in. */
export const RAW = {
  evaluation: ({ count }: { count: number }) => {
    const secret = randomBytes(32);
    secret[31] = 0; // below the group's order
    const inputs = Array.from({ length: count }, () => personInput({ issuer: ISSUER, sub: newSub() }));
    return timed(() => {
      for (const input of inputs) evaluate(secret, input);
    });
  },

  signature: ({ count }: { count: number }) => {
    const inputs = Array.from({ length: count }, () => randomBytes(450)); // as long as a receipt's signing input
    return timed(() => {
      for (const input of inputs) sign('sha256', input, bareKey);
    });
  },

  /** A leaf of an entry's length, and a node. */
  hashes: ({ count }: { count: number }) => {
    const [leaf, node] = [randomBytes(170), randomBytes(65)];
    return timed(() => {
      for (let i = 0; i < count; i++) {
        hash('sha256', leaf, 'buffer');
        hash('sha256', node, 'buffer');
      }
    });
  },
};

/** The one petition of a bench. */
export function openBench(register: Sequencer<PetitionAct, PetitionOutcome>): Promise<Petition> {
  const text = '---\nslug: bench\ntitle: Un banc public\nmin_age: 18\ndepartments: true\n---\nUn texte.\n';
  const deps = { register, keyEncryptionKey, clock: () => new Date() };
  return openPetition(deps, parsePetitionFile(text, 'bench'), { issuer: ISSUER, clientId: 'bench', acr: 'eidas1' });
}
