/**
 * Signatures over time. The chart's coordinates are the figures themselves: x counts periods and y counts signatures down
 * from the highest tick, so that its path can be read back, and is the same at any size.
 */
import { scaleLinear } from 'd3-scale';
import { area, line } from 'd3-shape';
import { type Day, dayFromNumber, dayNumber } from '../../clock.ts';

export type Period = {
  readonly first: Day;
  readonly last: Day;
  /** Signed in these days, of the signatures that count. */
  readonly count: number;
  /** Signed up to its last day. */
  readonly total: number;
};

export type Timeline = {
  readonly periods: readonly Period[];
  /** Of the drawing: the number of periods, and the highest tick. */
  readonly width: number;
  readonly height: number;
  /** From the highest to 0, evenly spaced. */
  readonly ticks: readonly number[];
  /** SVG path data: a line, and the area below it. */
  readonly line: string;
  readonly area: string;
};

const MOST_PERIODS = 92;
const STEPS = [1, 7, 28];
const TICKS = 4;

/** The days from one to another, both included, in at most 92 periods of a day, a week, four weeks or longer. */
export function periodsOf(counts: ReadonlyMap<Day, number>, from: Day, to: Day): readonly Period[] {
  const start = dayNumber(from);
  const days = Math.max(1, dayNumber(to) - start + 1);
  const step = STEPS.find((one) => days / one <= MOST_PERIODS) ?? Math.ceil(days / MOST_PERIODS);
  const sums = new Array<number>(Math.ceil(days / step)).fill(0);
  for (const [day, count] of counts) {
    const period = Math.floor((dayNumber(day) - start) / step);
    sums[period] = (sums[period] ?? 0) + count;
  }
  let total = 0;
  return sums.map((count, i) => {
    total += count;
    const last = Math.min(start + (i + 1) * step, start + days) - 1;
    return { first: dayFromNumber(start + i * step), last: dayFromNumber(last), count, total };
  });
}

export function drawTimeline(periods: readonly Period[]): Timeline {
  const highest = Math.max(1, periods.at(-1)?.total ?? 0);
  const wanted = Math.min(TICKS, highest);
  const scale = scaleLinear().domain([0, highest]).nice(wanted);
  const height = scale.domain()[1] ?? highest;
  const points = [0, ...periods.map(({ total }) => total)];
  const y = scaleLinear().domain([0, height]).range([height, 0]);
  return {
    periods,
    width: periods.length,
    height,
    ticks: scale.ticks(wanted).reverse(),
    line:
      line<number>(
        (_, i) => i,
        (total) => y(total),
      ).digits(0)(points) ?? '',
    area:
      area<number>(
        (_, i) => i,
        height,
        (total) => y(total),
      ).digits(0)(points) ?? '',
  };
}
