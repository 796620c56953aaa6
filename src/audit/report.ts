/** What an audit found, as plain JSON: the names of the public tally where there is one. */
import type { Day } from '../clock.ts';
import type { Figures } from '../log/figures.ts';
import type { Case, Fold } from '../log/fold.ts';
import type { DifferenceFound } from './difference.ts';

export type PetitionReport = {
  readonly petition: string;
  /** As the gateway calls it, where there is one. */
  readonly slug: string | null;
  readonly opened: Day;
  readonly closed: Day | null;
  readonly pseudonyms_destroyed: Day | null;
  readonly total: number;
  readonly by_day: Readonly<Record<string, number>>;
  /** `null` where the petition asks for none. */
  readonly by_department: Readonly<Record<string, number>> | null;
  readonly withdrawn: number;
  readonly invalidated: Readonly<Record<string, number>>;
};

export type CaseReport = {
  readonly case: string;
  readonly purpose: string;
  readonly records: number;
  readonly opened: Day;
};

export type AuditReport = {
  /** Whether everything holds; `difference` is `null` then, and the first thing that does not otherwise. */
  readonly holds: boolean;
  readonly difference: DifferenceFound | null;
  /** The head that was audited, as far as one was proven; `root` in base64. */
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string } | null;
  /** The policy's witnesses that cosigned it. */
  readonly witnesses: readonly string[];
  /** The size up to which an earlier audit saw the same log. */
  readonly remembered: number | null;
  /** How many figures of the gateway were compared; `null` where there was no gateway. */
  readonly compared: { readonly json: number; readonly shown: number } | null;
  /** How many entries were counted. */
  readonly entries: number;
  /** Up to the difference, if there is one. */
  readonly petitions: readonly PetitionReport[];
  /** Not ended yet. Waiting breaks no rule, so it is shown. */
  readonly open_cases: readonly CaseReport[];
};

/** Of an audit that ended before it read the log. */
export function refusedReport(difference: DifferenceFound): AuditReport {
  const nothing = { checkpoint: null, witnesses: [], remembered: null, compared: null, petitions: [], open_cases: [] };
  return { holds: false, difference, entries: 0, ...nothing };
}

export function petitionReports(fold: Fold, slugs: ReadonlyMap<string, string>): readonly PetitionReport[] {
  return [...fold.petitions].map(([id, figures]) => petitionReport(figures, slugs.get(id) ?? null));
}

function petitionReport(figures: Figures, slug: string | null): PetitionReport {
  const { opened, closed = null, destroyed = null, total, withdrawn } = figures;
  return {
    petition: opened.petition,
    slug,
    opened: opened.day,
    closed,
    pseudonyms_destroyed: destroyed,
    total,
    by_day: inOrder(figures.byDay),
    by_department: opened.departments ? inOrder(figures.byDepartment) : null,
    withdrawn,
    invalidated: inOrder(figures.invalidated),
  };
}

export function openCases(cases: Iterable<Case>): readonly CaseReport[] {
  return [...cases]
    .filter(({ ended }) => ended === null)
    .map(({ opened }) => ({
      case: opened.case,
      purpose: opened.purpose,
      records: opened.records,
      opened: opened.day,
    }));
}

function inOrder(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
