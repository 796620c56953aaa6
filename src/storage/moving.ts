/**
 * What moves when an instance changes its database: every table of the schema, row by row, but those whose rows live for
 * minutes. A move reads through one of these and writes through the other; neither knows the other database.
 */
import { SetupError } from '../errors.ts';

/** Whoever was logging in logs in again, a command that was waiting is given again, and the right to write is another's. */
export const LEFT_BEHIND: readonly string[] = ['journeys', 'claims', 'provider_rows', 'requests', 'lease'];

export type MovedTable = { readonly name: string; readonly columns: readonly string[] };
/** Values in the order of the columns: numbers, text, bytes, null; a truth is a boolean or 0 and 1, as the database has it. */
export type MovedRow = readonly unknown[];

/** The data that move, as they are at one moment. */
export type MoveSource = {
  /** In an order in which no row comes before one that it refers to, if the database minds. */
  readonly tables: readonly MovedTable[];
  count(table: MovedTable): Promise<number>;
  /** In the order of the primary key, which fills the other database's index from left to right. */
  rows(table: MovedTable): AsyncIterable<readonly MovedRow[]>;
  /**
   * Marks the data as moved, durably: from here on, nobody opens them but a move to the same place.
   * @returns false, and changes nothing, where the log has another size by now, or the secrets are under another key
   */
  leave(to: string, size: number): Promise<boolean>;
  close(): Promise<void>;
};

/** An empty database, in one transaction: it holds all that moves, or nothing. */
export type MoveTarget = {
  /** The first table that is not empty; a log without an entry, as a start on an empty database leaves it, is none. */
  occupied(): Promise<string | undefined>;
  add(table: MovedTable, rows: readonly MovedRow[]): Promise<void>;
  commit(): Promise<void>;
  /** Without a commit before it, nothing has moved. */
  close(): Promise<void>;
};

/** Rows that travel together. */
export const TOGETHER = 2000;

/** @param to the only place to which data that were marked may move on @throws SetupError for data that have moved */
export function checkNotMoved(moved: string | null | undefined, from: string, to: string | undefined): void {
  if (moved == null || moved === to) return;
  throw new SetupError(
    `The data of ${from} have moved to ${moved}, and only the copy there goes on: set DATABASE_URL to it. Nothing is written here any more.`,
  );
}

/** The tables of a schema that move, in its order, without the mark of a move. */
export function movedTables(tables: readonly MovedTable[]): readonly MovedTable[] {
  const moved = tables.filter(({ name }) => !LEFT_BEHIND.includes(name));
  return moved.map(({ name, columns }) => ({
    name,
    columns: columns.filter((column) => name !== 'log' || column !== 'moved'),
  }));
}
