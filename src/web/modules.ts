/**
 * The gateway's own modules, as browsers run them: the source that everyone reads, its types stripped, file by file at
 * their places, with the modules of packages that it imports. No bundler stands between what was audited and what runs.
 * The hash of all of it stands in the address, so that a browser keeps it for ever and never mixes two versions.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative } from 'node:path';

export type Modules = {
  /** By URL path, licences included. */
  readonly files: ReadonlyMap<string, { readonly body: Buffer; readonly hash: string; readonly type: string }>;
  /** The address of the module that was asked for. */
  readonly entry: string;
};

const SRC = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

/** An import or re-export at the beginning of a line; what a comment shows is indented or starred. */
const IMPORT = /^((?:import|export)\b(?:[\w$*,{}\s]*?\bfrom)?\s*)(['"])([^'"]+)\2/gm;

const loaded = new Map<string, Modules>();

/** A process serves the one version of itself: what was loaded once is that. @param entry a module's path below `src/` */
export function loadModules(entry: string): Modules {
  const modules = loaded.get(entry) ?? load(entry);
  loaded.set(entry, modules);
  return modules;
}

function load(entry: string): Modules {
  const texts = new Map<string, string>();
  const waiting = [join(SRC, entry)];
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const place = placeOf(file);
    if (texts.has(place)) continue;
    const from = file;
    const source = from.endsWith('.ts') ? stripTypes(readFileSync(from, 'utf8')) : readFileSync(from, 'utf8');
    const text = source.replace(IMPORT, (_all, head: string, quote: string, specifier: string) => {
      const target = specifier.startsWith('.') ? join(dirname(from), specifier) : require.resolve(specifier);
      waiting.push(target);
      return `${head}${quote}${relativeUrl(place, placeOf(target))}${quote}`;
    });
    texts.set(place, text);
    const licence = licenceOf(from);
    if (licence !== undefined) texts.set(placeOf(licence), readFileSync(licence, 'utf8'));
  }
  return addressed(texts, placeOf(join(SRC, entry)));
}

function addressed(texts: ReadonlyMap<string, string>, entry: string): Modules {
  const sorted = [...texts].sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
  const url = (place: string) => `/assets/modules/${hash}/${place}`;
  const files = sorted.map(([place, text]) => {
    const type = place.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/plain; charset=utf-8';
    return [url(place), { body: Buffer.from(text), hash, type }] as const;
  });
  return { files: new Map(files), entry: url(entry) };
}

/** Where a file is served, relative to the modules' address: our own below it as below `src/`, others below `packages/`. */
function placeOf(file: string): string {
  const [, inPackage] = file.split(/\/node_modules\/(?!.*\/node_modules\/)/);
  return inPackage === undefined ? relative(SRC, file).replace(/\.ts$/, '.js') : `packages/${inPackage}`;
}

function relativeUrl(from: string, to: string): string {
  const path = relative(dirname(from), to);
  return path.startsWith('.') ? path : `./${path}`;
}

/** Copies of a package go with its licence. */
function licenceOf(file: string): string | undefined {
  const [root] = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
  if (root === undefined) return undefined;
  return LICENCES.map((name) => join(root, name)).find((path) => existsSync(path));
}

const LICENCES = ['LICENSE', 'LICENSE.md'];

/** Node still calls this function experimental, and would say so on the operator's terminal at every start. */
function stripTypes(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
