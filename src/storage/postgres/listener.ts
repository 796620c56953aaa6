/** One connection that hears what other processes tell (NOTIFY), made again whenever it breaks. */
import pg from 'pg';
import { LISTENED, type Signal, type Signals } from '../signals.ts';
import { settings } from './database.ts';

const AGAIN_MS = 500;
/** Nothing is built on hearing everything: whoever listens is told so often anyway. */
const ANYWAY_MS = 1000;

/** The channel of a signal, for `pg_notify`. */
export const channel = (signal: Signal) => `paraphe_${signal}`;

export class Listener implements Signals {
  readonly #url: string;
  readonly #listeners = new Map<Signal, Set<() => void>>();
  #client: pg.Client | undefined;
  #opening: NodeJS.Timeout | undefined;
  #anyway: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param url of the database; connects when the first one listens */
  constructor(url: string) {
    this.#url = url;
  }

  on(signal: Signal, listener: () => void): () => void {
    const listeners = this.#listeners.get(signal) ?? new Set();
    this.#listeners.set(signal, listeners.add(listener));
    if (this.#anyway === undefined) {
      this.#anyway = setInterval(() => this.#tellAll(), ANYWAY_MS);
      void this.#connect();
    }
    return () => void listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#anyway);
    clearTimeout(this.#opening);
    await this.#client?.end().catch(() => {});
  }

  async #connect(): Promise<void> {
    const { statement_timeout, query_timeout, ...patient } = settings(this.#url);
    const client = new pg.Client(patient);
    this.#client = client;
    client.on('error', () => {});
    client.once('end', () => {
      if (!this.#isClosed) this.#opening = setTimeout(() => void this.#connect(), AGAIN_MS);
    });
    client.on('notification', (heard) => this.#tell(heard.channel));
    try {
      await client.connect();
      for (const signal of LISTENED) await client.query(`LISTEN ${channel(signal)}`);
      this.#tellAll(); // whatever was said before
    } catch {
      await client.end().catch(() => {}); // tried again at its end
    }
  }

  #tell(from: string): void {
    for (const signal of LISTENED) {
      if (channel(signal) === from) for (const listener of this.#listeners.get(signal) ?? []) listener();
    }
  }

  #tellAll(): void {
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener();
  }
}
