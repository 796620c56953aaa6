/**
 * Signatures on SQLite. A batch is one immediate transaction: the primary key (petition, nym) decides who signs first,
 * the petition's row whether it is open, and the figures change in the same commit as the rows they count.
 */
import { and, eq, isNull, sql } from 'drizzle-orm';
import { dayFromNumber, dayNumber } from '../../clock.ts';
import { type Nym, nymBytes } from '../../person/nym.ts';
import type { PetitionId } from '../../petitions/petition.ts';
import type { SignatureStore } from '../../petitions/ports.ts';
import type { Outcome, Recording, Signature } from '../../petitions/signature.ts';
import { act, type Sqlite } from './database.ts';
import { FigureChanges, sqliteFigures } from './figures.ts';
import { petitions, signatures } from './schema.ts';

const ACTIVE = 1;
const WITHDRAWN = 2;
const STATES = { 1: 'active', 2: 'withdrawn', 3: 'invalidated' } as const;

export function sqliteSignatureStore(database: Sqlite): SignatureStore {
  const statements = prepare(database);
  const figures = sqliteFigures(database);
  const refs = new Map<PetitionId, number>();

  /** References never change, so they are read once. */
  function refOf(id: PetitionId): number | undefined {
    let ref = refs.get(id);
    if (ref === undefined) {
      ref = statements.ref.get({ id })?.ref;
      if (ref !== undefined) refs.set(id, ref);
    }
    return ref;
  }

  function find(id: PetitionId, nym: Nym): Signature | undefined {
    const petition = refOf(id);
    const row = petition === undefined ? undefined : statements.find.get({ petition, nym: nymBytes(nym) });
    if (row === undefined) return undefined;
    return {
      petition: id,
      nym,
      state: STATES[row.state as keyof typeof STATES],
      department: row.department ?? undefined,
      day: dayFromNumber(row.day),
    };
  }

  function sign(recording: Recording, ref: number, isOpen: boolean, changes: FigureChanges): Outcome {
    const { petition, nym, department, day } = recording;
    const row = { petition: ref, nym: nymBytes(nym), day: dayNumber(day), department: department ?? null };
    if (isOpen) {
      const first = statements.insert.run(row).changes === 1;
      const again = !first && statements.signAgain.run(row).changes === 1;
      if (first || again) {
        changes.signed(ref, day, department, 1);
        if (again) changes.withdrawn(ref, -1);
        return { result: 'signed', signature: { petition, nym, state: 'active', department, day } };
      }
    }
    const signature = find(petition, nym);
    if (signature?.state === 'active') return { result: 'already-signed', signature };
    return { result: signature?.state === 'invalidated' ? 'invalidated' : 'petition-closed', signature: undefined };
  }

  function withdraw(recording: Recording, ref: number, changes: FigureChanges): Outcome {
    const { petition, nym, day } = recording;
    const before = find(petition, nym);
    if (before === undefined) return { result: 'not-signed', signature: undefined };
    if (before.state === 'invalidated') return { result: 'invalidated', signature: undefined };
    if (before.state === 'withdrawn') return { result: 'already-withdrawn', signature: before };
    statements.withdraw.run({ petition: ref, nym: nymBytes(nym), day: dayNumber(day) });
    changes.signed(ref, before.day, before.department, -1);
    changes.withdrawn(ref, 1);
    return { result: 'withdrawn', signature: { ...before, state: 'withdrawn', department: undefined, day } };
  }

  function recordAll(batch: readonly Recording[]): readonly Outcome[] {
    const changes = new FigureChanges();
    const open = new Map<string, boolean>();
    const outcomes = batch.map((recording): Outcome => {
      const ref = refOf(recording.petition);
      if (ref === undefined) return { result: 'petition-closed', signature: undefined };
      if (recording.kind === 'withdrawn') return withdraw(recording, ref, changes);
      const when = `${ref} ${recording.day}`;
      let isOpen = open.get(when);
      if (isOpen === undefined) {
        isOpen = statements.open.get({ petition: ref, day: dayNumber(recording.day) }) !== undefined;
        open.set(when, isOpen);
      }
      return sign(recording, ref, isOpen, changes);
    });
    figures.apply(changes);
    return outcomes;
  }

  const transaction = database.$client.transaction(recordAll);
  return {
    record: (batch) => act(() => transaction.immediate(batch)),
    find: async (petition, nym) => act(() => find(petition, nym)),
    tally: async (petition) => act(() => figures.tally(refOf(petition))),
    totals: async () => act(() => figures.totals()),
  };
}

function prepare(database: Sqlite) {
  const { placeholder } = sql;
  const pair = and(eq(signatures.petition, placeholder('petition')), eq(signatures.nym, placeholder('nym')));
  return {
    ref: database
      .select({ ref: petitions.ref })
      .from(petitions)
      .where(eq(petitions.id, placeholder('id')))
      .prepare(),
    open: database
      .select({ ref: petitions.ref })
      .from(petitions)
      .where(
        and(
          eq(petitions.ref, placeholder('petition')),
          isNull(petitions.closed),
          sql`(${petitions.closes} is null or ${petitions.closes} >= ${placeholder('day')})`,
        ),
      )
      .prepare(),
    find: database.select().from(signatures).where(pair).prepare(),
    insert: database
      .insert(signatures)
      .values({
        petition: placeholder('petition'),
        nym: placeholder('nym'),
        state: ACTIVE,
        day: placeholder('day'),
        department: placeholder('department'),
      })
      .onConflictDoNothing()
      .prepare(),
    signAgain: database
      .update(signatures)
      .set({ state: ACTIVE, day: sql`${placeholder('day')}`, department: sql`${placeholder('department')}` })
      .where(and(pair, eq(signatures.state, WITHDRAWN)))
      .prepare(),
    withdraw: database
      .update(signatures)
      .set({ state: WITHDRAWN, day: sql`${placeholder('day')}`, department: null })
      .where(and(pair, eq(signatures.state, ACTIVE)))
      .prepare(),
  };
}
