/**
 * The log on SQLite. A batch is one immediate transaction that rests on the log's size: the primary key (petition, nym)
 * decides who signs first, the petition's row whether it is open, and rows, tiles and head change together or not at all.
 * The statements that run for each signature are plain SQL: a mapper takes longer than they do.
 */
import { hash } from 'node:crypto';
import { dayFromNumber, dayNumber } from '../../clock.ts';
import type { Entry } from '../../log/entry.ts';
import type { FoldSnapshot } from '../../log/fold.ts';
import {
  type Batch,
  LogConflict,
  type LoggedEntry,
  type LogState,
  type LogStore,
  type RestoredBatch,
} from '../../log/ports.ts';
import { nymBytes } from '../../person/nym.ts';
import {
  type Closing,
  changesPetition,
  type Destruction,
  type IdentityKeysSeen,
  type Invalidation,
  type Opening,
  type PetitionAct,
  type PetitionOutcome,
  type Recording,
} from '../../petitions/acts.ts';
import type { PetitionId } from '../../petitions/petition.ts';
import { outcomeWithoutChange } from '../../petitions/signing-rules.ts';
import { type Columns, type EntryRow, makeRow, nymStateOf, signatureOf } from '../entry-rows.ts';
import { isSameKey } from '../wrapped-secrets.ts';
import { act, type Sqlite } from './database.ts';
import { entryReader } from './entry-rows.ts';
import { insertEntry, type LogStatements, prepareLog } from './log-statements.ts';
import { restoreEntries } from './restored-rows.ts';

/** Of tiles, the levels are this far apart in `place`. */
const LEVEL = 2 ** 44;

/** @param petitionsChanged called after a commit that changed a petition */
export function sqliteLogStore(database: Sqlite, petitionsChanged: () => void): LogStore<PetitionAct, PetitionOutcome> {
  const client = database.$client;
  const reader = entryReader(database);
  const statements = prepareLog(database);
  const refs = new Map<string, number>();

  /** References never change, so they are read once. */
  function refOf(id: PetitionId): number | undefined {
    let ref = refs.get(id);
    if (ref === undefined) {
      ref = statements.ref.get(id);
      if (ref !== undefined) refs.set(id, ref);
    }
    return ref;
  }

  /** A batch under way: what it has recorded so far. */
  class Append {
    readonly #batch: Batch;
    readonly #day: number;
    readonly #open = new Map<number, boolean>();
    readonly entries: LoggedEntry[] = [];

    constructor(batch: Batch) {
      this.#batch = batch;
      this.#day = dayNumber(batch.day);
    }

    /** The index of the next entry. */
    get #index(): number {
      return this.#batch.size + this.entries.length;
    }

    decide(asked: PetitionAct): PetitionOutcome {
      switch (asked.kind) {
        case 'signed':
          return this.#sign(asked);
        case 'withdrawn':
          return this.#remove(asked, 'withdrawn');
        case 'invalidated':
          return this.#remove(asked, 'invalidated');
        case 'petition-opened':
          return this.#openPetition(asked);
        case 'petition-closed':
          return this.#close(asked);
        case 'pseudonyms-destroyed':
          return this.#destroy(asked);
        case 'identity-keys':
          return this.#noteKeys(asked);
      }
    }

    #sign(asked: Recording): PetitionOutcome {
      const { petition, nym, department } = asked;
      const ref = refOf(petition);
      if (ref === undefined) return { result: 'petition-closed' };
      const isOpen = this.#isOpen(ref);
      const bytes = nymBytes(nym);
      const columns: Columns = { petition: ref, nym: bytes, department: department ?? null };
      if (isOpen && statements.insertSignature.run(ref, bytes, this.#index).changes === 1) {
        return { result: 'signed', signature: signatureOf(this.#log('signed', columns), petition) };
      }
      const latest = statements.latest.get(ref, bytes);
      const unchanged = outcomeWithoutChange(asked, latest && signatureOf(latest, petition), {
        open: isOpen,
        destroyed: false, // it says nothing of who signs
      });
      if (unchanged !== undefined) return unchanged;
      statements.moveSignature.run(this.#index, ref, bytes);
      return { result: 'signed', signature: signatureOf(this.#log('signed', columns, latest), petition) };
    }

    #remove(asked: Recording | Invalidation, kind: 'withdrawn' | 'invalidated'): PetitionOutcome {
      const bytes = nymBytes(asked.nym);
      const ref = refOf(asked.petition);
      const latest = ref === undefined ? undefined : statements.latest.get(ref, bytes);
      const destroyed = ref !== undefined && statements.life.get(ref)?.destruction != null;
      const found = latest && signatureOf(latest, asked.petition);
      const unchanged = outcomeWithoutChange(asked, found, { open: false, destroyed });
      if (unchanged !== undefined || ref === undefined) return unchanged ?? { result: 'not-signed' };
      statements.moveSignature.run(this.#index, ref, bytes);
      const ground = asked.kind === 'invalidated' ? asked.ground : null;
      const row = this.#log(kind, { petition: ref, nym: bytes, ground }, latest);
      return kind === 'invalidated'
        ? { result: 'invalidated' }
        : { result: 'withdrawn', signature: signatureOf(row, asked.petition) };
    }

    #openPetition({ opening, wrappedSecret, keyId }: Opening): PetitionOutcome {
      if (!isSameKey(statements.keyId.get(), keyId)) return { result: 'key-replaced' };
      const inserted = statements.insertPetition.run({
        id: opening.id,
        slug: opening.slug,
        title: opening.statement.title,
        text: opening.statement.text,
        statement: Buffer.from(opening.statement.hash),
        author: opening.author ?? null,
        thresholds: JSON.stringify(opening.thresholds),
        closes: opening.closes === undefined ? null : dayNumber(opening.closes),
        minAge: opening.minAge,
        departments: opening.departments ? 1 : 0,
        acr: opening.acr,
        issuer: opening.issuer,
        clientId: opening.clientId,
        nymKey: Buffer.from(opening.nymKey),
        wrappedSecret: Buffer.from(wrappedSecret),
        opening: this.#index,
      });
      if (inserted.changes === 0) {
        // Asked again by someone who was not answered: a crash came between.
        const known = statements.openedAs.get(opening.id);
        if (known === undefined) return { result: 'slug-taken' };
        return { result: 'opened', opened: dayFromNumber(known.day), entry: known.entry };
      }
      const { index: entry } = this.#log('petition-opened', { petition: Number(inserted.lastInsertRowid) });
      return { result: 'opened', opened: this.#batch.day, entry };
    }

    #close({ petition }: Closing): PetitionOutcome {
      const ref = refOf(petition);
      if (ref === undefined) return { result: 'petition-unknown' };
      const count = this.#batch.total(petition);
      if (statements.closePetition.run(this.#index, ref).changes === 0) {
        return { result: 'already-closed', count: statements.closedWith.get(ref) ?? count };
      }
      this.#open.delete(ref);
      this.#log('petition-closed', { petition: ref, count });
      return { result: 'closed', count };
    }

    #destroy({ petition }: Destruction): PetitionOutcome {
      const ref = refOf(petition);
      const life = ref === undefined ? undefined : statements.life.get(ref);
      if (ref === undefined || life === undefined) return { result: 'petition-unknown' };
      if (life.destruction !== null) return { result: 'already-destroyed' };
      if (life.closing === null) return { result: 'petition-open' };
      statements.destroyPseudonyms.run(this.#index, ref);
      this.#log('pseudonyms-destroyed', { petition: ref });
      return { result: 'destroyed' };
    }

    #noteKeys({ issuer, jwks }: IdentityKeysSeen): PetitionOutcome {
      const row = [hash('sha256', jwks, 'buffer'), issuer, Buffer.from(jwks), this.#index] as const;
      if (statements.insertKeys.run(...row).changes === 0) return { result: 'known' };
      this.#log('identity-keys', {});
      return { result: 'noted' };
    }

    #isOpen(ref: number): boolean {
      let isOpen = this.#open.get(ref);
      if (isOpen === undefined) {
        isOpen = statements.open.get(ref, this.#day) !== undefined;
        this.#open.set(ref, isOpen);
      }
      return isOpen;
    }

    #log(kind: Entry['kind'], columns: Columns, before?: EntryRow): EntryRow {
      const row = makeRow(this.#index, kind, this.#day, columns, before);
      insertEntry(statements, row);
      this.entries.push({ entry: reader.entryOf(row), before: before && nymStateOf(before) });
      return row;
    }
  }

  function checkSize(expected: number): void {
    const size = statements.size.get();
    if (size === expected) return;
    throw new LogConflict(`The log has ${size} entries where this process left ${expected}: another one writes it.`);
  }

  function putGrowth(size: number, { tiles, root }: ReturnType<Batch['grow']>): void {
    for (const { tile, bytes } of tiles) statements.putTile.run(Number(tile.level) * LEVEL + tile.index, bytes);
    statements.putHead.run(size, root);
  }

  const append = client.transaction((batch: Batch, acts: readonly PetitionAct[]) => {
    checkSize(batch.size);
    const appending = new Append(batch);
    const outcomes = acts.map((one) => appending.decide(one));
    const { entries } = appending;
    if (entries.length > 0) putGrowth(batch.size + entries.length, batch.grow(entries.map(({ entry }) => entry)));
    return { outcomes, entries };
  });

  const restore = client.transaction((batch: RestoredBatch) => {
    checkSize(batch.size);
    restoreEntries(batch, statements, refOf);
    putGrowth(batch.size + batch.entries.length, batch.grow(batch.entries));
  });

  const publish = client.transaction((checkpoint: string, at: Date, fold: FoldSnapshot | undefined) => {
    statements.putPublication.run(checkpoint, at.getTime());
    if (fold !== undefined) statements.putFold.run(JSON.stringify(fold));
  });

  return {
    create: async ({ origin, vkey, root }) => act(() => void statements.create.run(origin, vkey, root)),
    state: async () => act(() => readState(statements)),
    publication: async () => act(() => readPublication(statements)),
    async append(batch, acts) {
      const appended = await act(() => append.immediate(batch, acts));
      if (acts.some(changesPetition)) petitionsChanged();
      return appended;
    },
    async restore(batch) {
      await act(() => restore.immediate(batch));
      petitionsChanged();
    },
    publish: async (checkpoint, at, fold) => act(() => publish.immediate(checkpoint, at, fold)),
    entries: async (from, to) => act(() => reader.range(from, to)),
    tile: async (level, index) => act(() => statements.tile.get(level * LEVEL + index)),
    statement: async (of) =>
      act(() => {
        const row = statements.statement.get(Buffer.from(of));
        return row && { bytes: Buffer.from(`${row.title}\n\n${row.text}`, 'utf8'), index: row.opening };
      }),
    jwks: async (of) =>
      act(() => {
        const row = statements.jwks.get(Buffer.from(of));
        return row && { bytes: row.jwks, index: row.entry };
      }),
  };
}

function readState(statements: LogStatements): LogState | undefined {
  const log = statements.log.get();
  if (log === undefined) return undefined;
  const day = statements.day.get(log.size - 1);
  const fold = statements.fold.get();
  return {
    ...log,
    day: day === undefined ? undefined : dayFromNumber(day),
    publication: readPublication(statements),
    fold: fold === undefined ? undefined : (JSON.parse(fold) as FoldSnapshot),
  };
}

function readPublication(statements: LogStatements): LogState['publication'] {
  const row = statements.publication.get();
  return row && { checkpoint: row.checkpoint, at: new Date(row.at) };
}
