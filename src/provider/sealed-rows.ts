/**
 * Rows that the database cannot read: each is named after a secret id (a code, an access token, what a cookie names), stored
 * and sealed under two halves of one SHAKE256 (FIPS 202) of it, of which the first says nothing about the second. Whoever
 * holds the database alone can neither open a row nor tell which rows belong to one login. The ids have 126 random bits and more.
 */
import { hash, type KeyObject } from 'node:crypto';
import { open, seal, secretKey } from '../aead.ts';
import type { ProviderRows } from './ports.ts';

export class SealedRows {
  readonly #rows: ProviderRows;

  constructor(rows: ProviderRows) {
    this.#rows = rows;
  }

  save(kind: string, id: string, value: object, seconds: number): Promise<void> {
    const { name, key } = derive(kind, id);
    const content = seal(key, Buffer.from(JSON.stringify(value)), kind);
    return this.#rows.save(name, content, now() + seconds);
  }

  async find(
    kind: string,
    id: string,
  ): Promise<{ value: Record<string, unknown>; consumed: number | undefined } | undefined> {
    const { name, key } = derive(kind, id);
    const row = await this.#rows.find(name, now());
    const content = row && open(key, row.content, kind);
    return (
      content && { value: JSON.parse(content.toString('utf8')) as Record<string, unknown>, consumed: row.consumed }
    );
  }

  /** @returns true once, for whoever is first */
  consume(kind: string, id: string): Promise<boolean> {
    return this.#rows.consume(derive(kind, id).name, now());
  }

  remove(kind: string, id: string): Promise<void> {
    return this.#rows.remove(derive(kind, id).name);
  }

  sweep(): Promise<void> {
    return this.#rows.sweep(now());
  }
}

function derive(kind: string, id: string): { readonly name: Buffer; readonly key: KeyObject } {
  const input = `paraphe-provider-row-v1\0${kind}\0${id}`;
  const bytes = hash('shake256', input, { outputEncoding: 'buffer', outputLength: 64 });
  return { name: bytes.subarray(0, 32), key: secretKey(bytes.subarray(32)) };
}

/** The library's own clock, by which its tokens expire. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}
