/**
 * A witness cannot be brought to cosign two trees of one log: a log that signs forks asks at random, at the same time,
 * across restarts and kills, and all that it ever got is set side by side.
 */
import { type ChildProcess, fork as spawnChild } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWitnessStore } from '../../src/storage/sqlite/witness-store.ts';
import { parseSignedCheckpoint } from '../../src/tlog/checkpoint.ts';
import { cosignatureTime, cosignatureVerifier } from '../../src/tlog/cosignature.ts';
import { verifyNote } from '../../src/tlog/note.ts';
import { formatSubmission, monitoringPath, parseCosignatures } from '../../src/tlog/witness.ts';
import type { WitnessStore } from '../../src/witness/ports.ts';
import { Witness } from '../../src/witness/witness.ts';
import { GrowingLog, ORIGIN } from '../fakes/growing-log.ts';
import { bytesOf, hex, sha256, verifyEd25519 } from '../tlog/crypto.ts';

const NAME = 'example.org/witness';
const SIZES = 12;
const FORKS = [Number.POSITIVE_INFINITY, 0, 3, 7];
const logs = FORKS.map((forkedAt, i) => new GrowingLog({ forkedAt, branch: `branch ${i}` }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paraphe-witness-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

type Got = { readonly branch: number; readonly size: number };

/** Two heads are of one tree when the smaller is a head of the larger one's branch. */
function expectOneTree(got: readonly Got[]): void {
  for (const one of got) {
    for (const two of got) {
      const size = Math.min(one.size, two.size);
      const roots = [one, two].map(({ branch }) => hex(logs[branch]!.root(size)));
      if (roots[0] !== roots[1]) throw new Error(`two trees: ${JSON.stringify([one, two])}`);
    }
  }
}

const asking = fc.record({
  branch: fc.nat({ max: FORKS.length - 1 }),
  /** What it says the witness saw: mostly the truth, or nothing would ever grow. */
  old: fc.oneof({ weight: 4, arbitrary: fc.constant('true' as const) }, fc.nat({ max: SIZES })),
  size: fc.nat({ max: SIZES }),
  /** Whose proof it sends. */
  proofOf: fc.oneof({ weight: 4, arbitrary: fc.constant('own' as const) }, fc.nat({ max: FORKS.length - 1 })),
});
const step = fc.oneof(
  { weight: 6, arbitrary: fc.array(asking, { minLength: 1, maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constant('restart' as const) },
  { weight: 2, arbitrary: fc.record({ clock: fc.integer({ min: -1000, max: 1000 }) }) },
);
type Step = readonly (typeof asking extends fc.Arbitrary<infer A> ? A : never)[] | 'restart' | { clock: number };

/** Runs the steps on a witness of its own. @returns all that it cosigned, and its times in the order of its notes */
async function ask(steps: readonly Step[], wrap: (store: WitnessStore) => WitnessStore): Promise<readonly Got[]> {
  const place = mkdtempSync(join(folder, 'run-'));
  let now = 1_800_000_000;
  let lastTime = 0;
  const got: Got[] = [];
  const open = () => {
    const store = openWitnessStore(place, NAME);
    const times = (note: string) => {
      const own = parseSignedCheckpoint(bytesOf(note)).note.signatures.filter(({ name }) => name === NAME);
      return own.map(cosignatureTime);
    };
    const watched: WitnessStore = {
      ...store,
      replace(origin, before, after) {
        const replaced = store.replace(origin, before, after);
        for (const time of replaced ? times(after) : []) {
          expect(time).toBeGreaterThanOrEqual(lastTime);
          lastTime = time;
        }
        return replaced;
      },
    };
    const witness = new Witness([logs[0]!.keys.key], { store: wrap(watched), clock: () => new Date(now * 1000) });
    return { store, witness };
  };
  let { store, witness } = open();
  try {
    for (const step of steps) {
      if (step === 'restart') {
        store.close();
        ({ store, witness } = open());
      } else if ('clock' in step) now += step.clock;
      else {
        const latest = witness.latest(monitoringPath(sha256, ORIGIN));
        const seen = latest === undefined ? 0 : parseSignedCheckpoint(bytesOf(latest)).checkpoint.size;
        await Promise.all(
          step.map(async ({ branch, old, size, proofOf }) => {
            const oldSize = old === 'true' ? seen : old;
            const proof = oldSize <= size ? logs[proofOf === 'own' ? branch : proofOf]!.proof(oldSize, size) : [];
            const checkpoint = await logs[branch]!.checkpoint(size);
            const answer = await witness.addCheckpoint(bytesOf(formatSubmission({ oldSize, proof, checkpoint })));
            if (answer.status !== 200) return;
            const note = {
              text: logs[branch]!.text(size),
              signatures: parseCosignatures(bytesOf(answer.cosignatures)),
            };
            await verifyNote(note, [cosignatureVerifier(witness.key, verifyEd25519)]);
            got.push({ branch, size });
          }),
        );
      }
    }
    return got;
  } finally {
    store.close();
  }
}

const walks = fc.array(step, { minLength: 3, maxLength: 12, size: 'max' });

describe('whatever a log asks for, in whatever order', () => {
  test('all that a witness cosigned are heads of one tree, and its times never decrease', async () => {
    let cosigned = 0;
    await fc.assert(
      fc.asyncProperty(walks, async (steps) => {
        const got = await ask(steps, (store) => store);
        cosigned += got.length;
        expectOneTree(got);
      }),
      { numRuns: 150 },
    );
    expect(cosigned).toBeGreaterThan(150);
  });

  test.each<[string, (store: WitnessStore) => WitnessStore]>([
    [
      'that does not compare',
      (store) => ({ ...store, replace: (o, _, after) => store.replace(o, store.find(o), after) }),
    ],
    ['that forgets', (store) => ({ ...store, find: () => undefined, replace: () => true })],
  ])('with a store %s that does not hold', async (_, wrap) => {
    const property = fc.asyncProperty(walks, async (steps) => expectOneTree(await ask(steps, wrap)));
    const { errorInstance } = await fc.check(property, { numRuns: 150, endOnFailure: true });
    expect(errorInstance).toMatchObject({ message: expect.stringContaining('two trees') });
  });
});

describe('killed at the worst moment', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** A real witness in a process of its own, which kills itself around its nth note. */
  async function start(dies: { at: number; when: 'before' | 'after' }): Promise<{ child: ChildProcess; url: string }> {
    const child = spawnChild(join(import.meta.dirname, 'killed.worker.ts'), {
      execArgv: [],
      env: { ...process.env, ORDER: JSON.stringify({ folder, name: NAME, log: logs[0]!.vkey, dies }) },
    });
    children.push(child);
    const [url] = (await once(child, 'message')) as [string];
    return { child, url };
  }

  async function submit(url: string, branch: number, oldSize: number, size: number) {
    const body = await logs[branch]!.submission(oldSize, size);
    const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body }).catch(() => undefined);
    return response === undefined ? 'no answer' : { status: response.status, body: await response.text() };
  }

  test('kill -9 after it kept a note, before it answered: it goes on from that note', async () => {
    const first = await start({ at: 2, when: 'after' });
    expect(await submit(first.url, 0, 0, 4)).toMatchObject({ status: 200 });
    const [lost] = await Promise.all([submit(first.url, 0, 4, 9), once(first.child, 'exit')]);
    expect(lost).toBe('no answer');
    const second = await start({ at: 2, when: 'after' });
    // Another tree from where the log was last answered:
    expect(await submit(second.url, 3, 4, 9)).toMatchObject({ status: 409, body: '9\n' });
    expect(await submit(second.url, 3, 9, 9)).toMatchObject({ status: 422 });
    expect(await submit(second.url, 0, 9, 9)).toMatchObject({ status: 200 });
  });

  test('kill -9 before it kept a note: that note was never cosigned, and another may be', async () => {
    const first = await start({ at: 2, when: 'before' });
    expect(await submit(first.url, 0, 0, 4)).toMatchObject({ status: 200 });
    const [lost] = await Promise.all([submit(first.url, 0, 4, 9), once(first.child, 'exit')]);
    expect(lost).toBe('no answer');
    const second = await start({ at: 9, when: 'before' });
    expect(await submit(second.url, 3, 4, 9)).toMatchObject({ status: 200 });
    expect(await submit(second.url, 0, 4, 9)).toMatchObject({ status: 409, body: '9\n' });
  });
});
