import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { Eta } from 'eta';
import { type Brand, PLAIN, type Texts } from '../brand/brand.ts';
import { withColours } from '../brand/palette.ts';
import { LANGS, type Lang, loadTranslations, localeOf, type Speech, withLang } from './i18n.ts';
import { loadModules } from './modules.ts';
import type { PageModels, PageName } from './page-models.ts';
import { departmentChoices, renderMarkdown } from './present.ts';
import { Skeletons } from './skeletons.ts';
import { drawWhoSeesWhat } from './who-sees-what.ts';

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
  /** The same in UTF-8, for one person: `own` are the words that nobody else's page has. */
  renderPersonal<N extends PageName>(
    name: N,
    model: PageModels[N],
    context: PageContext,
    own: readonly string[],
  ): Buffer;
  /** Words outside a page, or for its model. */
  speechOf(lang: Lang): Speech;
  /** By URL path. Names hold a hash of the content: they may be cached for ever. */
  assets: ReadonlyMap<string, Asset>;
};

type PagesOptions = {
  viewsDir: string;
  publicDir: string;
  brand?: Brand;
  /** Who identifies people, as sentences name it. FranceConnect's button and explanation are for FranceConnect alone. */
  provider?: { name: string; isFranceConnect: boolean };
};

const ASSET_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

const FRANCECONNECT = { name: 'FranceConnect', isFranceConnect: true };

export function createPages(options: PagesOptions): Pages {
  const { viewsDir, publicDir, brand = PLAIN, provider = FRANCECONNECT } = options;
  const eta = compileTemplates(viewsDir);
  const speechOf = loadTranslations({ site: brand.name, provider: provider.name });
  const { assets, urls } = loadAssets(publicDir, brand);
  const asset = (file: string): string => {
    const url = urls.get(file);
    if (url === undefined) throw new Error(`No asset ${file} in ${publicDir}`);
    return url;
  };
  const langs = LANGS.map((lang) => ({ lang, name: localeOf(lang).name }));
  // A list of a hundred choices is half of its page.
  const optionLists = new Map(
    LANGS.map((lang) => [lang, eta.render('@partials/options', { choices: departmentChoices(lang) })]),
  );
  const departmentOptions = (lang: Lang) => (chosen?: string) => {
    const html = optionLists.get(lang) ?? '';
    const isChoice = departmentChoices(lang).some(({ code }) => code === chosen);
    return isChoice ? html.replace(`value="${chosen}"`, '$& selected') : html;
  };

  const helpersFor = (lang: Lang, explicitLang: boolean) => ({
    ...speechOf(lang),
    lang,
    explicitLang,
    langs,
    brand: {
      name: brand.name,
      logo: urls.get(LOGO),
      operator: brand.operator,
      source: brand.source,
      footer: textIn(brand.footer, lang),
      notices: textIn(brand.notices, lang),
      controller: textIn(brand.controller, lang),
    },
    isFranceConnect: provider.isFranceConnect,
    asset,
    drawWhoSeesWhat,
    departmentOptions: departmentOptions(lang),
    href: explicitLang ? (path: string) => withLang(path, lang) : (path: string) => path,
  });
  const helpers = new Map(
    LANGS.map((lang) => [lang, { negotiated: helpersFor(lang, false), explicit: helpersFor(lang, true) }]),
  );

  const render: Pages['render'] = (name, model, { lang, explicitLang, path, simulated }) => {
    const here = localPath(path);
    return eta.render(`@${name}`, {
      ...helpers.get(lang)?.[explicitLang ? 'explicit' : 'negotiated'],
      langHref: (other: Lang) => withLang(here, other),
      simulated,
      model,
    });
  };
  const skeletons = new Skeletons(eta.config.escapeFunction);

  return {
    assets,
    render,
    renderPersonal: (name, model, context, own) =>
      skeletons.fill({ name, model, context }, own, (from) => render(name, from.model, from.context)),
    speechOf,
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

/** The operator's own logo, whatever its file is called: no asset of ours has that name. */
const LOGO = 'logo';

/** Files of ours, in the operator's colours and with their icon; their logo; the verifier's modules. */
function loadAssets(publicDir: string, brand: Brand) {
  const assets = new Map<string, Asset>();
  const urls = new Map<string, string>();
  const add = (name: string, file: string, body: Buffer) => {
    const extension = extname(file);
    const type = ASSET_TYPES[extension];
    if (type === undefined) return;
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
    const url = `/assets/${basename(file, extension)}.${hash}${extension}`;
    assets.set(url, { body, type, etag: `"${hash}"` });
    urls.set(name, url);
  };
  for (const file of readdirSync(publicDir)) {
    const body = readFileSync(join(publicDir, file));
    add(
      file,
      file,
      extname(file) === '.css' ? Buffer.from(withoutSpace(withColours(body.toString(), brand.colours))) : body,
    );
  }
  if (brand.icon !== undefined) add('icon.svg', brand.icon.file, brand.icon.body);
  if (brand.logo !== undefined) add(LOGO, brand.logo.file, brand.logo.body);
  const verifier = loadModules('verifier/page.ts');
  for (const [url, { body, type, hash }] of verifier.files) assets.set(url, { body, type, etag: `"${hash}"` });
  urls.set('verifier', verifier.entry);
  return { assets, urls };
}

/** A text of the operator's as HTML, without any markup but Markdown's, and the language that it is in. */
function textIn(texts: Texts | undefined, lang: Lang): { lang: Lang; html: string } | undefined {
  const [first] = Object.entries(texts ?? {});
  if (texts === undefined || first === undefined) return undefined;
  const own = texts[lang];
  return own === undefined ? { lang: first[0], html: renderMarkdown(first[1]) } : { lang, html: renderMarkdown(own) };
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
