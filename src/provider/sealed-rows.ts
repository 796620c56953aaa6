/**
 * Rows that the database cannot read: each is named after a secret id (a code, an access token, what a cookie names), stored
 * under a hash of it, and sealed under a key derived from it (HKDF-SHA-256, RFC 5869). Whoever holds the database alone
 * can neither open a row nor tell which rows belong to one person, but for those of one grant, which share its hash.
 */
import { hash, hkdfSync, type KeyObject } from 'node:crypto';
import { open, seal, secretKey } from '../aead.ts';
import type { ProviderRows } from './ports.ts';

export class SealedRows {
  readonly #rows: ProviderRows;

  constructor(rows: ProviderRows) {
    this.#rows = rows;
  }

  /** @param grant the id of the grant that it is to be revoked with */
  save(kind: string, id: string, value: object, seconds: number, grant?: string): Promise<void> {
    const content = seal(keyOf(kind, id), Buffer.from(JSON.stringify(value)), kind);
    return this.#rows.save(
      nameOf(kind, id),
      content,
      grant === undefined ? undefined : grantOf(grant),
      now() + seconds,
    );
  }

  async find(
    kind: string,
    id: string,
  ): Promise<{ value: Record<string, unknown>; consumed: number | undefined } | undefined> {
    const row = await this.#rows.find(nameOf(kind, id), now());
    const content = row && open(keyOf(kind, id), row.content, kind);
    return (
      content && { value: JSON.parse(content.toString('utf8')) as Record<string, unknown>, consumed: row.consumed }
    );
  }

  /** @returns true once, for whoever is first */
  consume(kind: string, id: string): Promise<boolean> {
    return this.#rows.consume(nameOf(kind, id), now());
  }

  remove(kind: string, id: string): Promise<void> {
    return this.#rows.remove(nameOf(kind, id));
  }

  revoke(grant: string): Promise<void> {
    return this.#rows.removeGrant(grantOf(grant));
  }

  sweep(): Promise<void> {
    return this.#rows.sweep(now());
  }
}

function keyOf(kind: string, id: string): KeyObject {
  return secretKey(Buffer.from(hkdfSync('sha256', id, '', `paraphe provider row ${kind}`, 32)));
}

function nameOf(kind: string, id: string): Buffer {
  return hash('sha256', `paraphe provider row ${kind}\0${id}`, 'buffer');
}

function grantOf(id: string): Buffer {
  return hash('sha256', `paraphe provider grant\0${id}`, 'buffer');
}

/** The library's own clock, by which its tokens expire. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}
