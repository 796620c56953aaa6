/**
 * The tally: a pure fold over the entries of the log, with the rules that a log must keep to be believed. An auditor and
 * the gateway run this same code; whoever writes another finds the rules as vectors in `test/vectors/logs.json`.
 *
 * One entry breaks one rule: the first of this order. Days, then the petition's life (opened, destroyed), then closing,
 * then the nym. Once a rule is broken the fold stands still: what follows in such a log means nothing.
 */
import type { Day } from '../clock.ts';
import { Malformed } from '../tlog/errors.ts';
import {
  type CaseEnded,
  type CaseOpened,
  type Entry,
  type Invalidated,
  type PetitionClosed,
  type PetitionOpened,
  parseEntry,
  type Signed,
  type Withdrawn,
} from './entry.ts';
import {
  type Counts,
  count,
  type Figures,
  type FiguresSnapshot,
  newCounts,
  restoreCounts,
  snapshotOf,
} from './figures.ts';
import { type NymMemory, NymTable } from './nym-table.ts';

export type Rule =
  /** The bytes are no entry. */
  | 'entry-malformed'
  | 'day-decreases'
  | 'petition-not-opened'
  | 'petition-opened-twice'
  | 'petition-destroyed'
  | 'petition-closed-twice'
  | 'petition-count-wrong'
  | 'signed-after-closing'
  | 'signed-after-last-day'
  | 'signed-twice'
  | 'signed-after-invalidation'
  | 'withdrawn-not-active'
  | 'invalidated-not-active'
  | 'case-not-opened'
  | 'case-ended-twice';

/** The first rule that a log breaks, and the index of the entry that breaks it. */
export type Breach = { readonly index: number; readonly rule: Rule; readonly detail: string };

/** A fold at rest: plain JSON, without the nyms, which stay where they are kept. */
export type FoldSnapshot = {
  readonly size: number;
  readonly day: Day | null;
  readonly petitions: readonly FiguresSnapshot[];
  readonly cases: readonly Case[];
};

/** A case without its end is reported as open, with its age: waiting is no breach. */
export type Case = { readonly opened: CaseOpened; readonly ended: CaseEnded | null };

export class Fold {
  readonly #nyms: NymMemory;
  readonly #petitions = new Map<string, Counts>();
  readonly #cases = new Map<string, Case>();
  #day: Day | undefined;
  #size = 0;
  #breach: Breach | undefined;

  /**
   * @param nyms where the nyms are kept: nobody else changes what is in there
   * @param from the fold that those nyms stand for; without it, an empty log
   */
  constructor(nyms: NymMemory = new NymTable(), from?: FoldSnapshot) {
    this.#nyms = nyms;
    if (from === undefined) return;
    this.#size = from.size;
    this.#day = from.day ?? undefined;
    for (const one of from.petitions) this.#petitions.set(one.opened.petition, restoreCounts(one));
    for (const one of from.cases) this.#cases.set(one.opened.case, one);
  }

  /** What to keep so that a later start folds only the entries behind it. A log that broke a rule has none. */
  snapshot(): FoldSnapshot {
    if (this.#breach !== undefined) throw new RangeError(`the log is broken at ${this.#breach.index}`);
    return {
      size: this.#size,
      day: this.#day ?? null,
      petitions: [...this.#petitions.values()].map(snapshotOf),
      cases: [...this.#cases.values()],
    };
  }

  /** How many entries it has taken. */
  get size(): number {
    return this.#size;
  }

  get petitions(): ReadonlyMap<string, Figures> {
    return this.#petitions;
  }

  get cases(): ReadonlyMap<string, Case> {
    return this.#cases;
  }

  /** Takes the bytes of the next entry. */
  addBytes(bytes: Uint8Array): Breach | undefined {
    if (this.#breach !== undefined) return this.#breach;
    try {
      return this.add(parseEntry(bytes));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      return this.#broken('entry-malformed', error.message);
    }
  }

  /** Takes the next entry. @returns the first breach of the log, now and ever after, or `undefined` while it is well-formed */
  add(entry: Entry): Breach | undefined {
    if (this.#breach !== undefined) return this.#breach;
    if (this.#day !== undefined && entry.day < this.#day) {
      return this.#broken('day-decreases', `${entry.day} after ${this.#day}`);
    }
    const rule = this.#take(entry);
    if (rule !== undefined) return this.#broken(rule, detailOf(entry));
    this.#day = entry.day;
    this.#size++;
    return undefined;
  }

  #take(entry: Entry): Rule | undefined {
    switch (entry.kind) {
      case 'identity-keys':
        return undefined;
      case 'case-opened':
      case 'case-ended':
        return this.#takeCase(entry);
      case 'petition-opened':
        return this.#open(entry);
    }
    const petition = this.#petitions.get(entry.petition);
    if (petition === undefined) return 'petition-not-opened';
    if (petition.destroyed !== undefined) return 'petition-destroyed';
    switch (entry.kind) {
      case 'signed':
        return this.#sign(petition, entry);
      case 'withdrawn':
      case 'invalidated':
        return this.#remove(petition, entry);
      case 'petition-closed':
        return close(petition, entry);
      case 'pseudonyms-destroyed':
        petition.destroyed = entry.day;
        return undefined;
    }
  }

  #open(entry: PetitionOpened): Rule | undefined {
    const known = this.#petitions.get(entry.petition);
    if (known !== undefined) return known.destroyed === undefined ? 'petition-opened-twice' : 'petition-destroyed';
    this.#petitions.set(entry.petition, newCounts(entry));
    return undefined;
  }

  #sign(petition: Counts, { petition: id, nym, department, day }: Signed): Rule | undefined {
    const { closes } = petition.opened;
    if (petition.closed !== undefined) return 'signed-after-closing';
    if (closes !== null && day > closes) return 'signed-after-last-day';
    const before = this.#nyms.get(id, nym);
    if (before?.state === 'active') return 'signed-twice';
    if (before?.state === 'invalidated') return 'signed-after-invalidation';
    if (before?.state === 'withdrawn') petition.withdrawn--;
    this.#nyms.set(id, nym, { state: 'active', day, department });
    petition.total++;
    count(petition.byDay, day, 1);
    if (department !== null) count(petition.byDepartment, department, 1);
    return undefined;
  }

  #remove(petition: Counts, entry: Withdrawn | Invalidated): Rule | undefined {
    const before = this.#nyms.get(entry.petition, entry.nym);
    if (before?.state !== 'active') return `${entry.kind}-not-active`;
    this.#nyms.set(entry.petition, entry.nym, { state: entry.kind });
    petition.total--;
    count(petition.byDay, before.day, -1);
    if (before.department !== null) count(petition.byDepartment, before.department, -1);
    if (entry.kind === 'withdrawn') petition.withdrawn++;
    else count(petition.invalidated, entry.ground, 1);
    return undefined;
  }

  #takeCase(entry: CaseOpened | CaseEnded): Rule | undefined {
    const known = this.#cases.get(entry.case);
    if (entry.kind === 'case-opened') {
      if (known === undefined) this.#cases.set(entry.case, { opened: entry, ended: null });
      return undefined;
    }
    if (known === undefined) return 'case-not-opened';
    if (known.ended !== null) return 'case-ended-twice';
    this.#cases.set(entry.case, { ...known, ended: entry });
    return undefined;
  }

  #broken(rule: Rule, detail: string): Breach {
    this.#breach = { index: this.#size, rule, detail };
    return this.#breach;
  }
}

function close(petition: Counts, { count, day }: PetitionClosed): Rule | undefined {
  if (petition.closed !== undefined) return 'petition-closed-twice';
  if (count !== petition.total) return 'petition-count-wrong';
  petition.closed = day;
  return undefined;
}

function detailOf(entry: Entry): string {
  const about = 'petition' in entry ? entry.petition : 'case' in entry ? entry.case : '';
  return 'nym' in entry ? `${entry.kind} ${about} ${entry.nym}` : `${entry.kind} ${about}`;
}
