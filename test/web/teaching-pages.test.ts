/** What the pages that explain say is what is there: the numbers of the log, and a drawing that everyone can read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Day } from '../../src/clock.ts';
import type { Figures } from '../../src/log/figures.ts';
import { withRegister } from '../../src/log-writer.ts';
import { NO_FIGURES } from '../../src/web/present.ts';
import { transparencyOf } from '../../src/web/transparency.ts';
import { drawWhoSeesWhat } from '../../src/web/who-sees-what.ts';
import { newNym, petitionNamed } from '../fakes/acts.ts';
import { Chromium } from '../fakes/chromium.ts';
import { GARDENS, startWorld, TRAINS, tallyOf, type World } from '../fakes/world.ts';

const CLOSED = 'slug: cantines\ntitle: Des cantines <locales>\nmin_age: 18\ndepartments: false\ncloses: 2020-01-01';
/** Nothing ever happened to it. */
const QUIET = 'slug: calme\ntitle: Une pétition calme\nmin_age: 0\ndepartments: false';
/** Of 9 signatures, 2 are withdrawn and 4 invalidated. */
const ACTS = ['', '', '', 'withdrawn', 'withdrawn', 'fraud', 'fraud', 'court', 'error'] as const;

let world: World;
let chromium: Chromium;

beforeAll(async () => {
  [world, chromium] = await Promise.all([
    startWorld({ petitions: [GARDENS, TRAINS, QUIET, CLOSED] }),
    Chromium.start(),
  ]);
  await world.restart(async () => {
    const clock = () => new Date();
    await withRegister(world.config.storage, clock, async ({ storage, register }) => {
      const { id: petition } = (await storage.petitions.findBySlug('trains'))!;
      for (const act of ACTS) {
        const nym = newNym();
        await register.record({ kind: 'signed', petition, nym, department: '75' });
        if (act === 'withdrawn') await register.record({ kind: act, petition, nym, department: undefined });
        else if (act !== '') await register.record({ kind: 'invalidated', petition, nym, ground: act });
      }
    });
  });
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

const page = async (path: string) => (await (await fetch(world.origin + path)).text()).replace(/[\u202f\u00a0]/g, ' ');

/** The rows of a page's tables, cell by cell. */
function rows(html: string): string[][] {
  const text = (cell: string) => cell.replace(/<[^>]+>/g, '').trim();
  return [...html.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) => text(cell)),
  );
}

describe('/transparency', () => {
  test('counts what the fold counts', async () => {
    expect(await tallyOf(world, 'trains')).toMatchObject({
      total: 3,
      withdrawn: 2,
      invalidated: { fraud: 2, court: 1, error: 1 },
    });
    expect(rows(await page('/transparency')).slice(0, 8)).toEqual([
      ['Pétitions ouvertes depuis le début', '4'],
      ['Pétitions closes', '1'],
      ['Signatures qui comptent', '3'],
      ['Signatures retirées par leur auteur', '2'],
      ['Signatures annulées pour fraude', '2'],
      ['Signatures annulées sur décision de justice', '1'],
      ['Signatures annulées pour erreur', '1'],
      ['Pétitions dont la clé secrète est détruite', '0'],
    ]);
  });

  test('names the petitions to which something happened, and no other', async () => {
    const listed = rows(await page('/transparency?lang=en')).slice(9);
    expect(listed).toEqual(
      [
        ['Des trains de nuit', 'no', '2', '4', 'kept'],
        ['Des cantines &lt;locales&gt;', '1 January 2020', '0', '0', 'kept'],
      ].map((row) => row.map((cell, index) => (index === 1 && cell !== 'no' ? expect.any(String) : cell))),
    );
  });

  test('says which checkpoint it is true for, and shows the keys as they are published', async () => {
    const html = await page('/transparency');
    const size = Number((await (await fetch(`${world.origin}/log/checkpoint`)).text()).split('\n')[1]);
    expect(html).toContain(`registre public à ${size} entrées`);
    expect(html).toContain((await (await fetch(`${world.origin}/log/vkey`)).text()).trim());
    const { keys } = (await (await fetch(`${world.origin}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[];
    };
    expect(html).toContain(keys[0]!.kid);
  });
});

test('a page of many petitions shows the newest, and says how many more there are', () => {
  const closed = '2026-03-01' as Day;
  const petitions = Array.from({ length: 33 }, (_, index) => ({
    ...petitionNamed(`p-${index}`, String(index)),
    entry: index,
    opened: closed,
    closed: undefined,
    destroyed: undefined,
  }));
  const of = (total: number, end?: Day) => ({ ...NO_FIGURES, total, closed: end, destroyed: undefined }) as Figures;
  const figures = new Map(petitions.map(({ id }, index) => [id as string, of(index, index < 30 ? closed : undefined)]));
  const { counts, petitions: shown, more } = transparencyOf(figures, petitions);
  expect(shown.map(({ slug }) => slug)).toEqual(petitions.slice(0, 20).map(({ slug }) => slug));
  expect(more).toBe(10);
  expect(counts).toMatchObject({ petitions: 33, closed: 30, signatures: (33 * 32) / 2 });
});

describe('the drawing of who sees what', () => {
  test.each(['fr', 'en'])('keeps its words inside its boxes and beside its arrows, in %s', async (locale) => {
    const someone = await chromium.person({ javaScriptEnabled: true, locale });
    await someone.open(`${world.origin}/how-it-works`);
    const texts = (await someone.page.evaluate(`[...document.querySelectorAll('.drawing text')].map((text) => {
      const { x, y, width, height } = text.getBBox();
      return { text: text.textContent, x, y, right: x + width, bottom: y + height };
    })`)) as { text: string; x: number; y: number; right: number; bottom: number }[];
    expect(texts.length).toBeGreaterThan(12);
    expect(texts.filter(({ x, right }) => x < 10 || right > 312)).toEqual([]);
    const boxes = (await someone.page.evaluate(
      `[...document.querySelectorAll('.drawing rect')].map((rect) => rect.getBBox()).map(({ y, height }) => ({ y, bottom: y + height }))`,
    )) as { y: number; bottom: number }[];
    // Each line is inside one box as a whole, or touches none.
    const cut = texts.filter((line) => {
      const touched = boxes.filter((box) => line.bottom > box.y && line.y < box.bottom);
      return touched.length > 1 || touched.some((box) => line.y < box.y || line.bottom > box.bottom + 1);
    });
    expect(cut).toEqual([]);
  });

  test('is an image with a name, and with all its words beside it', async () => {
    const someone = await chromium.person({ javaScriptEnabled: true });
    await someone.open(`${world.origin}/how-it-works`);
    const drawing = someone.page.getByRole('img', { name: 'Qui voit quoi, de vous jusqu’au registre public' });
    expect(await drawing.count()).toBe(1);
    const described = (await someone.page.evaluate(
      `document.getElementById(document.querySelector('.drawing').getAttribute('aria-describedby')).textContent`,
    )) as string;
    for (const words of ['votre nom, votre adresse', 'quelle pétition vous signez', 'qui se cache derrière']) {
      expect(described).toContain(words);
    }
  });

  test('breaks a long name, and lets a word that fits nowhere stand alone', () => {
    const name = 'Identité numérique de la fédération Wallonie-Bruxelles et environs';
    const { boxes } = drawWhoSeesWhat([{ name, sees: 'x'.repeat(50), not: undefined, next: undefined }]);
    const lines = boxes[0]!.lines;
    expect(lines.filter(({ isName }) => isName).map(({ text }) => text)).toEqual([
      'Identité numérique de la',
      'fédération',
      'Wallonie-Bruxelles et',
      'environs',
    ]);
    expect(lines.at(-1)!.text).toBe('x'.repeat(50));
    expect(boxes[0]!.y + boxes[0]!.height).toBeGreaterThan(lines.at(-1)!.y);
  });
});
