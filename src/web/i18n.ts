import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstance, type i18n } from 'i18next';
import type { Day } from '../clock.ts';

/**
 * Words, numbers and dates in the languages of the pages. A language is a file: `views/locales/<language>.json` holds all
 * its words, and under `language` what it says of itself. i18next and the formatters are made once, and the sentences that
 * they said before are looked up, since each page says much the same.
 */

/** One of LANGS: what a locale's file is called, a language of ISO 639 in lower case. */
export type Lang = string;

type Locale = {
  /** As its speakers call it. */
  readonly name: string;
  /** Whose numbers and dates it writes, as a tag of BCP 47: `fr-FR`. */
  readonly region: string;
  /** Where those live who live in no département. */
  readonly abroad: string;
  readonly words: Readonly<Record<string, unknown>>;
};

/** What is answered to those who read none of ours; it stands first. */
const FIRST: Lang = 'fr';

const LOCALES: ReadonlyMap<Lang, Locale> = readLocales(join(import.meta.dirname, '..', '..', 'views', 'locales'));

export const LANGS: readonly Lang[] = [...LOCALES.keys()];

function readLocales(folder: string): ReadonlyMap<Lang, Locale> {
  const langs = readdirSync(folder).flatMap((file) => /^([a-z]{2,3})\.json$/.exec(file)?.[1] ?? []);
  const rank = (lang: Lang) => (lang === FIRST ? '' : lang);
  langs.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return new Map(
    langs.map((lang) => {
      const words = JSON.parse(readFileSync(join(folder, `${lang}.json`), 'utf8'));
      return [lang, { ...words.language, words }] as const;
    }),
  );
}

/** What a language says of itself. @throws RangeError for one that is none of LANGS */
export function localeOf(lang: Lang): Locale {
  return LOCALES.get(lang) ?? unknown(lang);
}

function unknown(lang: Lang): never {
  throw new RangeError(`no locale ${lang}`);
}

type Params = Readonly<Record<string, string | number>>;

export type Speech = {
  /** Sentences are remembered with their parameters: nothing that could tell who someone is may be one. */
  t(key: string, params?: Params): string;
  number(value: number): string;
  /** A day in words. A birth date may lack its day or its month (`1992-00-00`): what is known is said. */
  date(day: Day): string;
  /** An hour in Paris. */
  time(instant: Date): string;
};

/** What sentences may name: `{{site}}` and `{{provider}}`, the identity provider. */
export type Names = { site: string; provider: string };

/**
 * What says everything in a language. i18next escapes nothing: the templates do, once.
 * @throws RangeError for one that is none of LANGS
 */
export function loadTranslations(names: Names): (lang: Lang) => Speech {
  const i18n = createInstance({
    initAsync: false,
    fallbackLng: false,
    supportedLngs: [...LANGS],
    nsSeparator: false,
    interpolation: { escapeValue: false, defaultVariables: names },
    resources: Object.fromEntries([...LOCALES].map(([lang, { words }]) => [lang, { translation: words }])),
  });
  void i18n.init();
  const speeches = new Map(LANGS.map((lang) => [lang, speech(lang, i18n)]));
  return (lang) => speeches.get(lang) ?? unknown(lang);
}

function speech(lang: Lang, i18n: i18n): Speech {
  const translate = i18n.getFixedT(lang);
  const { region } = localeOf(lang);
  const numbers = new Intl.NumberFormat(region);
  const months = new Intl.DateTimeFormat(region, { timeZone: 'UTC', month: 'long', year: 'numeric' });
  const hours = new Intl.DateTimeFormat(region, { timeZone: 'Europe/Paris', hour: '2-digit', minute: '2-digit' });
  const wholeDay = wholeDays(region);
  const dateInWords = (day: Day): string => {
    const [year = 0, month = 0, number = 0] = day.split('-').map(Number);
    if (month === 0) return String(year);
    if (number === 0) return months.format(Date.UTC(year, month - 1));
    const words = wholeDay(year, month, number).replace(/^(\d+\.?) /, '$1\u00a0');
    return lang === 'fr' ? words.replace(/^1\u00a0/, '1er\u00a0') : words;
  };

  const sentences = new Map<string, string>();
  let lastMinute = Number.NaN;
  let lastTime = '';
  return {
    t: (key, params) =>
      params === undefined
        ? remember(sentences, key, () => translate(key))
        : remember(sentences, key + JSON.stringify(params), () => translate(key, { ...params })),
    number: (value) => numbers.format(value),
    date: dateInWords,
    time(instant) {
      const minute = Math.floor(instant.getTime() / 60_000);
      if (minute !== lastMinute) {
        lastTime = hours.format(instant);
        lastMinute = minute;
      }
      return lastTime;
    },
  };
}

/**
 * A day in words: what Intl says of the month, with the two numbers put in. Intl itself takes as long for one date as the
 * rest of its page does, and a birth date's words are not to be remembered.
 */
function wholeDays(region: string): (year: number, month: number, day: number) => string {
  const format = new Intl.DateTimeFormat(region, { timeZone: 'UTC', dateStyle: 'long' });
  const { calendar, numberingSystem } = format.resolvedOptions();
  if (calendar !== 'gregory' || numberingSystem !== 'latn') {
    return (year, month, day) => format.format(Date.UTC(year, month - 1, day));
  }
  const months = Array.from({ length: 12 }, (_, month) => format.formatToParts(Date.UTC(2000, month, 1)));
  return (year, month, day) => {
    const put = { year: String(year), day: String(day) };
    const parts = months[month - 1] ?? [];
    return parts.map(({ type, value }) => (type === 'year' || type === 'day' ? put[type] : value)).join('');
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

/** The language of an answer: what `?lang=` says, else the reader's preferred one among ours, else the first. */
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
  let best = FIRST;
  let bestQuality = 0;
  for (const range of acceptLanguage.toLowerCase().split(',')) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim());
    const lang = tag === '*' ? FIRST : LANGS.find((ours) => tag === ours || tag.startsWith(`${ours}-`));
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
