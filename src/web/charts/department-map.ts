/**
 * Signatures by declared département, as a map: the metropolitan outlines, and below them a square for each overseas
 * département or collectivity and for people abroad.
 */
import { scaleQuantile } from 'd3-scale';
import { ABROAD, DEPARTMENTS } from '../../petitions/department.ts';
import { OUTLINES_HEIGHT, OUTLINES_WIDTH, outlines } from './outlines.ts';

export type Shape = {
  readonly code: string;
  readonly count: number;
  /** The shade, from 1; 0 where nobody signed. */
  readonly shade: number;
  /** SVG path data. */
  readonly path: string;
};

export type DepartmentMap = {
  readonly width: number;
  readonly height: number;
  readonly outlines: readonly Shape[];
  /** With the place of each label, below its square: the middle of its upper edge. */
  readonly squares: readonly (Shape & { readonly x: number; readonly y: number })[];
  /** What each shade stands for: from so many signatures to so many. */
  readonly shades: readonly { readonly shade: number; readonly from: number; readonly to: number }[];
};

const SHADES = [1, 2, 3, 4, 5];
/** Codes of three characters. Nobody lives in the Southern and Antarctic Lands or on Clipperton. */
const OVERSEAS = [...DEPARTMENTS.keys()].filter((code) => code.length === 3 && code !== '984' && code !== '989');
const SQUARES = [...OVERSEAS, ABROAD];
const A_ROW = 6;
const CELL = { width: OUTLINES_WIDTH / A_ROW, height: 37, side: 18 };

export function drawDepartmentMap(counts: ReadonlyMap<string, number>): DepartmentMap {
  const bounds = boundsOf([...counts.values()].filter((count) => count > 0));
  const shadeOf = (count: number) => bounds.filter((bound) => count >= bound).length;
  const shape = (code: string, path: string): Shape => {
    const count = counts.get(code) ?? 0;
    return { code, count, shade: shadeOf(count), path };
  };
  return {
    width: OUTLINES_WIDTH,
    height: OUTLINES_HEIGHT + CELL.height * Math.ceil(SQUARES.length / A_ROW),
    outlines: [...outlines()].map(([code, path]) => shape(code, path)),
    squares: SQUARES.map((code, i) => {
      const x = Math.round((i % A_ROW) * CELL.width + CELL.width / 2);
      const y = OUTLINES_HEIGHT + Math.floor(i / A_ROW) * CELL.height + 4;
      const { side } = CELL;
      return { ...shape(code, `M${x - side / 2} ${y}h${side}v${side}h-${side}z`), x, y: y + side + 4 };
    }),
    shades: bounds.map((from, i) => ({
      shade: i + 1,
      from,
      to: (bounds[i + 1] ?? Math.max(...counts.values()) + 1) - 1,
    })),
  };
}

/** Where each shade begins: shades of about as many départements each. */
function boundsOf(counts: readonly number[]): readonly number[] {
  if (counts.length === 0) return [];
  const quantiles = scaleQuantile(SHADES).domain(counts).quantiles().map(Math.ceil);
  const lowest = Math.min(...counts);
  return [...new Set([lowest, ...quantiles])].filter((bound) => bound >= lowest).sort((a, b) => a - b);
}
