/** The vectors and random cases, recomputed by a program in Python that shares no line with ours. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry } from '../../src/log/entry.ts';
import { encodeEntry } from '../../src/log/entry.ts';
import { Frontier, rootOf } from '../../src/tlog/merkle.ts';
import { carryOut, type ProofPlan, planConsistency, planInclusion } from '../../src/tlog/merkle-proof.ts';
import { allTiles, tilePath } from '../../src/tlog/tile.ts';
import { TileEdge } from '../../src/tlog/tile-edge.ts';
import { naiveBreach, naiveTally } from '../log/naive-fold.ts';
import { walk, walks } from '../log/random-log.ts';
import { bytesOf, hashing, hex, sha256 } from './crypto.ts';

const SEED = 20_261_121;
const VECTORS = join(import.meta.dirname, '../vectors');
const SCRIPT = join(import.meta.dirname, 'independent.py');

function makeTree(entries: readonly Uint8Array[]) {
  const leaves = entries.map((entry) => hashing.leaf(entry));
  const size = leaves.length;
  const make = (plan: ProofPlan) => {
    const hashes = plan
      .flat()
      .map(({ level, index }) => rootOf(hashing, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)));
    return carryOut(hashing, plan, hashes).map(hex);
  };
  return {
    entries: entries.map(hex),
    root: hex(rootOf(hashing, leaves)),
    inclusion: leaves.map((_, index) => [index, make(planInclusion(index, size))]),
    consistency: Array.from({ length: size + 1 }, (_, old) => [old, make(planConsistency(old, size))]),
  };
}

function makeTiles(size: number) {
  const edge = new TileEdge(hashing);
  const stored = new Map<string, Uint8Array>();
  for (let i = 0; i < size; i++) edge.append(hashing.leaf(bytesOf(`entry ${i}`)));
  for (const { tile, bytes } of edge.takeChanged()) stored.set(tilePath(tile), bytes);
  const paths = [...allTiles(size)].filter(({ level }) => level !== 'entries').map(tilePath);
  return { size, tiles: Object.fromEntries(paths.map((path) => [path, hex(sha256(stored.get(path)!))])) };
}

function makeLog(entries: readonly Entry[]) {
  const breach = naiveBreach(entries);
  const held = entries.slice(0, breach?.index ?? entries.length);
  const opened = held.flatMap((entry) => (entry.kind === 'petition-opened' ? [entry.petition] : []));
  return {
    entries: entries.map((entry) => new TextDecoder().decode(encodeEntry(entry))),
    breach,
    tally: Object.fromEntries(opened.map((id) => [id, naiveTally(held, id)])),
  };
}

const cases = {
  trees: fc
    .sample(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70, size: 'max' }), { seed: SEED, numRuns: 12 })
    .map(makeTree),
  tiles: [255, 256, 257, 1000, 66_000].map(makeTiles),
  logs: fc.sample(walks, { seed: SEED, numRuns: 200 }).map((random) => makeLog(walk(random))),
};

const python = spawnSync('python3', ['--version']).status === 0;

/** @returns what it checked, by name */
function independently(input: unknown): Record<string, number> {
  return JSON.parse(
    execFileSync('python3', [SCRIPT, VECTORS], { input: JSON.stringify(input), encoding: 'utf8', stdio: 'pipe' }),
  );
}

test('a program in Python reads every vector and every random case the same', () => {
  if (!python) {
    console.warn('NOT RUN: there is no python3 here, so no second language checked the vectors of the log.');
    return;
  }
  const checked = independently(cases);
  expect(checked).toMatchObject({ tiles: expect.any(Number), logs: expect.any(Number), 'random logs': 200 });
  expect(Object.values(checked).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(1500);

  // And it would say so if it did not: one hash, one tile, one count changed.
  const root = { ...cases.trees.at(-1)!, root: hex(new Frontier(hashing).root().map((byte) => byte ^ 1)) };
  expect(() => independently({ ...cases, trees: [root] })).toThrow('trees: 0');
  const [tiles] = cases.tiles;
  const wrong = { ...tiles, tiles: { 'tile/0/000.p/255': hex(sha256(bytesOf('x'))) } };
  expect(() => independently({ trees: [], tiles: [wrong], logs: [] })).toThrow('tiles: tile/0/000.p/255');
  const log = { ...cases.logs[0]!, breach: { index: 0, rule: 'day-decreases' } };
  expect(() => independently({ trees: [], tiles: [], logs: [log] })).toThrow('random logs: 0');
});
