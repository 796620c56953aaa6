import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { parsePetitionFile } from '../../src/petitions/petition-file.ts';
import { makeStatement, statementHash } from '../../src/petitions/statement.ts';
import { renderMarkdown } from '../../src/web/present.ts';

const FRONT = 'slug: un-titre\ntitle: Un titre\nmin_age: 18\ndepartments: true\n';
const file = (front: string, body = 'Nous demandons ceci.') => `---\n${front}---\n\n${body}\n`;

describe('a petition’s file', () => {
  test('becomes rules and a statement', () => {
    expect(parsePetitionFile(file(`${FRONT}closes: 2027-01-31\nacr: eidas2\n`), 'f')).toMatchObject({
      slug: 'un-titre',
      min_age: 18,
      departments: true,
      closes: '2027-01-31',
      acr: 'eidas2',
      statement: { title: 'Un titre', text: 'Nous demandons ceci.\n' },
    });
  });

  test('may name its author, and what follows at how many signatures', () => {
    const thresholds =
      'thresholds:\n  - { signatures: 1000, label: { fr: Publiée } }\n' +
      '  - { signatures: 5000, departments: 30, label: { fr: Débattue, en: Debated } }\n';
    expect(parsePetitionFile(file(`${FRONT}author: Un collectif\n${thresholds}`), 'f')).toMatchObject({
      author: 'Un collectif',
      thresholds: [
        { signatures: 1000, label: { fr: 'Publiée' } },
        { signatures: 5000, departments: 30, label: { fr: 'Débattue', en: 'Debated' } },
      ],
    });
  });

  test.each([
    [
      'thresholds that fall',
      'thresholds:\n  - { signatures: 2, label: { fr: Un } }\n  - { signatures: 2, label: { fr: Deux } }\n',
      /rising/,
    ],
    ['a threshold of nothing', 'thresholds: [{ signatures: 0, label: { fr: Rien } }]\n', /signatures/],
    ['a threshold in English alone', 'thresholds: [{ signatures: 9, label: { en: Debated } }]\n', /French/],
    [
      'a threshold of more départements than there are',
      'thresholds: [{ signatures: 9, departments: 200, label: { fr: Débat } }]\n',
      /departments/,
    ],
    ['an author on two lines', 'author: "Un\\ncollectif"\n', /author/],
  ])('with %s is refused in one line', (_what, more, words) => {
    expect(() => parsePetitionFile(file(FRONT + more), 'f')).toThrow(words);
    expect(() => parsePetitionFile(file(FRONT + more), 'f')).toThrow(/^[^\n]+$/);
  });

  test('counts départements only where it asks for them', () => {
    const front = FRONT.replace('departments: true', 'departments: false');
    const source = file(`${front}thresholds: [{ signatures: 9, departments: 2, label: { fr: Débat } }]\n`);
    expect(() => parsePetitionFile(source, 'f')).toThrow(/asks for none/);
  });

  test.each([
    ['no front matter', 'Nous demandons ceci.', /no front matter/],
    ['no statement', file(FRONT, ' '), /no statement/],
    ['no YAML', file('slug: [\n'), /not YAML/],
    ['a field that does not exist', file(`${FRONT}age: 3\n`), /age/],
    ['a field that is missing', file('slug: a\ntitle: Un titre\nmin_age: 18\n'), /departments/],
    ['a slug that would not fit an address', file(FRONT.replace('un-titre', 'Un Titre')), /slug/],
    ['a day that does not exist', file(`${FRONT}closes: 2027-02-30\n`), /closes/],
    ['an age that is none', file(FRONT.replace('18', '-1')), /min_age/],
    ['a title on two lines', file('slug: a\ntitle: "Un\\ntitre"\nmin_age: 18\ndepartments: true\n'), /title/],
    ['a title that turns its reader’s line around', file(FRONT.replace('Un titre', 'Un \u202etitre')), /title/],
    ['a NUL', file(FRONT, 'a\0b'), /plain text/],
    ['a statement without end', file(FRONT, 'a'.repeat(100_001)), /longer/],
  ])('with %s is refused in one line', (_what, source, words) => {
    expect(() => parsePetitionFile(source, 'f')).toThrow(SetupError);
    expect(() => parsePetitionFile(source, 'f')).toThrow(words);
    expect(() => parsePetitionFile(source, 'f')).toThrow(/^[^\n]+$/);
  });
});

describe('a statement’s hash', () => {
  test('is the same however the text was typed: NFC, LF', () => {
    const composed = makeStatement('Été', 'é\nfin\n');
    expect(makeStatement('E\u0301te\u0301', 'e\u0301\r\nfin\r').hash).toEqual(composed.hash);
    expect(statementHash('Été', 'é\nfin\n')).toEqual(composed.hash);
  });

  test('is SHA-256(utf8(title + "\\n\\n" + text))', () => {
    expect(Buffer.from(statementHash('Titre', 'Texte\n')).toString('hex')).toBe(
      'b5dc29e070c8974f00e378d59768e0f4ac191328313c356ce7a52bbd1dbfe3fd',
    );
  });
});

describe('a statement on a page', () => {
  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[a](javascript:alert(1))',
    '[a](data:text/html,<script>alert(1)</script>)',
    '![a](https://evil.example/x.png)',
    '<style>*{display:none}</style>',
    '[a]: javascript:alert(1)\n\n[a]',
    '<https://evil.example/" onmouseover="alert(1)>',
  ])('is text and links, never markup of its author: %s', (text) => {
    const html = renderMarkdown(text);
    expect(html).not.toMatch(/<(script|img|style|iframe)|href="(javascript|data):|<[^>]*\son\w+=/i);
  });

  test('whatever it holds, only known elements come out', () => {
    const known = /^<\/?(p|h[3-6]|ul|ol|li|em|strong|a|code|pre|blockquote|hr|br|s|table|thead|tbody|tr|th|td)\b/;
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'<>"\'`&;:/!()[]#*_-+=a1 \n', 'script', 'onload', 'javascript:') }),
        (text) => {
          for (const [tag] of renderMarkdown(text).matchAll(/<[^>]*>/g)) expect(tag).toMatch(known);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('its headings stand below the page’s', () => {
    expect(renderMarkdown('# Un\n\n## Deux\n\n### Trois')).toBe('<h3>Un</h3>\n<h3>Deux</h3>\n<h4>Trois</h4>\n');
  });
});
