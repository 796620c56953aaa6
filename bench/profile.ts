/** Where a CPU profile of V8 spent its time: self time by package or file, and by function. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

type Node = {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
};
type Profile = {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

const ROOT = join(import.meta.dirname, '..');

/** Lines of `share of the busy time`, `where`, the greatest first. Native code counts for the file that called it. */
export function summariseProfile(file: string): { places: readonly string[]; functions: readonly string[] } {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callers = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const places = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  samples.forEach((sample, index) => {
    const node = byId.get(sample);
    const time = timeDeltas[index] ?? 0;
    if (node === undefined || node.callFrame.functionName === '(idle)') return;
    const place = placeOf(node, callers);
    const name = `${place} ${node.callFrame.functionName || '(anonymous)'}`;
    busy += time;
    places.set(place, (places.get(place) ?? 0) + time);
    functions.set(name, (functions.get(name) ?? 0) + time);
  });
  const sorted = (times: Map<string, number>) =>
    [...times].sort(([, a], [, b]) => b - a).map(([name, time]) => `${((time / busy) * 100).toFixed(1)} % ${name}`);
  return { places: sorted(places), functions: sorted(functions) };
}

function placeOf(node: Node, callers: ReadonlyMap<number, Node>): string {
  for (let at: Node | undefined = node; at !== undefined; at = callers.get(at.id)) {
    const { url } = at.callFrame;
    if (url.startsWith('file:')) {
      const path = relative(ROOT, fileURLToPath(url));
      return /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
    }
    if (url !== '') return url;
  }
  return node.callFrame.functionName;
}
