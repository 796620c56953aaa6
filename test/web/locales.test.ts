import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Day } from '../../src/clock.ts';
import { REFUSAL_CODES } from '../../src/errors.ts';
import { LANGS, loadTranslations, localeOf, negotiateLang } from '../../src/web/i18n.ts';

const VIEWS = new URL('../../views/', import.meta.url);
const PLURAL = /_(zero|one|two|few|many|other)$/;

const read = (path: string) => readFileSync(new URL(path, VIEWS), 'utf8');
const words = Object.fromEntries(LANGS.map((lang) => [lang, flatten(JSON.parse(read(`locales/${lang}.json`)))]));
const say = loadTranslations({ site: 'Paraphe', provider: 'FranceConnect' });

describe('the words of all languages', () => {
  const meanings = (lang: string) =>
    [...new Set([...words[lang]!.keys()].map((key) => key.replace(PLURAL, '')))].sort();

  test('say the same things, with the same variables', () => {
    for (const lang of LANGS) {
      expect(meanings(lang)).toEqual(meanings('fr'));
      for (const [key, text] of words[lang]!) {
        const [french = ''] = [key, `${key.replace(PLURAL, '')}_other`].flatMap((one) => words.fr!.get(one) ?? []);
        expect(variables(text), key).toEqual(variables(french));
      }
    }
  });

  test.each(LANGS)('have a form for every plural that %s knows', (lang) => {
    const { pluralCategories } = new Intl.PluralRules(lang).resolvedOptions();
    for (const key of meanings(lang)) {
      const forms = [...words[lang]!.keys()].filter((other) => PLURAL.test(other) && other.replace(PLURAL, '') === key);
      if (forms.length > 0) expect(forms.sort()).toEqual(pluralCategories.map((form) => `${key}_${form}`).sort());
    }
  });

  test.each(LANGS)('are never empty and hold no HTML, in %s', (lang) => {
    for (const [key, text] of words[lang]!) expect(text, key).toMatch(/^[^<>]+$/);
  });

  test('are set as French wants it: apostrophes, and spaces that do not break', () => {
    for (const [key, text] of words.fr!) expect(text, key).not.toMatch(/'|"| [:;!?»]|« /);
  });

  test('give the consent one version in all languages', () => {
    for (const lang of LANGS) expect(words[lang]!.get('consent.version')).toBe(words.fr!.get('consent.version'));
  });

  test.each(LANGS)('%s says every day as Intl does, but for what must not break', (lang) => {
    const intl = new Intl.DateTimeFormat(localeOf(lang).region, { timeZone: 'UTC', dateStyle: 'long' });
    const plain = (text: string) => text.replaceAll('\u00a0', ' ').replace(/^1er /, '1 ');
    const { date } = say(lang);
    for (let at = Date.UTC(1900, 0, 1); at < Date.UTC(2100, 0, 1); at += 86_400_000) {
      const day = new Date(at).toISOString().slice(0, 10) as Day;
      if (plain(date(day)) !== plain(intl.format(at))) expect(date(day), day).toBe(intl.format(at));
    }
  });

  test.each(LANGS)('%s says what it is called, and how its numbers and days are written', (lang) => {
    const { name, region, abroad } = localeOf(lang);
    expect(name).toBeTruthy();
    expect(abroad).toBeTruthy();
    expect(new Intl.Locale(region).language).toBe(lang);
  });
});

describe('templates and words fit', () => {
  const sources = readdirSync(VIEWS).concat(readdirSync(new URL('partials/', VIEWS)).map((file) => `partials/${file}`));
  const code = sources
    .filter((file) => file.endsWith('.eta'))
    .map(read)
    .join('\n');
  const asked = [...code.matchAll(/\bt\((['`])([^'`]+)\1/g)].map(([, , key]) => pattern(key!));
  const keys = [...new Set([...words.fr!.keys()].map((key) => key.replace(PLURAL, '')))].filter(
    (key) => !key.startsWith('language.'), // what the program reads: LANGS, localeOf
  );

  test('no template asks for words that are not there', () => {
    expect(asked.filter((key) => !keys.some((known) => key.test(known)))).toEqual([]);
  });

  test('no words are left that no template asks for', () => {
    expect(keys.filter((known) => !asked.some((key) => key.test(known)))).toEqual([]);
  });

  test('every refusal has its words, and no other has', () => {
    for (const part of ['title', 'what', 'next']) {
      const codes = keys.flatMap((key) => key.match(`^refusal\\.(.+)\\.${part}$`)?.[1] ?? []);
      expect(codes.sort()).toEqual([...REFUSAL_CODES, 'internal-error'].sort());
    }
  });
});

describe('numbers, days and hours', () => {
  test.each([
    ['2026-03-01', '1er\u00a0mars 2026', '1\u00a0March 2026'],
    ['1962-08-24', '24\u00a0août 1962', '24\u00a0August 1962'],
    ['1992-11-00', 'novembre 1992', 'November 1992'],
    ['1992-00-00', '1992', '1992'],
  ])('%s', (day, french, english) => {
    expect(say('fr').date(day as Day)).toBe(french);
    expect(say('en').date(day as Day)).toBe(english);
  });

  test('an hour is an hour in Paris', () => {
    expect(say('fr').time(new Date('2026-07-01T12:05:00Z'))).toBe('14:05');
    expect(say('en').time(new Date('2026-01-01T12:05:00Z'))).toBe('13:05');
  });

  test('counts agree with their noun', () => {
    const count = (lang: 'fr' | 'en', n: number) =>
      `${say(lang).number(n)} ${say(lang).t('summary.signatures', { count: n })}`;
    expect(count('fr', 0)).toBe('0 signature vérifiée');
    expect(count('fr', 1500)).toBe('1\u202f500 signatures vérifiées');
    expect(count('fr', 2_000_000)).toBe('2\u202f000\u202f000 de signatures vérifiées');
    expect(count('en', 0)).toBe('0 verified signatures');
    expect(count('en', 1)).toBe('1 verified signature');
  });

  test('a variable is put in as it is, whatever it holds', () => {
    const code = '<b>{{site}} $t(layout.skip)';
    expect(say('en').t('refusal.quote', { code, status: 404 })).toBe(`Code ${code}, status 404`);
  });
});

describe('the language of an answer', () => {
  test.each([
    ['en', undefined, 'en', true],
    ['fr', 'en', 'fr', true],
    ['de', 'en', 'en', false],
    [['en', 'fr'], 'fr', 'fr', false],
    [undefined, undefined, 'fr', false],
    [undefined, '', 'fr', false],
    [undefined, 'en-GB,en;q=0.9,fr;q=0.8', 'en', false],
    [undefined, 'fr-CA, en;q=0.9', 'fr', false],
    [undefined, 'en;q=0.5, FR ;q=0.7', 'fr', false],
    [undefined, 'de, en;q=0.3', 'en', false],
    [undefined, 'de-DE, it', 'fr', false],
    [undefined, 'en;q=0', 'fr', false],
    [undefined, 'en;q=oops', 'fr', false],
    [undefined, '*, en;q=0.5', 'fr', false],
    [undefined, 'enx, ;;;,,', 'fr', false],
  ])('?lang=%s with Accept-Language %s is %s', (asked, accepted, lang, explicit) => {
    expect(negotiateLang(asked, accepted)).toEqual({ lang, explicit });
  });
});

function flatten(tree: Record<string, unknown>, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === 'string'
        ? [[prefix + key, value] as const]
        : [...flatten(value as Record<string, unknown>, `${prefix}${key}.`)],
    ),
  );
}

function variables(text: string): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name!).sort();
}

/** `a.${b}.c` asks for any key of that shape. */
function pattern(key: string): RegExp {
  const shape = key.split(/\$\{[^}]+\}/).map((part) => part.replaceAll('.', '\\.'));
  return new RegExp(`^${shape.join('[\\w-]+')}$`);
}
