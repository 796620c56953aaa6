/**
 * The log on PostgreSQL. A batch is one transaction that rests on the log's size: it holds the head's row from its first
 * statement on, the primary key (petition, nym) decides who signs first, the petition's row whether it is open, and rows,
 * tiles and head change together or not at all. A batch is a handful of statements in two trips, however many acts it has.
 */
import { dayFromNumber } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import type { FoldSnapshot } from '../../log/fold.ts';
import { LogConflict, type LogState, type LogStore } from '../../log/ports.ts';
import { changesPetition, type PetitionAct, type PetitionOutcome } from '../../petitions/acts.ts';
import { Appending } from './appending.ts';
import type { Database } from './database.ts';
import { entryReader } from './entry-reader.ts';
import { Growth, LEVEL } from './growth.ts';
import * as statements from './log-statements.ts';
import { restoreEntries } from './restored-rows.ts';

type StateRow = Pick<LogState, 'origin' | 'vkey' | 'size' | 'root'> & {
  readonly day: number | null;
  readonly checkpoint: string | null;
  readonly at: number;
  readonly snapshot: string | null;
};

type Publication = { readonly checkpoint: string; readonly at: number };

/** @param petitionsChanged called after a commit that changed a petition */
export function postgresLogStore(
  database: Database,
  petitionsChanged: () => void,
): LogStore<PetitionAct, PetitionOutcome> {
  return {
    async create({ origin, vkey, root }) {
      await database.rows(statements.createLog, origin, vkey, root);
    },
    async state() {
      const [row] = await database.rows<StateRow>(statements.readState);
      return row && stateOf(row);
    },
    async publication() {
      const [row] = await database.rows<Publication>(statements.readPublication);
      return row && { checkpoint: row.checkpoint, at: new Date(row.at) };
    },
    async append(batch, acts) {
      const grow = once(batch.grow);
      const appended = await database.transact(async (transaction) => {
        const appending = new Appending(new Growth(transaction, batch), batch);
        const outcomes = await appending.decide(acts);
        const { entries } = appending;
        if (entries.length > 0) await appending.growth.finish(grow(entries.map(({ entry }) => entry)));
        return { outcomes, entries };
      });
      if (acts.some(changesPetition)) petitionsChanged();
      return appended;
    },
    async restore(batch) {
      const grow = once(batch.grow);
      await database.transact(async (transaction) => {
        const growth = new Growth(transaction, batch);
        await restoreEntries(growth, batch);
        await growth.finish(grow(batch.entries));
      });
      petitionsChanged();
    },
    async publish(checkpoint, at, fold, epoch) {
      const snapshot = fold === undefined ? null : JSON.stringify(fold);
      const done = await database.rows(statements.publish, checkpoint, at.getTime(), snapshot, epoch);
      if (done.length === 0) throw new LogConflict('Another process has taken the right to write the log.');
    },
    entries: entryReader(database),
    async tile(level, index) {
      const [row] = await database.rows<{ hashes: Buffer }>(statements.tile, level * LEVEL + index);
      return row?.hashes;
    },
    async statement(hash) {
      type Row = { title: string; text: string; opening: number };
      const [row] = await database.rows<Row>(statements.statementByHash, hash);
      return row && { bytes: Buffer.from(`${row.title}\n\n${row.text}`, 'utf8'), index: row.opening };
    },
    async jwks(hash) {
      const [row] = await database.rows<{ jwks: Buffer; entry: number }>(statements.jwksByHash, hash);
      return row && { bytes: row.jwks, index: row.entry };
    },
  };
}

/**
 * What a log grows by cannot be taken back: a transaction that fails after it is not tried again with it. Whoever asked
 * reads from the database where the log stands, and asks again.
 */
function once<A, R>(grow: (entries: A) => R): (entries: A) => R {
  let hasGrown = false;
  return (entries) => {
    if (hasGrown) throw new Refusal('storage-unavailable', 'a transaction failed at its end');
    hasGrown = true;
    return grow(entries);
  };
}

function stateOf({ day, checkpoint, at, snapshot, ...head }: StateRow): LogState {
  return {
    ...head,
    day: day === null ? undefined : dayFromNumber(day),
    publication: checkpoint === null ? undefined : { checkpoint, at: new Date(at) },
    fold: snapshot === null ? undefined : (JSON.parse(snapshot) as FoldSnapshot),
  };
}
