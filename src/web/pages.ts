import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { Eta } from 'eta';
import { LANGS, type Lang, loadTranslations, withLang } from './i18n.ts';
import { loadModules } from './modules.ts';
import type { PageModels, PageName } from './page-models.ts';

/**
 * The pages as HTML. Everything is read and compiled when this is made: rendering opens no file and knows no request.
 * Templates escape all they print, but a statement's HTML, which is rendered without any markup of its author's.
 */
export type PageContext = {
  lang: Lang;
  /** True when `?lang=` chose it: links and forms then carry it on. */
  explicitLang: boolean;
  /** The current path without `lang`, for the language switch; it may hold a query. */
  path: string;
  /** The identity provider is the simulator: every page says so. */
  simulated: boolean;
};

type Asset = { body: Buffer; type: string; etag: string };

export type Pages = {
  render<N extends PageName>(name: N, model: PageModels[N], context: PageContext): string;
  /** One sentence outside a page, for answers that are not HTML. */
  text(lang: Lang, key: string): string;
  /** By URL path. Names hold a hash of the content: they may be cached for ever. */
  assets: ReadonlyMap<string, Asset>;
};

type PagesOptions = {
  viewsDir: string;
  publicDir: string;
  siteName?: string;
  /** Who identifies people, as sentences name it. FranceConnect's button and explanation are for FranceConnect alone. */
  provider?: { name: string; isFranceConnect: boolean };
  /** Where the program's source can be read; without it the footer links to none. */
  sourceUrl?: string;
};

const ASSET_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const FRANCECONNECT = { name: 'FranceConnect', isFranceConnect: true };

export function createPages(options: PagesOptions): Pages {
  const { viewsDir, publicDir, siteName = 'Paraphe', provider = FRANCECONNECT, sourceUrl } = options;
  const eta = compileTemplates(viewsDir);
  const speech = loadTranslations(join(viewsDir, 'locales'), { site: siteName, provider: provider.name });
  const { assets, urls } = loadAssets(publicDir);
  const asset = (file: string): string => {
    const url = urls.get(file);
    if (url === undefined) throw new Error(`No asset ${file} in ${publicDir}`);
    return url;
  };
  const helpersFor = (lang: Lang, explicitLang: boolean) => ({
    ...speech[lang],
    lang,
    explicitLang,
    langs: LANGS,
    siteName,
    isFranceConnect: provider.isFranceConnect,
    sourceUrl,
    asset,
    href: explicitLang ? (path: string) => withLang(path, lang) : (path: string) => path,
  });
  const helpers = {
    fr: { negotiated: helpersFor('fr', false), explicit: helpersFor('fr', true) },
    en: { negotiated: helpersFor('en', false), explicit: helpersFor('en', true) },
  };

  // A list of a hundred choices is most of its page, and is one of a few that never change.
  const optionLists = new WeakMap<object, string>();
  const optionsOf = (choices: readonly { code: string; name: string }[], chosen?: string): string => {
    const html = optionLists.get(choices) ?? eta.render('@partials/options', { choices });
    optionLists.set(choices, html);
    const isChoice = choices.some(({ code }) => code === chosen);
    return isChoice ? html.replace(`value="${chosen}"`, '$& selected') : html;
  };

  return {
    assets,
    text: (lang, key) => speech[lang].t(key),
    render(name, model, { lang, explicitLang, path, simulated }) {
      const here = localPath(path);
      return eta.render(`@${name}`, {
        ...helpers[lang][explicitLang ? 'explicit' : 'negotiated'],
        langHref: (other: Lang) => withLang(here, other),
        simulated,
        optionsOf,
        model,
      });
    },
  };
}

/** Compiles each page and each `partials/` under its path with an `@`, by which eta knows that there is no file to look for. */
function compileTemplates(viewsDir: string): Eta {
  const eta = new Eta({ cache: true });
  for (const folder of ['', 'partials/']) {
    for (const file of readdirSync(join(viewsDir, folder))) {
      if (extname(file) !== '.eta') continue;
      const template = readFileSync(join(viewsDir, folder, file), 'utf8').replace(/^[ \t]+/gm, ' '); // indented for us alone
      eta.loadTemplate(`@${folder}${basename(file, '.eta')}`, template);
    }
  }
  return eta;
}

function loadAssets(publicDir: string) {
  const assets = new Map<string, Asset>();
  const urls = new Map<string, string>();
  for (const file of readdirSync(publicDir)) {
    const extension = extname(file);
    const type = ASSET_TYPES[extension];
    if (type === undefined) continue;
    const source = readFileSync(join(publicDir, file));
    const body = extension === '.css' ? Buffer.from(withoutSpace(source.toString('utf8'))) : source;
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
    const url = `/assets/${basename(file, extension)}.${hash}${extension}`;
    assets.set(url, { body, type, etag: `"${hash}"` });
    urls.set(file, url);
  }
  const verifier = loadModules('verifier/page.ts');
  for (const [url, { body, type, hash }] of verifier.files) assets.set(url, { body, type, etag: `"${hash}"` });
  urls.set('verifier', verifier.entry);
  return { assets, urls };
}

/** A stylesheet without its comments and indentation, which are a quarter of it. */
function withoutSpace(css: string): string {
  const plain = css.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\s+/g, ' ');
  return plain.replace(/ ?([{};,]) ?/g, '$1').trim();
}

/** A request for `//example.org/` must not make the language switch a link to example.org. */
function localPath(path: string): string {
  return path.replace(/^[/\\]*/, '/');
}
