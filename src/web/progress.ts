/** How far a petition is from the thresholds that it states. */
import type { Figures } from '../log/figures.ts';
import { ABROAD } from '../petitions/department.ts';
import type { Threshold } from '../petitions/threshold.ts';

export type Progress = {
  readonly signatures: number;
  /** Of all that it takes, at most what it takes: a bar is never more than full. */
  readonly reachedSignatures: number;
  readonly departments: { readonly needed: number; readonly reached: number } | undefined;
  readonly label: string;
  /** The language that the label is in. */
  readonly labelLang: string;
  readonly isReached: boolean;
};

export function progressOf(
  thresholds: readonly Threshold[],
  { total, byDepartment }: Pick<Figures, 'total' | 'byDepartment'>,
  lang: string,
): readonly Progress[] {
  const covered = [...byDepartment.keys()].filter((code) => code !== ABROAD).length;
  return thresholds.map(({ signatures, departments, label }) => {
    const labelLang = lang in label ? lang : 'fr';
    return {
      signatures,
      reachedSignatures: Math.min(total, signatures),
      departments: departments === undefined ? undefined : { needed: departments, reached: covered },
      label: label[labelLang] ?? '',
      labelLang,
      isReached: total >= signatures && covered >= (departments ?? 0),
    };
  });
}
