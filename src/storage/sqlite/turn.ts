/**
 * The writes of one turn of the event loop, in one transaction: requests that are served at the same time share what a
 * transaction costs, which is more than their rows do. None waits for a request that is yet to come. A write is answered
 * when the transaction has ended; one that fails has kept nothing, and each of its writes fails with it.
 */
import { setImmediate } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { act } from './database.ts';

/** @param work runs statements; once more from the start where the file was locked */
export type Write = <T>(work: () => T) => Promise<T>;

export function writesOfATurn(client: Database.Database): Write {
  const together = client.transaction((works: readonly (() => unknown)[]) => works.map((work) => work()));
  let turn: { readonly works: (() => unknown)[]; readonly results: Promise<readonly unknown[]> } | undefined;

  const begin = () => {
    const works: (() => unknown)[] = [];
    const results = setImmediate().then(() => {
      turn = undefined;
      return act(() => together.immediate(works));
    });
    return { works, results };
  };

  return async <T>(work: () => T) => {
    turn ??= begin();
    const { works, results } = turn;
    const place = works.push(work) - 1;
    return (await results)[place] as T;
  };
}
