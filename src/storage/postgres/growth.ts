/**
 * A batch under way, inside its transaction: what is known of the nyms that it is about, the rows that it adds, and at the
 * end one statement that makes the log grow by them.
 */
import type { Entry } from '../../log/entry.ts';
import { type Batch, LogConflict } from '../../log/ports.ts';
import { type Nym, nymBytes } from '../../person/nym.ts';
import { type Columns, type EntryRow, makeRow } from '../entry-rows.ts';
import type { Statement, Transaction } from './database.ts';
import * as statements from './log-statements.ts';

/** Of tiles, the levels are this far apart in `place`. */
export const LEVEL = 2 ** 44;

/** What stands about one nym in one petition. */
export type Standing = {
  readonly petition: number;
  readonly nym: Uint8Array;
  /** The latest entry about it, this batch's included. */
  latest: EntryRow | undefined;
  /** The entry that its row points to; `undefined` where it has no row. */
  stored: number | undefined;
};

export type PetitionRef = { readonly ref: number; readonly open: boolean };

export class Growth {
  readonly #transaction: Transaction;
  readonly #size: number;
  readonly #standings = new Map<string, Standing>();
  readonly rows: EntryRow[] = [];

  private constructor(transaction: Transaction, size: number) {
    this.#transaction = transaction;
    this.#size = size;
  }

  /**
   * Begins on a log of that size, which nobody else changes until the transaction ends; nor does anybody take the right to
   * write before that.
   * @throws LogConflict
   */
  static async begin(transaction: Transaction, { size, epoch }: Pick<Batch, 'size' | 'epoch'>): Promise<Growth> {
    const [head] = (await transaction.run<{ size: number; epoch: number }>(statements.lockHead)).rows;
    if (head?.epoch !== epoch) throw new LogConflict('Another process has taken the right to write the log.');
    if (head.size === size) return new Growth(transaction, size);
    throw new LogConflict(`The log has ${head.size} entries where this process left ${size}: another one writes it.`);
  }

  /** The index of the next entry. */
  get index(): number {
    return this.#size + this.rows.length;
  }

  /** Petitions by their id, and whether they take signatures on a day. */
  async petitions(ids: Iterable<string>, day: number): Promise<ReadonlyMap<string, PetitionRef>> {
    type Row = PetitionRef & { id: string };
    const { rows } = await this.#transaction.run<Row>(statements.petitionsById, [...new Set(ids)], day);
    return new Map(rows.map(({ id, ref, open }) => [id, { ref, open }]));
  }

  standing(petition: number, nym: Nym): Standing {
    const key = `${petition} ${nym}`;
    let standing = this.#standings.get(key);
    if (standing === undefined) {
      standing = { petition, nym: nymBytes(nym), latest: undefined, stored: undefined };
      this.#standings.set(key, standing);
    }
    return standing;
  }

  /**
   * Gives a row to each of these nyms that has none, and learns what is known of the others, and of `known`: all of them
   * are new to this batch. A new row points to the entry that follows if each of them gets one, in their order.
   */
  async claim(claims: readonly Standing[], known: readonly Standing[]): Promise<void> {
    for (const [i, standing] of claims.entries()) standing.stored = this.index + i;
    const { count } = claims.length === 0 ? { count: 0 } : await this.#put(statements.insertSignatures, claims);
    const asked = count === claims.length ? known : [...claims, ...known];
    if (asked.length === 0) return;
    const { rows } = await this.#transaction.run<EntryRow>(
      statements.latestEntries,
      asked.map(({ petition }) => petition),
      asked.map(({ nym }) => nym),
    );
    const found = new Map(rows.map((row) => [keyOf(row.petition ?? 0, row.nym ?? new Uint8Array(0)), row]));
    for (const standing of asked) {
      standing.latest = found.get(keyOf(standing.petition, standing.nym));
      if (standing.latest !== undefined) standing.stored = standing.latest.index;
    }
  }

  /** Adds the row of an entry. */
  add(kind: Entry['kind'], day: number, columns: Columns, about?: Standing): EntryRow {
    const row = makeRow(this.index, kind, day, columns, about?.latest);
    this.rows.push(row);
    if (about !== undefined) about.latest = row;
    return row;
  }

  /** Runs a statement that changes at most one row. @returns whether it did */
  async change(statement: Statement, ...values: unknown[]): Promise<boolean> {
    return (await this.#transaction.run(statement, ...values)).count === 1;
  }

  async find<R extends object>(statement: Statement, ...values: unknown[]): Promise<R | undefined> {
    return (await this.#transaction.run<R>(statement, ...values)).rows[0];
  }

  /** Writes what the batch has added. @throws LogConflict */
  async finish({ tiles, root }: ReturnType<Batch['grow']>): Promise<void> {
    const moved = [...this.#standings.values()].filter(({ latest, stored }) => latest && latest.index !== stored);
    if (moved.length > 0) {
      await this.#put(
        statements.moveSignatures,
        moved.map((standing) => ({ ...standing, stored: standing.latest?.index })),
      );
    }
    const column = <K extends keyof EntryRow>(name: K) => this.rows.map((row) => row[name]);
    const grew = await this.change(
      statements.grow,
      column('index'),
      column('kind'),
      column('day'),
      column('petition'),
      column('nym'),
      column('department'),
      column('evidence'),
      column('ground'),
      column('count'),
      column('previous'),
      tiles.map(({ tile }) => Number(tile.level) * LEVEL + tile.index),
      tiles.map(({ bytes }) => bytes),
      this.index,
      root,
      this.#size,
    );
    if (!grew) throw new LogConflict(`The log no longer has ${this.#size} entries: another process writes it.`);
  }

  #put(statement: Statement, standings: readonly Standing[]) {
    return this.#transaction.run(
      statement,
      standings.map(({ petition }) => petition),
      standings.map(({ nym }) => nym),
      standings.map(({ stored }) => stored),
    );
  }
}

function keyOf(petition: number, nym: Uint8Array): string {
  return `${petition} ${Buffer.from(nym).toString('latin1')}`;
}
