/** What the page `/transparency` counts: a sum over the figures of the published log, which anyone can make again. */
import type { Ground } from '../log/entry.ts';
import type { Figures } from '../log/figures.ts';
import type { Petition } from '../petitions/petition.ts';
import type { TransparencyCounts, TransparencyRow } from './page-models.ts';

/** A page is light however many petitions there were; the log has them all. */
const MOST_ROWS = 20;

/**
 * @param figures of the published log, by petition
 * @param petitions the published ones, newest first
 */
export function transparencyOf(
  figures: ReadonlyMap<string, Figures>,
  petitions: readonly Petition[],
): { counts: TransparencyCounts; petitions: readonly TransparencyRow[]; more: number } {
  const all = [...figures.values()];
  const touched = petitions.flatMap((petition) => rowOf(petition, figures.get(petition.id)) ?? []);
  return {
    counts: {
      petitions: all.length,
      closed: all.filter(({ closed }) => closed !== undefined).length,
      destroyed: all.filter(({ destroyed }) => destroyed !== undefined).length,
      signatures: sum(all, ({ total }) => total),
      withdrawn: sum(all, ({ withdrawn }) => withdrawn),
      invalidated: {
        fraud: sum(all, by('fraud')),
        court: sum(all, by('court')),
        error: sum(all, by('error')),
      },
    },
    petitions: touched.slice(0, MOST_ROWS),
    more: Math.max(0, touched.length - MOST_ROWS),
  };
}

/** Nothing is said of a petition to which nothing happened. */
function rowOf({ slug, statement }: Petition, figures: Figures | undefined): TransparencyRow | undefined {
  if (figures === undefined) return undefined;
  const { closed, destroyed, withdrawn } = figures;
  const invalidated = by('fraud')(figures) + by('court')(figures) + by('error')(figures);
  if (closed === undefined && destroyed === undefined && withdrawn + invalidated === 0) return undefined;
  return { slug, title: statement.title, closed, destroyed, withdrawn, invalidated };
}

function by(ground: Ground): (figures: Figures) => number {
  return ({ invalidated }) => invalidated.get(ground) ?? 0;
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
