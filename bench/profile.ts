/** Where a CPU profile of V8 spent its time: self time by package or file, and by function. */
import { readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

type Profile = {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

const ROOT = `${import.meta.dirname}${sep}..`;

/** Lines of `share of the busy time`, `where`, the greatest first. */
export function summariseProfile(file: string): { places: readonly string[]; functions: readonly string[] } {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const places = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  samples.forEach((sample, index) => {
    const frame = frames.get(sample);
    const time = timeDeltas[index] ?? 0;
    if (frame === undefined || frame.functionName === '(idle)') return;
    const place = placeOf(frame.url) || frame.functionName;
    const name = `${place} ${frame.functionName || '(anonymous)'}:${frame.lineNumber + 1}`;
    busy += time;
    places.set(place, (places.get(place) ?? 0) + time);
    functions.set(name, (functions.get(name) ?? 0) + time);
  });
  const sorted = (times: Map<string, number>) =>
    [...times].sort(([, a], [, b]) => b - a).map(([name, time]) => `${((time / busy) * 100).toFixed(1)} % ${name}`);
  return { places: sorted(places), functions: sorted(functions) };
}

function placeOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  const path = relative(ROOT, fileURLToPath(url));
  return /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
}
