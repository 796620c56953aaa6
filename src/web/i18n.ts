import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstance, type i18n, type ResourceLanguage } from 'i18next';
import type { Day } from '../clock.ts';

/**
 * Words, numbers and dates in the languages of the pages. All words stand in `views/locales/<language>.json`; i18next
 * and the formatters are made once, and what they said before is looked up, since each page says much the same.
 */
export type Lang = 'fr' | 'en';
export const LANGS: readonly Lang[] = ['fr', 'en'];

type Params = Readonly<Record<string, string | number>>;

type Speech = {
  /** Sentences are remembered with their parameters: nothing that could tell who someone is may be one. */
  t(key: string, params?: Params): string;
  number(value: number): string;
  /** A day in words. A birth date may lack its day or its month (`1992-00-00`): what is known is said. */
  date(day: Day): string;
  /** An hour in Paris. */
  time(instant: Date): string;
};

const REGION: Readonly<Record<Lang, string>> = { fr: 'fr-FR', en: 'en-GB' };

/** What sentences may name: `{{site}}` and `{{provider}}`, the identity provider. */
export type Names = { site: string; provider: string };

/** i18next escapes nothing: the templates do, once. */
export function loadTranslations(localesDir: string, names: Names): Readonly<Record<Lang, Speech>> {
  const i18n = createInstance({
    initAsync: false,
    fallbackLng: false,
    supportedLngs: [...LANGS],
    nsSeparator: false,
    interpolation: { escapeValue: false, defaultVariables: names },
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
  const numbers = new Intl.NumberFormat(REGION[lang]);
  const monthNames = new Intl.DateTimeFormat(REGION[lang], { timeZone: 'UTC', month: 'long' });
  const months = Array.from({ length: 12 }, (_, index) => monthNames.format(Date.UTC(2000, index)));
  const hours = new Intl.DateTimeFormat(REGION[lang], {
    timeZone: 'Europe/Paris',
    hour: '2-digit',
    minute: '2-digit',
  });

  const sentences = new Map<string, string>();
  return {
    t: (key, params) =>
      params === undefined
        ? remember(sentences, key, () => translate(key))
        : remember(sentences, key + JSON.stringify(params), () => translate(key, { ...params })),
    number: (value) => numbers.format(value),
    date(day) {
      const [year, month, number] = day.split('-').map(Number);
      const name = months[Number(month) - 1];
      if (name === undefined) return String(year);
      if (!number) return `${name} ${year}`;
      return `${number === 1 && lang === 'fr' ? '1er' : number}\u00a0${name} ${year}`;
    },
    time: (instant) => hours.format(instant),
  };
}

/** Looks up instead of making again, which is ten times dearer. Never holds more than a few thousand short texts. */
function remember<T extends string>(texts: Map<string, T>, name: string, make: () => T): T {
  const known = texts.get(name);
  if (known !== undefined) return known;
  const text = make();
  if (texts.size >= 5000) texts.clear();
  texts.set(name, text);
  return text;
}

/** The language of an answer: what `?lang=` says, else the reader's preferred one among ours, else French. */
export function negotiateLang(asked: unknown, acceptLanguage: string | undefined): { lang: Lang; explicit: boolean } {
  const explicit = LANGS.find((lang) => lang === asked);
  if (explicit !== undefined) return { lang: explicit, explicit: true };

  const header = acceptLanguage ?? '';
  const isUsual = header.length <= USUAL_LENGTH;
  const lang = isUsual ? remember(preferred, header, () => preferredLang(header)) : preferredLang(header);
  return { lang, explicit: false };
}

/** By the header: browsers send a few of them, all the time. */
const preferred = new Map<string, Lang>();
const USUAL_LENGTH = 100;

function preferredLang(acceptLanguage: string): Lang {
  let best: Lang = 'fr';
  let bestQuality = 0;
  for (const range of acceptLanguage.toLowerCase().split(',')) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim());
    const lang = tag === '*' ? 'fr' : LANGS.find((ours) => tag === ours || tag.startsWith(`${ours}-`));
    const quality = qualityOf(parameters);
    if (lang !== undefined && quality > bestQuality) {
      best = lang;
      bestQuality = quality;
    }
  }
  return best;
}

function qualityOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return 1;
  const quality = Number(weight.slice(2));
  return quality >= 0 && quality <= 1 ? quality : 0;
}

/** An address of ours for someone who chose their language: `?lang=` goes along, before a fragment. */
export function withLang(path: string, lang: Lang | undefined): string {
  if (lang === undefined) return path;
  const [page = '', fragment] = path.split('#', 2);
  const query = `${page}${page.includes('?') ? '&' : '?'}lang=${lang}`;
  return fragment === undefined ? query : `${query}#${fragment}`;
}
