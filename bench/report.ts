/** One line for each figure: what was measured, its floor in the same run, the ratio, and what was promised of which. */

type Bound = {
  /** What the bounds are about. */
  readonly of: 'value' | 'ratio' | 'bytes';
  readonly promise: number;
  readonly goal: number;
  /** `most`: less is better. */
  readonly sense: 'least' | 'most';
};

export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly floor?: { readonly what: string; readonly value: number };
  /** Measured over floor, as a share of the floor that is reached: 1 is as good as the floor. */
  readonly ratio?: number;
  readonly bound?: Bound;
  readonly notes?: readonly string[];
};

export function printFigure({ what, value, unit, floor, ratio, bound, notes = [] }: Figure): void {
  const parts = [`${what}: ${amount(value)} ${unit}`];
  if (floor !== undefined) parts.push(`floor ${amount(floor.value)} (${floor.what})`);
  if (ratio !== undefined) parts.push(`${percent(ratio)} of the floor`);
  if (bound !== undefined) parts.push(verdict(bound, bound.of === 'ratio' ? (ratio ?? Number.NaN) : value));
  console.log(`  ${parts.join(' · ')}`);
  for (const note of notes) console.log(`      ${note}`);
}

export function printHeading(text: string): void {
  console.log(`\n${text}`);
}

function verdict({ of, promise, goal, sense }: Bound, measured: number): string {
  const holds = (bound: number) => (sense === 'least' ? measured >= bound : measured <= bound);
  const show = (bound: number) => `${sense === 'least' ? '≥' : '≤'} ${of === 'ratio' ? percent(bound) : amount(bound)}`;
  const state = (bound: number) => (holds(bound) ? 'held' : 'MISSED');
  return `promise ${show(promise)} ${state(promise)}, goal ${show(goal)} ${state(goal)}`;
}

export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(0)} %`;
}

/** Three digits that say something. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-GB');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
}
