/**
 * A batch under way, inside its transaction: what is known of the nyms that it is about, the rows that it adds, and at the
 * end one statement that makes the log grow by them.
 */
import type { Entry } from '../../log/entry.ts';
import { type Batch, LogConflict } from '../../log/ports.ts';
import { type Nym, nymBytes } from '../../person/nym.ts';
import type { Takes } from '../../petitions/signing-rules.ts';
import { type Columns, type EntryRow, makeRow } from '../entry-rows.ts';
import type { Statement, Transaction } from './database.ts';
import * as statements from './log-statements.ts';

/** Of tiles, the levels are this far apart in `place`. */
export const LEVEL = 2 ** 44;

/** What stands about one nym in one petition. */
export type Standing = {
  readonly petition: string;
  readonly nym: Uint8Array;
  /** The latest entry about it, this batch's included. */
  latest: EntryRow | undefined;
  /** The entry that its row points to; `undefined` where it has no row. */
  stored: number | undefined;
};

/** `open` on the day that was asked about; `closed` by its entry. */
export type PetitionRef = Takes & { readonly ref: number; readonly closed: boolean };

export class Growth {
  readonly #transaction: Transaction;
  readonly #size: number;
  readonly #begun: Promise<void>;
  readonly #standings = new Map<string, Standing>();
  readonly rows: EntryRow[] = [];

  /**
   * Begins on a log of that size, which nobody else changes until the transaction ends; nor does anybody take the right to
   * write before that. Where it is not so, whatever is asked of the batch throws LogConflict.
   */
  constructor(transaction: Transaction, batch: Pick<Batch, 'size' | 'epoch'>) {
    this.#transaction = transaction;
    this.#size = batch.size;
    this.#begun = this.#lockHead(batch);
    this.#begun.catch(() => {}); // whoever asks for something is told
  }

  async #lockHead({ size, epoch }: Pick<Batch, 'size' | 'epoch'>): Promise<void> {
    const [head] = (await this.#transaction.run<{ size: number; epoch: number }>(statements.lockHead)).rows;
    if (head?.epoch !== epoch) throw new LogConflict('Another process has taken the right to write the log.');
    if (head.size === size) return;
    throw new LogConflict(`The log has ${head.size} entries where this process left ${size}: another one writes it.`);
  }

  /** Sends a statement; its answer counts for nothing before the log was found as it should be. */
  async #run<R extends object>(statement: Statement, ...values: unknown[]): Promise<{ rows: R[]; count: number }> {
    const [, answer] = await Promise.all([this.#begun, this.#transaction.run<R>(statement, ...values)]);
    return answer;
  }

  /** The index of the next entry. */
  get index(): number {
    return this.#size + this.rows.length;
  }

  /** Petitions by their id, and whether they take signatures on a day. */
  async petitions(ids: Iterable<string>, day: number): Promise<ReadonlyMap<string, PetitionRef>> {
    type Row = PetitionRef & { id: string };
    const { rows } = await this.#run<Row>(statements.petitionsById, [...new Set(ids)], day);
    return new Map(rows.map(({ id, ...petition }) => [id, petition]));
  }

  standing(petition: string, nym: Nym): Standing {
    const key = `${petition} ${nym}`;
    let standing = this.#standings.get(key);
    if (standing === undefined) {
      standing = { petition, nym: nymBytes(nym), latest: undefined, stored: undefined };
      this.#standings.set(key, standing);
    }
    return standing;
  }

  /**
   * Gives a row to each of these nyms that has none, where its petition takes signatures on that day, and learns what is
   * known of the others, and of `known`: all of them are new to this batch. A new row points to the entry that follows if
   * each of them gets one, in their order.
   * @returns their petitions
   */
  async claim(
    claims: readonly Standing[],
    known: readonly Standing[],
    day: number,
  ): Promise<ReadonlyMap<string, PetitionRef>> {
    for (const [i, standing] of claims.entries()) standing.stored = this.index + i;
    const [petitions, { count }] = await Promise.all([
      this.petitions(
        [...claims, ...known].map(({ petition }) => petition),
        day,
      ),
      claims.length === 0
        ? { count: 0 }
        : this.#run(
            statements.insertSignatures,
            claims.map(({ petition }) => petition),
            claims.map(({ nym }) => nym),
            claims.map(({ stored }) => stored),
            day,
          ),
    ]);
    const asked = count === claims.length ? known : [...claims, ...known];
    if (asked.length > 0) await this.#learn(asked, petitions);
    return petitions;
  }

  async #learn(asked: readonly Standing[], petitions: ReadonlyMap<string, PetitionRef>): Promise<void> {
    const refOf = ({ petition }: Standing) => petitions.get(petition)?.ref ?? 0;
    const { rows } = await this.#run<EntryRow>(
      statements.latestEntries,
      asked.map(refOf),
      asked.map(({ nym }) => nym),
    );
    const found = new Map(rows.map((row) => [keyOf(row.petition ?? 0, row.nym ?? new Uint8Array(0)), row]));
    for (const standing of asked) {
      standing.latest = found.get(keyOf(refOf(standing), standing.nym));
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
    return (await this.#run(statement, ...values)).count === 1;
  }

  async find<R extends object>(statement: Statement, ...values: unknown[]): Promise<R | undefined> {
    return (await this.#run<R>(statement, ...values)).rows[0];
  }

  /** Sends what the batch has added: the commit behind it waits for no answer. @throws LogConflict */
  async finish({ tiles, root }: ReturnType<Batch['grow']>): Promise<void> {
    await this.#begun;
    const moved = [...this.#standings.values()].flatMap(({ latest, stored }) =>
      latest === undefined || latest.index === stored ? [] : latest,
    );
    if (moved.length > 0) {
      this.#transaction.run(
        statements.moveSignatures,
        moved.map(({ petition }) => petition),
        moved.map(({ nym }) => nym),
        moved.map(({ index }) => index),
      );
    }
    // Of several arrays, `unnest` fills up the shorter ones with NULL: a column that nothing stands in need not travel.
    const column = (name: keyof EntryRow) =>
      this.rows.some((row) => row[name] !== null) ? this.rows.map((row) => row[name]) : [];
    this.#transaction.run(
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
  }
}

function keyOf(petition: number, nym: Uint8Array): string {
  return `${petition} ${Buffer.from(nym).toString('latin1')}`;
}
