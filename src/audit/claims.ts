/**
 * What a gateway says of its log, held against the log. Each figure names the checkpoint that it is true for, so it is
 * compared with the fold at exactly that size. The list of petitions names none: its figures must have been true at some
 * size between two checkpoints, the one before the request and the one after.
 */
import type { Figures } from '../log/figures.ts';
import type { Fold } from '../log/fold.ts';
import { Difference, type DifferenceCode } from './difference.ts';
import type { Onlooker } from './recount.ts';

/** A checkpoint that JSON names: the log must have had that root at that size. */
export type NamedHead = {
  readonly where: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
};

export type Claim = {
  readonly code: DifferenceCode;
  readonly where: string;
  readonly from: number;
  readonly to: number;
  /** What is wrong with it, in words, or `undefined`. */
  readonly wrong: (fold: Fold) => string | undefined;
};

export type Claims = {
  readonly all: readonly Claim[];
  readonly heads: readonly NamedHead[];
  /** The slug of each petition that the gateway lists. */
  readonly slugs: ReadonlyMap<string, string>;
  /** How many counts its pages show. */
  readonly shown: number;
  /** The largest size that the gateway named. */
  readonly latest: number;
};

/** A JSON object, of which nothing is believed yet. */
export type Json = { readonly [name: string]: unknown };

/** Holds claims against a fold while it grows. */
export class ClaimsOnlooker implements Onlooker {
  next: number;
  #open: readonly Claim[];

  constructor(claims: readonly Claim[]) {
    this.#open = claims;
    this.next = 0;
  }

  look(fold: Fold): void {
    const { size } = fold;
    this.#open = this.#open.filter((claim) => claim.from > size || !this.#holds(claim, fold));
    this.next = Math.min(...this.#open.map(({ from }) => Math.max(from, size + 1)));
  }

  /** @returns false for a claim that may yet come true */
  #holds({ code, where, to, wrong: wrongIn }: Claim, fold: Fold): boolean {
    const { size } = fold;
    if (to < size) throw wrong(code, where, `it is of size ${to}, and the log showed ${size} before`);
    const why = wrongIn(fold);
    if (why === undefined) return true;
    if (size === to) throw wrong(code, where, `${why} (at size ${size})`);
    return false;
  }
}

/** A claim about one petition. */
export function about(id: string, wrongIn: (figures: Figures) => string | undefined): Claim['wrong'] {
  return ({ size, petitions }) => {
    const figures = petitions.get(id);
    return figures === undefined ? `the log of size ${size} has no petition ${id}` : wrongIn(figures);
  };
}

export function wrongInTally(tally: Json, figures: Figures): string | undefined {
  const departments = figures.opened.departments ? figures.byDepartment : null;
  return (
    different('petition is', tally.petition, figures.opened.petition) ??
    different('total is', tally.total, figures.total) ??
    different('withdrawn is', tally.withdrawn, figures.withdrawn) ??
    differentCounts('by_day', tally.by_day, figures.byDay) ??
    (departments === null
      ? different('by_department is', tally.by_department, null)
      : differentCounts('by_department', tally.by_department, departments)) ??
    differentCounts('invalidated', tally.invalidated, figures.invalidated)
  );
}

export function wrongInList(listed: Json, { opened, closed, total }: Figures): string | undefined {
  // By its date a petition ends at midnight, and its entry comes a moment later.
  const mayBeClosed = closed !== undefined || opened.closes !== null;
  const isWrong = (listed.status === 'open' && closed !== undefined) || (listed.status === 'closed' && !mayBeClosed);
  return (
    (isWrong ? different('status is', listed.status, closed === undefined ? 'open' : 'closed') : undefined) ??
    different('statement is', listed.statement, opened.statement) ??
    different('opened is', listed.opened, opened.day) ??
    different('closes is', listed.closes, opened.closes) ??
    different('min_age is', listed.min_age, opened.min_age) ??
    different('departments is', listed.departments, opened.departments) ??
    different('signatures is', listed.signatures, total)
  );
}

export function different(what: string, said: unknown, log: unknown): string | undefined {
  return said === log ? undefined : `${what} ${show(said)}, by the log ${show(log)}`;
}

function differentCounts(name: string, said: unknown, log: ReadonlyMap<string, number>): string | undefined {
  if (typeof said !== 'object' || said === null) return `${name} is ${show(said)}, no counts`;
  const counts = new Map<string, unknown>(Object.entries(said));
  for (const key of [...new Set([...counts.keys(), ...log.keys()])].sort()) {
    const why = different(`${name} ${key} is`, counts.get(key), log.get(key));
    if (why !== undefined) return why;
  }
  return undefined;
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 200);
}

export function wrong(code: DifferenceCode, where: string, detail: string): Difference {
  return new Difference({ code, where, detail });
}
