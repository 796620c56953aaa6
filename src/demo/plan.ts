/**
 * Who signs what on which day of the demonstration: drawn once and for all from fixed dice, so that a start which was
 * interrupted draws the same again and finds done what was done.
 */
import { ABROAD, DEPARTMENTS } from '../petitions/department.ts';

/** In the order in which the log tells it. Days are counted from the first start: a demonstration does not grow old. */
export const PETITIONS = [
  { file: 'cantines-locales.md', opened: -150, closed: -60, closes: undefined, share: 0.2 },
  { file: 'jardins-partages.md', opened: -75, closed: undefined, closes: undefined, share: 0.33 },
  { file: 'trains-de-nuit.md', opened: -56, closed: undefined, closes: 124, share: 0.47 },
] as const;

export type PlannedAct = {
  readonly file: (typeof PETITIONS)[number]['file'];
  readonly action: 'sign' | 'withdraw';
  /** Days from the first start, negative. */
  readonly day: number;
  readonly login: string;
  readonly department: string;
};

/** The generated citizens with the highest numbers: visitors try the lowest, and find that they have not signed. */
const LAST_CITIZEN = 10_000_000;
/** One of so many signers comes back and withdraws. */
const WITHDRAWS = 60;

/** In the order of days. @param signatures how many, over all petitions */
export function planActs(signatures: number): readonly PlannedAct[] {
  const roll = dice(0x9a7a);
  const acts = PETITIONS.flatMap(({ file, opened, closed = 0, share }) => {
    const draw = drawer(weightsOfDays(closed - opened), roll);
    return Array.from({ length: Math.round(signatures * share) }, (_, i): PlannedAct[] => {
      const day = opened + draw();
      const who = { file, login: `citoyen-${LAST_CITIZEN - i}`, department: drawDepartment(roll) };
      const left = closed - day;
      const withdraws = i % WITHDRAWS === WITHDRAWS - 1 && left > 1;
      const later = withdraws
        ? [{ ...who, action: 'withdraw' as const, day: day + 1 + Math.floor(roll() * (left - 1)) }]
        : [];
      return [{ ...who, action: 'sign', day }, ...later];
    }).flat();
  });
  return acts.sort((a, b) => a.day - b.day);
}

/** A crowd at the start, one more when the papers write about it, quiet week-ends, and nobody yet on the day of opening. */
function weightsOfDays(days: number): readonly number[] {
  const news = days * 0.6;
  return Array.from({ length: days }, (_, day) => {
    const interest = 0.5 + 3 * Math.exp(-day / 9) + 2.5 * Math.exp(-(((day - news) / 3) ** 2));
    return day === 0 ? 0 : interest * (day % 7 >= 5 ? 0.55 : 1);
  });
}

/** More than one, for where more people live. */
const PEOPLE: Readonly<Record<string, number>> = {
  '06': 4,
  '13': 7,
  '31': 6,
  '33': 6,
  '34': 5,
  '35': 4,
  '38': 5,
  '44': 6,
  '59': 8,
  '62': 4,
  '67': 4,
  '69': 7,
  '74': 3,
  '75': 9,
  '76': 4,
  '77': 4,
  '78': 4,
  '83': 4,
  '91': 4,
  '92': 6,
  '93': 5,
  '94': 5,
  '974': 3,
  [ABROAD]: 2,
};
const CODES = [...DEPARTMENTS.keys(), ABROAD].filter((code) => code.length === 2 || code.startsWith('97'));
const CODE_WEIGHTS = CODES.map(
  (code) => PEOPLE[code] ?? (code === '975' || code === '977' || code === '978' ? 0.1 : 1.2),
);

function drawDepartment(roll: () => number): string {
  return CODES[pick(CODE_WEIGHTS, roll)] ?? ABROAD;
}

function drawer(weights: readonly number[], roll: () => number): () => number {
  return () => pick(weights, roll);
}

/** An index, by weight. */
function pick(weights: readonly number[], roll: () => number): number {
  let rest = roll() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    rest -= weight;
    if (rest < 0) return index;
  }
  return weights.length - 1;
}

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
