/**
 * Logins at petition sites: what the provider's own part of one costs in CPU time (the journey in between is measured by
 * `journeys.ts`), and the token endpoint alone, beside a bare `oidc-provider` with its memory adapter.
 */
import { rmSync } from 'node:fs';
import { Part } from './part.ts';
import type { Served } from './parts/site-provider.ts';
import { printFigure, printHeading } from './report.ts';
import { temporaryFolder } from './stage.ts';
import { medianOf } from './statistics.ts';

/** Logins under way at once: the library’s memory adapter forgets the oldest of a thousand things, of which a login is eight. */
const COUNT = 100;
/** In one slice, and so each on either side: a slice of one round would be a tenth of a second, and one garbage collection. */
const ROUNDS = 2;
const SLICES = 13;
const WARM_UP = 3;
const PARALLEL = 16;

type Slice = { readonly login: number; readonly token: number };

export async function benchSites(): Promise<void> {
  printHeading('Logins at petition sites (request, interaction, code, tokens)');
  const dataDir = temporaryFolder();
  const parts = { ours: new Part('site-provider'), bare: new Part('site-provider') };
  const relyingParty = new Part('relying-party');
  try {
    const served = {
      ours: await parts.ours.ask<Served>('ours', { dataDir }),
      bare: await parts.bare.ask<Served>('bare'),
    };
    const slices: { ours: Slice; bare: Slice }[] = [];
    for (let i = 0; i < SLICES; i++) {
      const ours = await measure(parts.ours, relyingParty, served.ours);
      const bare = await measure(parts.bare, relyingParty, served.bare);
      if (i >= WARM_UP) slices.push({ ours, bare });
    }
    for (const [what, of] of [
      ['one login, all requests', 'login'],
      ['the token endpoint alone', 'token'],
    ] as const) {
      printFigure({
        what,
        value: medianOf(slices, ({ ours }) => ours[of]),
        unit: 'ms of CPU',
        floor: { what: 'bare oidc-provider in memory', value: medianOf(slices, ({ bare }) => bare[of]) },
        ratio: medianOf(slices, ({ ours, bare }) => bare[of] / ours[of]),
        bound: { of: 'ratio', sense: 'least', promise: 1 / 1.5, goal: 1 / 1.25 },
      });
    }
  } finally {
    await Promise.all([parts.ours, parts.bare, relyingParty].map((part) => part.stop()));
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measure(provider: Part, relyingParty: Part, served: Served): Promise<Slice> {
  const spent = { login: 0, token: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const begin = await provider.ask<number>('cpu');
    const codes = await relyingParty.ask<unknown[]>('codes', { served, count: COUNT, parallel: PARALLEL });
    const middle = await provider.ask<number>('cpu');
    await relyingParty.ask('redeem', { served, codes, parallel: PARALLEL });
    const end = await provider.ask<number>('cpu');
    spent.login += end - begin;
    spent.token += end - middle;
  }
  return { login: spent.login / (ROUNDS * COUNT), token: spent.token / (ROUNDS * COUNT) };
}
