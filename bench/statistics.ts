/** The middle of several slices: the speed of a machine drifts, and one slice says little. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The median of one field over the slices. */
export function medianOf<T>(slices: readonly T[], value: (slice: T) => number): number {
  return median(slices.map(value));
}
