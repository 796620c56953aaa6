import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstance, type i18n, type ResourceLanguage } from 'i18next';
import type { Day } from '../clock.ts';

/**
 * Words, numbers and dates in the languages of the pages. All words stand in `views/locales/<language>.json`; whatever
 * is worth keeping (i18next, formatters, sentences without a variable part) is made once, none of it per page.
 */
export type Lang = 'fr' | 'en';
export const LANGS: readonly Lang[] = ['fr', 'en'];

export type Params = Readonly<Record<string, string | number>>;

export type Speech = {
  t(key: string, params?: Params): string;
  number(value: number): string;
  /** A day in words. A birth date may lack its day or its month (`1992-00-00`): what is known is said. */
  date(day: Day): string;
  /** An hour in Paris. */
  time(instant: Date): string;
};

const REGION: Readonly<Record<Lang, string>> = { fr: 'fr-FR', en: 'en-GB' };

/** `{{site}}` in any sentence is the site's name. i18next escapes nothing: the templates do, once. */
export function loadTranslations(localesDir: string, site: string): Readonly<Record<Lang, Speech>> {
  const i18n = createInstance({
    initAsync: false,
    fallbackLng: false,
    supportedLngs: [...LANGS],
    nsSeparator: false,
    interpolation: { escapeValue: false, defaultVariables: { site } },
    resources: Object.fromEntries(LANGS.map((lang) => [lang, { translation: readLocale(localesDir, lang) }])),
  });
  void i18n.init();
  return { fr: speech('fr', i18n), en: speech('en', i18n) };
}

function readLocale(localesDir: string, lang: Lang): ResourceLanguage[string] {
  return JSON.parse(readFileSync(join(localesDir, `${lang}.json`), 'utf8'));
}

function speech(lang: Lang, i18n: i18n): Speech {
  const translate = i18n.getFixedT(lang);
  const fixed = new Map<string, string>();
  const numbers = new Intl.NumberFormat(REGION[lang]);
  const dayFormat = (parts: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(REGION[lang], { timeZone: 'UTC', year: 'numeric', ...parts });
  const wholeDay = dayFormat({ month: 'long', day: 'numeric' });
  const month = dayFormat({ month: 'long' });
  const hours = new Intl.DateTimeFormat(REGION[lang], {
    timeZone: 'Europe/Paris',
    hour: '2-digit',
    minute: '2-digit',
  });

  return {
    t(key, params) {
      if (params !== undefined) return translate(key, params);
      let text = fixed.get(key);
      if (text === undefined) {
        text = translate(key);
        fixed.set(key, text);
      }
      return text;
    },
    number: (value) => numbers.format(value),
    date(day) {
      if (day.endsWith('-00-00')) return day.slice(0, 4);
      if (day.endsWith('-00')) return month.format(Date.parse(`${day.slice(0, 7)}-01T00:00:00Z`));
      const text = wholeDay.format(Date.parse(`${day}T00:00:00Z`));
      return lang === 'fr' ? text.replace(/^1 /, '1er ') : text;
    },
    time: (instant) => hours.format(instant),
  };
}

/** The language of an answer: what `?lang=` says, else the reader's preferred one among ours, else French. */
export function negotiateLang(asked: unknown, acceptLanguage: string | undefined): { lang: Lang; explicit: boolean } {
  const explicit = LANGS.find((lang) => lang === asked);
  if (explicit !== undefined) return { lang: explicit, explicit: true };

  let best: Lang = 'fr';
  let bestQuality = 0;
  for (const range of (acceptLanguage ?? '').toLowerCase().split(',')) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim());
    const lang = tag === '*' ? 'fr' : LANGS.find((ours) => tag === ours || tag.startsWith(`${ours}-`));
    const quality = qualityOf(parameters);
    if (lang !== undefined && quality > bestQuality) {
      best = lang;
      bestQuality = quality;
    }
  }
  return { lang: best, explicit: false };
}

function qualityOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return 1;
  const quality = Number(weight.slice(2));
  return quality >= 0 && quality <= 1 ? quality : 0;
}
