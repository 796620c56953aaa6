import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readBrand } from '../../src/brand/brand.ts';
import { SetupError } from '../../src/errors.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paraphe-brand-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(yaml: string) {
  writeFileSync(join(folder, 'brand.yaml'), yaml);
  return readBrand(folder);
}

/** The lines of the refusal, without the file's name. */
function refusal(yaml: string): string[] {
  try {
    read(yaml);
  } catch (error) {
    expect(error).toBeInstanceOf(SetupError);
    return (error as SetupError).message.split('\n').map((line) => line.replace(/^BRAND \S+: /, ''));
  }
  throw new Error('it was accepted');
}

describe('a brand', () => {
  test('is a name, and all else may be left out', () => {
    expect(read('name: Pétitions de Villeneuve')).toMatchObject({ name: 'Pétitions de Villeneuve', colours: {} });
  });

  test('has all that it can have', () => {
    writeFileSync(join(folder, 'logo.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    const brand = read(`
name: Villeneuve
logo: logo.svg
icon: logo.svg
colours:
  light: { ink: "#0b5d3b", ink-strong: "#073f28" }
  dark: { ink: "#7fd6ac", ink-strong: "#b5ebd0", on-ink: "#06281a" }
operator: { name: Ville de Villeneuve, contact: "mailto:petitions@villeneuve.example" }
source: https://villeneuve.example/source
thresholds: [{ signatures: 5000, label: { fr: Inscrite au conseil } }]
footer: { fr: "Une démarche de la [ville](https://villeneuve.example)." }
notices: { fr: "**Éditeur** : Ville de Villeneuve", en: "**Publisher**: the city of Villeneuve" }
controller: { fr: "Le responsable est la Ville." }
`);
    expect(brand.logo?.body.toString()).toMatch(/^<svg/);
    expect(brand.operator).toEqual({ name: 'Ville de Villeneuve', contact: 'mailto:petitions@villeneuve.example' });
    expect(brand.thresholds).toEqual([{ signatures: 5000, label: { fr: 'Inscrite au conseil' } }]);
    expect(Object.keys(brand.notices ?? {})).toEqual(['fr', 'en']);
  });

  test.each([
    [
      'colours no eye can read',
      'name: V\ncolours: { light: { ink: "#9a86c0" } }',
      /^colours\.light: ink on paper has a contrast of 3\.\d+:1, below 4\.5:1\.$/,
    ],
    [
      'a button that cannot be read',
      'name: V\ncolours: { dark: { on-ink: "#c4adf0" } }',
      /^colours\.dark: on-ink on ink /,
    ],
    ['an unknown field', 'name: V\nlogos: x.svg', /^the file: .*logos/],
    [
      'thresholds that fall',
      'name: V\nthresholds: [{ signatures: 9, label: { fr: Oui } }, { signatures: 5, label: { fr: Non } }]',
      /^thresholds: in rising order/,
    ],
    ['no name', 'footer: { fr: x }', /^name: /],
    ['a name that turns the page around', 'name: "V\\u202e"', /^name: one line/],
    ['a colour by its name', 'name: V\ncolours: { light: { ink: green } }', /^colours\.light\.ink: a colour such as/],
    ['an image elsewhere', 'name: V\nlogo: ../secret.svg', /^logo: an \.svg or \.png file/],
    ['an image that is not there', 'name: V\nlogo: logo.svg', /is not there/],
    [
      'a contact that runs code',
      'name: V\noperator: { name: V, contact: "javascript:alert(1)" }',
      /^operator\.contact: /,
    ],
    ['a text in no language', 'name: V\nnotices: {}', /^notices: in one language/],
    ['a text in a language that has no code', 'name: V\nnotices: { français: x }', /^notices\.français: /],
    ['what is no YAML', 'name: [', /^is not YAML/],
  ])('with %s is refused, and the line says why', (_what, yaml, line) => {
    const [first = ''] = refusal(yaml);
    expect(first).toMatch(line);
  });

  test('with several faults is refused with a line for each', () => {
    expect(refusal('name: ""\nsource: ftp://x\nlogo: x.gif')).toHaveLength(3);
  });

  test('whose logo is heavy is refused: every page would carry it', () => {
    writeFileSync(join(folder, 'logo.png'), Buffer.alloc(20_001));
    expect(refusal('name: V\nlogo: logo.png')).toEqual([expect.stringContaining('weighs 20001 bytes')]);
  });

  test('without its file is refused', () => {
    expect(() => readBrand(join(folder, 'nowhere'))).toThrow(/brand\.yaml: cannot be read/);
  });
});
