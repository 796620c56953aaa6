/**
 * The colours of the pages, as they stand in the stylesheet: one place says them, and an operator's own take theirs. WCAG
 * 2.2 says how far two colours must differ: 4.5:1 for text (1.4.3), 3:1 for the edge of a field (1.4.11).
 */
export const SCHEMES = ['light', 'dark'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** What an operator may choose. Errors, notices and the identity provider's button keep theirs. */
export const COLOURS = ['paper', 'shade', 'text', 'soft', 'edge', 'ink', 'ink-strong', 'on-ink'] as const;
export type Colour = (typeof COLOURS)[number];

/** As `#rrggbb`. */
type Palette = ReadonlyMap<string, string>;
export type Choice = { readonly [C in Colour]?: string | undefined };
export type Choices = { readonly [S in Scheme]?: Choice | undefined };

/** Foreground, background, least contrast: everywhere that the stylesheet lays one on the other. */
const PAIRS: readonly (readonly [front: string, back: string, least: number])[] = [
  ...['text', 'soft', 'ink', 'ink-strong', 'error'].flatMap((front) =>
    ['paper', 'shade'].map((back) => [front, back, 4.5] as const),
  ),
  ['on-ink', 'ink', 4.5],
  ['on-ink', 'ink-strong', 4.5],
  ['on-connect', 'connect', 4.5],
  ['on-connect', 'connect-hover', 4.5],
  ['on-notice', 'notice', 4.5],
  ['edge', 'paper', 3],
  ['edge', 'shade', 3],
];

/** The stylesheet with these colours instead of its own: its first `:root` is light, its second dark. */
export function withColours(css: string, choices: Choices): string {
  let at = -1;
  return css.replace(/:root \{[^}]*\}/g, (block) => {
    const choice = choices[SCHEMES[++at] ?? 'light'] ?? {};
    return block.replace(/--([\w-]+): #[0-9a-f]{3,6};/g, (line, name: string) => {
      const chosen = choice[name as Colour];
      return chosen === undefined ? line : `--${name}: ${chosen};`;
    });
  });
}

/** One line for each pair of colours of a stylesheet that some could not tell apart. */
export function contrastFaults(css: string): readonly string[] {
  const blocks = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, block = '']) => paletteOf(block));
  return SCHEMES.flatMap((scheme, index) => {
    const palette = blocks[index] ?? new Map();
    return PAIRS.flatMap(([front, back, least]) => {
      const found = contrast(colour(palette, front), colour(palette, back));
      const shown = Math.floor(found * 100) / 100; // never rounded up to what it is not
      return found < least
        ? `colours.${scheme}: ${front} on ${back} has a contrast of ${shown}:1, below ${least}:1`
        : [];
    });
  });
}

function paletteOf(block: string): Palette {
  return new Map(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{3,6});/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

function colour(palette: Palette, name: string): string {
  const found = palette.get(name);
  if (found === undefined) throw new RangeError(`the stylesheet has no colour ${name}`);
  return found;
}

/** WCAG 2.2, "contrast ratio": from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** WCAG 2.2, "relative luminance", of `#rgb` or `#rrggbb`. */
function luminance(hex: string): number {
  const digits = hex.slice(1).replace(/^(.)(.)(.)$/, '$1$1$2$2$3$3');
  const [red = 0, green = 0, blue = 0] = (digits.match(/../g) ?? []).map((pair) => {
    const share = Number.parseInt(pair, 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
