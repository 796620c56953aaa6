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

/** The library’s memory adapter forgets the oldest of a thousand things. */
const COUNT = 100;
const SLICES = 9;
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
      if (i > 0) slices.push({ ours, bare }); // the first one warms up
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
  const begin = await provider.ask<number>('cpu');
  const codes = await relyingParty.ask<unknown[]>('codes', { served, count: COUNT, parallel: PARALLEL });
  const middle = await provider.ask<number>('cpu');
  await relyingParty.ask('redeem', { served, codes, parallel: PARALLEL });
  const end = await provider.ask<number>('cpu');
  return { login: (end - begin) / COUNT, token: (end - middle) / COUNT };
}
