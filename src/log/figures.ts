/** What a fold counts of one petition: every count is of nyms, by their latest entry. */
import type { Day } from '../clock.ts';
import type { Ground, PetitionOpened } from './entry.ts';

/** `total` + `withdrawn` + all `invalidated` = the distinct nyms. */
export type Figures = {
  readonly opened: PetitionOpened;
  readonly closed: Day | undefined;
  readonly destroyed: Day | undefined;
  /** Nyms whose latest entry is `signed`; `byDay` (in order) and `byDepartment` count these by that entry. */
  readonly total: number;
  readonly byDay: ReadonlyMap<Day, number>;
  readonly byDepartment: ReadonlyMap<string, number>;
  readonly withdrawn: number;
  readonly invalidated: ReadonlyMap<Ground, number>;
};

/** The same, as the fold changes it. */
export type Counts = {
  readonly opened: PetitionOpened;
  closed: Day | undefined;
  destroyed: Day | undefined;
  total: number;
  readonly byDay: Map<Day, number>;
  readonly byDepartment: Map<string, number>;
  withdrawn: number;
  readonly invalidated: Map<Ground, number>;
};

export type FiguresSnapshot = {
  readonly opened: PetitionOpened;
  readonly closed: Day | null;
  readonly destroyed: Day | null;
  readonly total: number;
  readonly byDay: readonly (readonly [Day, number])[];
  readonly byDepartment: readonly (readonly [string, number])[];
  readonly withdrawn: number;
  readonly invalidated: readonly (readonly [Ground, number])[];
};

export function newCounts(opened: PetitionOpened): Counts {
  return {
    opened,
    closed: undefined,
    destroyed: undefined,
    total: 0,
    byDay: new Map(),
    byDepartment: new Map(),
    withdrawn: 0,
    invalidated: new Map(),
  };
}

/** A count of nothing is no key: two tallies of one log have the same keys. */
export function count<K>(counts: Map<K, number>, key: K, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

export function snapshotOf(figures: Figures): FiguresSnapshot {
  return {
    ...figures,
    closed: figures.closed ?? null,
    destroyed: figures.destroyed ?? null,
    byDay: [...figures.byDay],
    byDepartment: [...figures.byDepartment],
    invalidated: [...figures.invalidated],
  };
}

export function restoreCounts(snapshot: FiguresSnapshot): Counts {
  return {
    ...snapshot,
    closed: snapshot.closed ?? undefined,
    destroyed: snapshot.destroyed ?? undefined,
    byDay: new Map(snapshot.byDay),
    byDepartment: new Map(snapshot.byDepartment),
    invalidated: new Map(snapshot.invalidated),
  };
}
