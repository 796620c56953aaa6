/** Charts and files hold the tally's own numbers: they are read back from what is drawn. */
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Day, dayFromNumber, dayNumber } from '../../src/clock.ts';
import { DEPARTMENTS } from '../../src/petitions/department.ts';
import { drawDepartmentMap } from '../../src/web/charts/department-map.ts';
import { outlines as drawnOutlines } from '../../src/web/charts/outlines.ts';
import { drawTimeline, periodsOf } from '../../src/web/charts/timeline.ts';
import { figuresCsv, petitionsCsv } from '../../src/web/figures-csv.ts';
import type { PetitionSummary } from '../../src/web/page-models.ts';
import { progressOf } from '../../src/web/progress.ts';
import { drawQrCode } from '../../src/web/qr-code.ts';

const OPENED = '2026-01-01' as Day;
const FIRST = dayNumber(OPENED);
const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0);

/** Some days of so many with signatures, and the last day. */
const tallies = fc
  .integer({ min: 1, max: 4000 })
  .chain((days) =>
    fc.tuple(
      fc.constant(dayFromNumber(FIRST + days - 1)),
      fc.dictionary(fc.nat(days - 1).map(String), fc.integer({ min: 1, max: 900_000 }), { minKeys: 1, maxKeys: 40 }),
    ),
  )
  .map(([last, counts]) => ({
    last,
    byDay: new Map(Object.entries(counts).map(([day, count]) => [dayFromNumber(FIRST + Number(day)), count])),
  }));

describe('signatures over time', () => {
  test('periods follow each other without a gap, hold every signature once, and are at most 92', () => {
    fc.assert(
      fc.property(tallies, ({ last, byDay }) => {
        const periods = periodsOf(byDay, OPENED, last);
        expect(periods.length).toBeLessThanOrEqual(92);
        expect([periods[0]?.first, periods.at(-1)?.last]).toEqual([OPENED, last]);
        for (const [i, { first, last: end, count }] of periods.entries()) {
          if (i > 0) expect(dayNumber(first)).toBe(dayNumber(periods[i - 1]!.last) + 1);
          expect(count).toBe(sum([...byDay].filter(([day]) => day >= first && day <= end).map(([, n]) => n)));
        }
        expect(periods.at(-1)?.total).toBe(sum(byDay.values()));
      }),
      { numRuns: 200 },
    );
  });

  test('the line is the totals, and read from it they are the same', () => {
    fc.assert(
      fc.property(tallies, ({ last, byDay }) => {
        const { periods, line, height, width, ticks } = drawTimeline(periodsOf(byDay, OPENED, last));
        const points = line
          .slice(1)
          .split('L')
          .map((point) => point.split(',').map(Number));
        expect(points.map(([x]) => x)).toEqual(Array.from({ length: width + 1 }, (_, i) => i));
        expect(points.map(([, y]) => height - y!)).toEqual([0, ...periods.map(({ total }) => total)]);
        expect([ticks[0], ticks.at(-1)]).toEqual([height, 0]);
        const gaps = new Set(ticks.slice(1).map((tick, i) => ticks[i]! - tick));
        expect(gaps.size).toBe(1);
        expect(ticks.every(Number.isInteger)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('the map', () => {
  const codes = [...DEPARTMENTS.keys(), '99'];

  test('draws every département, overseas ones and abroad included, each once', () => {
    const { outlines, squares } = drawDepartmentMap(new Map([['75', 1]]));
    expect(outlines).toHaveLength(96);
    const drawn = [...outlines, ...squares].map(({ code }) => code);
    expect(drawn.sort()).toEqual(codes.filter((code) => code !== '984' && code !== '989').sort());
    for (const { path } of outlines) expect(path).toMatch(/^(M\d+ \d+l-?\d+(?:[ -]\d+)+z)+$/);
    expect(sum([...drawnOutlines().values()].map(({ length }) => length))).toBeLessThan(10_000);
  });

  test('is darker where more people signed, and says which shade means how many', () => {
    const counts = fc.dictionary(
      fc.constantFrom(...codes.filter((code) => !code.startsWith('98'))),
      fc.integer({ min: 1, max: 9999 }),
      {
        minKeys: 1,
      },
    );
    fc.assert(
      fc.property(counts, (given) => {
        const { outlines, squares, shades } = drawDepartmentMap(new Map(Object.entries(given)));
        const shapes = [...outlines, ...squares];
        expect(
          Object.fromEntries(shapes.filter(({ count }) => count > 0).map(({ code, count }) => [code, count])),
        ).toEqual(given);
        for (const { count, shade } of shapes) {
          const told = shades.find((one) => one.shade === shade);
          if (count === 0) expect(told).toBeUndefined();
          else expect(count >= told!.from && count <= told!.to).toBe(true);
        }
        expect(shades.map(({ from }) => from)).toEqual(shades.map(({ from }) => from).toSorted((a, b) => a - b));
        expect(shades.length).toBeLessThanOrEqual(5);
      }),
      { numRuns: 100 },
    );
  });
});

describe('progress', () => {
  const thresholds = [
    { signatures: 100, label: { fr: 'publiée', en: 'published' } },
    { signatures: 500, departments: 3, label: { fr: 'débattue' } },
  ];
  const at = (total: number, ...departments: string[]) =>
    progressOf(thresholds, { total, byDepartment: new Map(departments.map((code) => [code, 1])) }, 'en').map(
      ({ isReached }) => isReached,
    );

  test('a threshold is reached by signatures, and by départements where it asks for them', () => {
    expect(at(99)).toEqual([false, false]);
    expect(at(100)).toEqual([true, false]);
    expect(at(500, '75', '2A')).toEqual([true, false]);
    expect(at(500, '75', '2A', '99')).toEqual([true, false]); // abroad is no département
    expect(at(500, '75', '2A', '971')).toEqual([true, true]);
    expect(at(499, '75', '2A', '971')).toEqual([true, false]);
  });

  test('its words are in the reader’s language, or in French and marked so', () => {
    const [one, two] = progressOf(thresholds, { total: 0, byDepartment: new Map() }, 'en');
    expect(one).toMatchObject({ label: 'published', labelLang: 'en' });
    expect(two).toMatchObject({ label: 'débattue', labelLang: 'fr' });
  });
});

describe('as CSV', () => {
  const petition: PetitionSummary = {
    id: '01m7k8m0n1ew6076n6rar3zv8a',
    slug: 'ecoles',
    title: '=HYPERLINK("https://evil.example","Garder, les écoles")',
    author: '@SUM(1)',
    status: 'open',
    opened: OPENED,
    closes: undefined,
    minAge: 18,
    departments: true,
    signatures: 7,
  };
  const read = (csv: string) => parse(csv, { bom: true, columns: true }) as Record<string, string>[];

  test('holds every figure of the tally', () => {
    const figures = {
      total: 7,
      byDay: new Map([
        ['2026-01-02' as Day, 3],
        ['2026-01-01' as Day, 4],
      ]),
      byDepartment: new Map([
        ['75', 5],
        ['2A', 2],
      ]),
      withdrawn: 2,
      invalidated: new Map([['fraud' as const, 1]]),
    };
    const rows = read(figuresCsv(petition, figures, { size: 11 }));
    const of = (figure: string) =>
      rows.filter((row) => row.figure?.startsWith(figure)).map(({ key, count }) => [key, count]);
    expect(of('entries')).toEqual([[petition.id, '11']]);
    expect(of('signatures by day')).toEqual([
      ['2026-01-01', '4'],
      ['2026-01-02', '3'],
    ]);
    expect(of('signatures by département (declared, not verified)')).toEqual([
      ['2A', '2'],
      ['75', '5'],
    ]);
    expect(of('withdrawn')).toEqual([['', '2']]);
    expect(of('invalidated')).toEqual([['fraud', '1']]);
    expect(rows.find(({ figure }) => figure === 'signatures')?.count).toBe('7');
  });

  test.each(['=1+1', '+1', '-1+cmd', '@SUM(1)', '\tx', '=HYPERLINK("x","y")', '＝1', 'a,"b"\r\nc'])(
    'no cell is a formula, whatever a title begins with: %j',
    (title) => {
      const [row] = read(petitionsCsv([{ ...petition, title, author: title }], { size: 1 }));
      for (const cell of [row?.title, row?.author]) {
        expect(cell).not.toMatch(/^[=+\-@\t\r＝]/u);
        expect(cell?.replace(/^'/, '')).toBe(title);
      }
    },
  );
});

test('a QR code is what the address says, dark on light with its quiet border', () => {
  const svg = drawQrCode('https://petitions.example.org/petitions/ecoles');
  const size = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const dark = new Set<string>();
  for (const [, x, y, run] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let i = 0; i < Number(run); i++) dark.add(`${Number(x) + i} ${y}`);
  }
  // The three squares by which a reader finds it (ISO/IEC 18004 §6.3.3), and nothing in the border of four.
  for (const [left, top] of [
    [4, 4],
    [size - 11, 4],
    [4, size - 11],
  ] as const) {
    const row = Array.from({ length: 7 }, (_, i) => (dark.has(`${left + i} ${top + 3}`) ? '#' : '.')).join('');
    expect(row).toBe('#.###.#');
  }
  expect([...dark].every((at) => at.split(' ').every((n) => Number(n) >= 4 && Number(n) < size - 4))).toBe(true);
  expect(drawQrCode('https://petitions.example.org/petitions/autre')).not.toBe(svg);
});
