/**
 * What an operator's monitoring reads (Prometheus' text format), measured where it happens: domains are handed the same
 * ports with a meter around them, and know nothing of it. Guarantees: the value of a label comes from a list that stands
 * in the code, so that no metric can name anyone; what changes with a request is a counter, and what can be read is
 * read when someone asks.
 */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { REFUSAL_CODES } from '../errors.ts';
import { ENDPOINTS, EXCHANGE_FAILURES, type ExchangeReport } from '../identity/ports.ts';
import type { EntryKind } from '../log/entry.ts';
import type { Act, LogStore } from '../log/ports.ts';
import type { Cosign } from '../log/publisher.ts';
import type { FailureReason } from '../log/witnesses.ts';

/** What is read when someone asks, of this process and what it knows of the log. */
export type Readings = {
  readonly member: {
    /** Acts that wait to be recorded. */
    readonly queued: number;
    /** Whether this process writes the log. */
    readonly isLeading: boolean;
    /** What is public, and since when. */
    readonly published: { readonly size: number; readonly at: Date };
    /** The last checkpoint that is signed. */
    sealed(): Promise<{ readonly size: number }>;
  };
  readonly now: () => Date;
};

/** The type checker proves that these lists are complete. */
const KINDS: Readonly<Record<EntryKind, true>> = {
  'petition-opened': true,
  signed: true,
  withdrawn: true,
  invalidated: true,
  'petition-closed': true,
  'pseudonyms-destroyed': true,
  'identity-keys': true,
  'case-opened': true,
  'case-ended': true,
};
const REASONS: Readonly<Record<FailureReason, true>> = {
  ahead: true,
  'rolled-back': true,
  inconsistent: true,
  'not-configured': true,
  late: true,
  unreachable: true,
  answer: true,
  cosignature: true,
  proof: true,
};

/** Every value that a label of ours may have. Whatever else comes is `other`: better a blind spot than a name. */
export const LABELS = {
  kind: Object.keys(KINDS),
  code: [...REFUSAL_CODES, 'internal-error'],
  reason: Object.keys(REASONS),
  endpoint: ENDPOINTS,
  failure: EXCHANGE_FAILURES,
} as const satisfies Record<string, readonly string[]>;

const OTHER = 'other';
const known = (list: readonly string[], value: string) => (list.includes(value) ? value : OTHER);

export class Metrics {
  readonly #registry = new Registry();
  readonly #recorded = this.#counter('paraphe_entries_recorded_total', 'Entries recorded in the log.', 'kind');
  readonly #refusals = this.#counter('paraphe_refusals_total', 'Requests that were refused.', 'code');
  readonly #commitFailures = this.#counter('paraphe_commit_failures_total', 'Batches that storage did not record.');
  readonly #publications = this.#counter('paraphe_publications_total', 'Checkpoints that were published.');
  readonly #witnessFailures = this.#counter('paraphe_witness_failures_total', 'Cosignatures not given.', 'reason');
  readonly #exchangeFailures = this.#counter(
    'paraphe_identity_provider_failures_total',
    'Calls to the identity provider without an answer of use.',
    'endpoint',
    'failure',
  );
  readonly #batch = this.#histogram(
    'paraphe_batch_acts',
    'Acts recorded together.',
    [1, 2, 4, 8, 16, 32, 64, 128, 256],
  );
  readonly #commit = this.#histogram(
    'paraphe_commit_seconds',
    'From handing a batch to storage until it is durable.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  );
  readonly #exchange = this.#histogram(
    'paraphe_identity_provider_seconds',
    'Calls to the identity provider, answered or not.',
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    'endpoint',
  );

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    for (const kind of LABELS.kind) this.#recorded.inc({ kind }, 0); // a series that is not there has no rate
    for (const code of LABELS.code) this.#refusals.inc({ code }, 0);
    for (const reason of LABELS.reason) this.#witnessFailures.inc({ reason }, 0);
    for (const endpoint of LABELS.endpoint) {
      this.#exchange.zero({ endpoint });
      for (const failure of LABELS.failure) this.#exchangeFailures.inc({ endpoint, failure }, 0);
    }
  }

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  /** Everything, as text. A reading that fails is left out: a database that is away is when the rest is needed. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  /** @throws Error when it is called twice */
  read({ member, now }: Readings): void {
    this.#gauge('paraphe_queue_acts', 'Acts that wait to be recorded.', 'sum', () => member.queued);
    this.#gauge('paraphe_log_sealed_entries', 'Entries under the last signed checkpoint.', 'max', async () => {
      return (await member.sealed()).size;
    });
    this.#gauge('paraphe_log_published_entries', 'Entries under the published checkpoint.', 'max', () => {
      return member.published.size;
    });
    this.#gauge('paraphe_checkpoint_age_seconds', 'Age of the published checkpoint.', 'max', () => {
      return (now().getTime() - member.published.at.getTime()) / 1000;
    });
    this.#gauge('paraphe_leader', '1 where the log is written by this process, or one of its own.', 'sum', () => {
      return member.isLeading ? 1 : 0;
    });
  }

  /** @param count of the journeys that wait for their next request */
  readJourneys(count: () => Promise<number>): void {
    this.#gauge('paraphe_journeys', 'Journeys that wait for their next request, at most 100,000.', 'max', count);
  }

  /** In one of several processes of a cluster: hands them to the first one, which answers for all. */
  answerPrimary(): void {
    AggregatorRegistry.setRegistries([this.#registry]);
    new AggregatorRegistry();
  }

  readonly refused = (code: string): void => this.#refusals.inc({ code: known(LABELS.code, code) });

  readonly exchanged = ({ endpoint, seconds, failure }: ExchangeReport): void => {
    const at = known(LABELS.endpoint, endpoint);
    this.#exchange.observe({ endpoint: at }, seconds);
    if (failure !== undefined) this.#exchangeFailures.inc({ endpoint: at, failure: known(LABELS.failure, failure) });
  };

  /** The same log store, whose batches and publications are counted. */
  watchStore<A extends Act, O>(store: LogStore<A, O>): LogStore<A, O> {
    return {
      ...store,
      append: async (batch, acts) => {
        const begin = performance.now();
        try {
          const appended = await store.append(batch, acts);
          this.#commit.observe((performance.now() - begin) / 1000);
          this.#batch.observe(acts.length);
          for (const { entry } of appended.entries) this.#recorded.inc({ kind: known(LABELS.kind, entry.kind) });
          return appended;
        } catch (error) {
          this.#commitFailures.inc();
          throw error;
        }
      },
      publish: async (...publication) => {
        await store.publish(...publication);
        this.#publications.inc();
      },
    };
  }

  /** The same question to the witnesses, whose failures are counted. */
  watchCosign(cosign: Cosign): Cosign {
    return async (checkpoint, size) => {
      const cosigned = await cosign(checkpoint, size);
      for (const { reason } of cosigned.failures) this.#witnessFailures.inc({ reason: known(LABELS.reason, reason) });
      return cosigned;
    };
  }

  #counter(name: string, help: string, ...labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[], ...labelNames: string[]): Histogram {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, aggregator: 'sum' | 'max', value: () => number | Promise<number>): void {
    const gauge = new Gauge({
      name,
      help,
      aggregator, // of several processes of a cluster
      registers: [this.#registry],
      collect: async () => {
        try {
          gauge.set(await value());
        } catch {
          gauge.remove();
        }
      },
    });
  }
}

/** Of all processes of a cluster, as the first one gathers them. */
export class ClusterMetrics {
  readonly #registry = new AggregatorRegistry();
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  render(): Promise<string> {
    return this.#registry.clusterMetrics();
  }
}
