/**
 * Where oidc-provider keeps sessions, interactions, grants, codes and access tokens: in memory, gone at a restart.
 * Its own memory adapter forgets the oldest of 1,000 entries, so that a few hundred people logging in at once lose
 * their journeys. This one forgets what has expired, and the oldest entry of a kind only beyond `CAPACITY`.
 */
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

const CAPACITY = 100_000;

/** A map whose entries expire. Sweeping is done by the writes, one bucket for each second: no timer, no full scan. */
export class ExpiringMap<Value> {
  readonly #entries = new Map<string, { value: Value; expires: number }>();
  readonly #buckets = new Map<number, string[]>();
  readonly #capacity: number;
  #swept = Math.floor(Date.now() / 1000);

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.expires > Date.now() ? entry.value : undefined;
  }

  /** Keeps a value for a number of seconds. */
  set(key: string, value: Value, seconds: number): void {
    this.#sweep();
    const expires = Date.now() + seconds * 1000;
    this.#entries.delete(key);
    this.#entries.set(key, { value, expires });
    const bucket = Math.floor(expires / 1000) + 1;
    const keys = this.#buckets.get(bucket);
    if (keys === undefined) this.#buckets.set(bucket, [key]);
    else keys.push(key);
    if (this.#entries.size > this.#capacity) this.#forgetOldest();
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  #sweep(): void {
    const now = Date.now();
    for (const last = Math.floor(now / 1000); this.#swept < last; this.#swept++) {
      for (const key of this.#buckets.get(this.#swept) ?? []) {
        // A key that was written again since has another, later bucket.
        const entry = this.#entries.get(key);
        if (entry !== undefined && entry.expires <= now) this.#entries.delete(key);
      }
      this.#buckets.delete(this.#swept);
    }
  }

  #forgetOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }
}

/** Longer than any lifetime below: for what oidc-provider stores without one. */
const DAY = 86_400;

class MemoryAdapter implements Adapter {
  readonly #entries = new ExpiringMap<AdapterPayload>();
  readonly #idOfUid = new ExpiringMap<string>();
  readonly #idsOfGrant = new ExpiringMap<string[]>();

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const seconds = expiresIn ?? DAY;
    this.#entries.set(id, payload, seconds);
    if (payload.kind === 'Session' && payload.uid !== undefined) this.#idOfUid.set(payload.uid, id, seconds);
    if (payload.grantId !== undefined && payload.kind !== 'Interaction') {
      const ids = this.#idsOfGrant.get(payload.grantId) ?? [];
      this.#idsOfGrant.set(payload.grantId, [...ids, id], seconds);
    }
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#entries.get(id);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const id = this.#idOfUid.get(uid);
    return id === undefined ? undefined : this.#entries.get(id);
  }

  /** The device flow is off. */
  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async consume(id: string): Promise<void> {
    const payload = this.#entries.get(id);
    if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id: string): Promise<void> {
    this.#entries.delete(id);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const id of this.#idsOfGrant.get(grantId) ?? []) this.#entries.delete(id);
    this.#idsOfGrant.delete(grantId);
  }
}

/** One memory for all kinds of entries; handed to the next provider when keys are rotated. */
export function memoryAdapter(): AdapterFactory {
  const adapters = new Map<string, Adapter>();
  return (kind) => {
    const known = adapters.get(kind);
    if (known !== undefined) return known;
    const adapter = new MemoryAdapter();
    adapters.set(kind, adapter);
    return adapter;
  };
}
