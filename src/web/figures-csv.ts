/**
 * Figures for a spreadsheet: RFC 4180, UTF-8 with the mark that spreadsheets know it by. A cell that one would run as a formula
 * begins with an apostrophe instead (OWASP, "CSV Injection").
 */
import { stringify } from 'csv-stringify/sync';
import type { Figures } from '../log/figures.ts';
import type { Publication } from '../log/publisher.ts';
import type { PetitionSummary } from './page-models.ts';
import { byDay, departmentName } from './present.ts';

type Cell = string | number;

function csv(rows: readonly (readonly Cell[])[]): string {
  return stringify(
    rows.map((row) => [...row]),
    { bom: true, record_delimiter: 'windows', escape_formulas: true },
  );
}

/** Every public figure of one petition, a row each: what it is, of what, its name, and the number. */
export function figuresCsv(
  petition: PetitionSummary,
  figures: Pick<Figures, 'total' | 'byDay' | 'byDepartment' | 'withdrawn' | 'invalidated'>,
  { size }: Pick<Publication, 'size'>,
): string {
  const departments = [...figures.byDepartment].sort(([a], [b]) => (a < b ? -1 : 1));
  return csv([
    ['figure', 'key', 'name', 'count'],
    ['entries of the log that this is true for', petition.id, petition.title, size],
    ['signatures', petition.id, petition.title, figures.total],
    ['withdrawn', '', '', figures.withdrawn],
    ...[...figures.invalidated].map(([ground, count]) => ['invalidated', ground, '', count]),
    ...byDay(figures.byDay).map(({ day, count }) => ['signatures by day', day, '', count]),
    ...(petition.departments ? departments : []).map(([code, count]) => [
      'signatures by département (declared, not verified)',
      code,
      departmentName(code, 'fr'),
      count,
    ]),
  ]);
}

/** The petitions with their counts, as the list shows them. */
export function petitionsCsv(petitions: readonly PetitionSummary[], { size }: Pick<Publication, 'size'>): string {
  return csv([
    ['id', 'slug', 'title', 'author', 'status', 'opened', 'last_day', 'signatures', 'entries'],
    ...petitions.map((one) => [
      one.id,
      one.slug,
      one.title,
      one.author ?? '',
      one.status,
      one.opened,
      one.closes ?? '',
      one.signatures,
      size,
    ]),
  ]);
}
