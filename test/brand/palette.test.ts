import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contrast, contrastFaults, withColours } from '../../src/brand/palette.ts';

const stylesheet = readFileSync(new URL('../../public/style.css', import.meta.url), 'utf8');
const colours = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`);

describe('the contrast of two colours', () => {
  // As WCAG’s own tools give it.
  test.each([
    ['#000000', '#ffffff', 21],
    ['#fff', '#ffffff', 1],
    ['#767676', '#ffffff', 4.54],
    ['#777777', '#ffffff', 4.48],
    ['#ff0000', '#ffffff', 4],
    ['#0000ff', '#ffffff', 8.59],
  ])('%s on %s is %f:1', (front, back, ratio) => {
    expect(contrast(front, back)).toBeCloseTo(ratio, 1);
    expect(contrast(back, front)).toBe(contrast(front, back));
  });
});

describe('the stylesheet', () => {
  test('keeps every contrast, in light and in dark', () => {
    expect(contrastFaults(stylesheet)).toEqual([]);
  });

  test('takes an operator’s colours, in their scheme alone, and changes in nothing else', () => {
    const own = withColours(stylesheet, { light: { ink: '#0b5d3b' }, dark: { paper: '#101010' } });
    const changed = own.split('\n').filter((line, index) => line !== stylesheet.split('\n')[index]);
    expect(changed).toEqual(['  --ink: #0b5d3b;', '    --paper: #101010;']);
  });

  test('is as it was where nothing was chosen', () => {
    expect(withColours(stylesheet, {})).toBe(stylesheet);
  });

  test('a colour is refused exactly when it cannot be read', () => {
    fc.assert(
      fc.property(colours, (ink) => {
        const faults = contrastFaults(withColours(stylesheet, { light: { ink } }));
        const isReadable = ['#ffffff', '#f6f4fa'].every((back) => contrast(ink, back) >= 4.5);
        expect(faults.some((fault) => fault.startsWith('colours.light: ink on '))).toBe(!isReadable);
        expect(faults.filter((fault) => fault.includes('.dark'))).toEqual([]);
      }),
    );
  });
});
