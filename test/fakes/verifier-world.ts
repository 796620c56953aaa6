/**
 * A gateway whose receipts are of a log that the test holds: a few hundred signatures, one of them Camille's, with the
 * files that Camille kept. Nobody logs in: the receipts are signed with the gateway's own keys.
 */
import type { Day } from '../../src/clock.ts';
import type { Entry, Signed } from '../../src/log/entry.ts';
import { type Nym, nymFromBytes } from '../../src/person/nym.ts';
import { computeReceipt } from '../../src/receipt/compute.ts';
import { loadReceiptKeys, type ReceiptKeys } from '../../src/receipt/keys.ts';
import { readReceiptKeys } from '../../src/storage/key-folder.ts';
import { FakeLog, type LogSite, startLogSite } from './log-site.ts';
import { GARDENS, startWorld, type World } from './world.ts';

/** Long published. */
const DAY = '2026-01-15' as Day;

export class VerifierWorld implements AsyncDisposable {
  readonly site: LogSite;
  readonly world: World;
  readonly log: FakeLog;
  readonly petition: string;
  readonly #keys: ReceiptKeys;
  readonly #statement: string;

  static async start(): Promise<VerifierWorld> {
    const site = await startLogSite();
    const { port } = new URL(site.origin);
    const world = await startWorld({ env: { ORIGIN: site.origin }, petitions: [GARDENS] });
    site.gateway = `http://localhost:${world.config.web.port}`;
    const { petitions } = (await (await fetch(`${site.gateway}/api/petitions`)).json()) as {
      petitions: { id: string; statement: string }[];
    };
    const keys = await loadReceiptKeys(readReceiptKeys(world.config.storage.keysDir));
    return new VerifierWorld(site, world, new FakeLog(`localhost:${port}/log`), petitions[0]!, keys);
  }

  private constructor(
    site: LogSite,
    world: World,
    log: FakeLog,
    { id, statement }: { id: string; statement: string },
    keys: ReceiptKeys,
  ) {
    this.site = site;
    this.world = world;
    this.log = log;
    this.petition = id;
    this.#keys = keys;
    this.#statement = statement;
    for (let i = 0; i < 300; i++) log.append(this.signed(i));
  }

  /** The signature of the person of that number. */
  signed(person: number): Signed {
    return {
      kind: 'signed',
      petition: this.petition,
      nym: this.nym(person),
      department: null,
      evidence: null,
      day: DAY,
    };
  }

  nym(person: number): Nym {
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setUint32(0, person + 1);
    return nymFromBytes(bytes);
  }

  withdrawn(person: number): Entry {
    const { petition, nym, evidence, day } = this.signed(person);
    return { kind: 'withdrawn', petition, nym, evidence, day };
  }

  /** `receipt.jwt` of the person of that number, whose entry has it too. */
  receipt(person: number): string {
    const { nym, day } = this.signed(person);
    return computeReceipt(this.#keys, {
      issuer: this.site.origin,
      petition: this.petition,
      statementHash: Buffer.from(this.#statement, 'hex'),
      nym,
      day,
      department: undefined,
      log: { origin: this.log.origin, index: person },
    });
  }

  /** What the gateway says of someone's signature. */
  says(person: number, state: string, index: number | null): void {
    const path = `/api/petitions/jardins/signatures/${this.nym(person)}`;
    this.site.answers.set(path, JSON.stringify({ state, index, checkpoint: null }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    await this.world.close();
  }
}
