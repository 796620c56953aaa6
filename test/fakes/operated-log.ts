/** A data folder as an operator has it, with keys, two petitions and signatures, for the commands that look after it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/clock.ts';
import { readStorageConfig, type StorageConfig } from '../../src/config.ts';
import { Publisher } from '../../src/log/publisher.ts';
import { createLog, openLogWriter, withRegister } from '../../src/log-writer.ts';
import { type Nym, nymFromBytes } from '../../src/person/nym.ts';
import type { PetitionAct } from '../../src/petitions/acts.ts';
import { openPetition } from '../../src/petitions/open-petition.ts';
import type { Petition } from '../../src/petitions/petition.ts';
import { parsePetitionFile } from '../../src/petitions/petition-file.ts';
import { registerSite } from '../../src/provider/register-site.ts';
import { parseSite } from '../../src/provider/site.ts';
import { readKeyEncryptionKey } from '../../src/storage/key-encryption-key.ts';
import { createKeys, readKeys } from '../../src/storage/key-folder.ts';
import { migrateStorage, openStorage } from '../../src/storage/open.ts';

export const ORIGIN = 'petitions.example.org/log';

export type OperatedLog = {
  readonly config: StorageConfig;
  readonly petitions: readonly Petition[];
  readonly clock: Clock;
  /** Of the first petition, in the order in which they were asked: within a batch, the log's order is one of chance. */
  readonly nyms: readonly Nym[];
  /** Records more, without publishing it. */
  record(...acts: PetitionAct[]): Promise<void>;
  sign(count: number): Promise<void>;
  /** Publishes what is recorded, as a start does. */
  publish(): Promise<void>;
  done(): void;
};

const clock = () => new Date('2026-11-20T10:00:00Z');

/** Registers a petition site. @returns its client id */
export async function registerSiteOf(config: StorageConfig): Promise<string> {
  const storage = await openStorage(config);
  const description = parseSite({
    name: 'Ville d’Ys',
    redirectUris: ['https://ys.example/cb'],
    auth: 'client_secret_basic',
    jwksUri: undefined,
  });
  const deps = { sites: storage.sites, keyEncryptionKey: readKeyEncryptionKey(config.keysDir), clock };
  return registerSite(deps, description, [])
    .then(({ site }) => site.id)
    .finally(() => storage.close());
}

export async function operatedLog(signatures: number): Promise<OperatedLog> {
  const dataDir = mkdtempSync(join(tmpdir(), 'paraphe-operated-'));
  const config = readStorageConfig({ DATA_DIR: dataDir });
  createKeys(config.keysDir, ORIGIN);
  await migrateStorage(config);
  const { keyEncryptionKey, logKey } = readKeys(config.keysDir);
  await createLog(config, logKey);
  const collecting = { issuer: 'https://idp.example/api/v2', clientId: 'a "client"', acr: 'eidas1' };
  const record = (...acts: PetitionAct[]) =>
    withRegister(config, clock, async ({ register }) => void (await register.recordAll(acts)));
  await record({ kind: 'identity-keys', issuer: collecting.issuer, jwks: Buffer.from('{"keys":[]}') });
  const open = (slug: string, rules: string) =>
    withRegister(config, clock, ({ register }) => {
      const text = `---\nslug: ${slug}\ntitle: La pétition ${slug}\n${rules}\n---\n\nNous demandons **${slug}**.\n`;
      return openPetition({ register, keyEncryptionKey, clock }, parsePetitionFile(text, slug), collecting);
    });
  const petitions = [
    await open('une', 'min_age: 18\ndepartments: true\ncloses: 2099-12-31'),
    await open('autre', 'min_age: 0\ndepartments: false'),
  ];
  const nyms: Nym[] = [];
  const [first] = petitions;
  if (first === undefined) throw new Error('no petition');
  const log: OperatedLog = {
    config,
    petitions,
    clock,
    nyms,
    record,
    async sign(count) {
      const more = Array.from({ length: count }, () => nymFromBytes(randomBytes(32)));
      nyms.push(...more);
      const acts = more.map((nym) => ({ kind: 'signed', petition: first.id, nym, department: '75' }) as const);
      for (let from = 0; from < acts.length; from += 1000) await record(...acts.slice(from, from + 1000));
    },
    async publish() {
      const storage = await openStorage(config);
      const writer = await openLogWriter({ place: config, storage, key: logKey, clock });
      const { sequencer } = writer;
      const publisher = await Publisher.open({
        store: storage.log,
        sequencer,
        origin: logKey.origin,
        clock,
        everyMs: 1000,
        report: ({ trouble }) => {
          throw new Error(trouble);
        },
      });
      await publisher.publish();
      await writer.close();
      await storage.close();
    },
    done: () => rmSync(dataDir, { recursive: true, force: true }),
  };
  await log.sign(signatures);
  return log;
}
