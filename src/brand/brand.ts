/**
 * Whose site it is: name, logo, colours, notices and footer, from a folder that the operator keeps. `brand.yaml` stands in
 * it, with the images that it names. All of it is read and checked once, at the start: what is wrong is said line by line.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { SetupError } from '../errors.ts';
import { thresholds } from '../petitions/petition-file.ts';
import type { Threshold } from '../petitions/threshold.ts';
import { type Choices, COLOURS, contrastFaults, withColours } from './palette.ts';

/** Markdown, by language; where one is missing, the first that is there is shown, and says its language. */
export type Texts = Readonly<Record<string, string>>;
export type Image = { readonly file: string; readonly body: Buffer };

export type Brand = {
  readonly name: string;
  /** Instead of the name in words, which it then carries as its alternative. */
  readonly logo: Image | undefined;
  readonly icon: Image | undefined;
  readonly colours: Choices;
  /** Who runs the site, and where they are reached: `mailto:` or `https:`. */
  readonly operator: { readonly name: string; readonly contact: string } | undefined;
  /** Where the program's source, as it runs here, can be read. */
  readonly source: string | undefined;
  /** Of petitions that are opened under it and state none. */
  readonly thresholds: readonly Threshold[];
  /** The foot of every page; legal notices (`/transparency`); the controller, its legal basis and its officer (`/privacy`). */
  readonly footer: Texts | undefined;
  readonly notices: Texts | undefined;
  readonly controller: Texts | undefined;
};

/** Nobody's: it names no operator, and bears no insignia. */
export const PLAIN: Brand = {
  name: 'Paraphe',
  logo: undefined,
  icon: undefined,
  colours: {},
  operator: undefined,
  source: undefined,
  thresholds: [],
  footer: undefined,
  notices: undefined,
  controller: undefined,
};

const STYLESHEET = join(import.meta.dirname, '..', '..', 'public', 'style.css');
/** Every page loads it. */
const IMAGE_LIMIT = 20_000;

const line = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u, 'one line, without control characters');
const texts = (most: number) =>
  z
    .record(z.string().regex(/^[a-z]{2,3}$/, 'a language, as `fr`'), z.string().trim().min(1).max(most))
    .refine((given) => Object.keys(given).length > 0, 'in one language at least')
    .optional();
const image = z
  .string()
  .regex(/^[\w-]+\.(svg|png)$/, 'an .svg or .png file in the folder')
  .optional();
const colour = z
  .string()
  .regex(/^#[0-9a-f]{6}$/, 'a colour such as "#0b5d3b", in quotes')
  .optional();
const palette = z.strictObject(Object.fromEntries(COLOURS.map((name) => [name, colour]))).optional();
const address = (pattern: RegExp, example: string) =>
  z.string().refine((text) => pattern.test(text) && URL.canParse(text), `an address such as ${example}`);

const file = z.strictObject({
  name: line(40),
  logo: image,
  icon: image,
  colours: z.strictObject({ light: palette, dark: palette }).default({}),
  operator: z
    .strictObject({ name: line(120), contact: address(/^(mailto|https):/, '`mailto:petitions@example.org`') })
    .optional(),
  source: address(/^https:/, '`https://example.org/paraphe`').optional(),
  thresholds: thresholds.default([]),
  footer: texts(500),
  notices: texts(5_000),
  controller: texts(5_000),
});

/** @throws SetupError with one line for each thing that is wrong */
export function readBrand(folder: string): Brand {
  const path = join(folder, 'brand.yaml');
  const result = file.safeParse(parseYaml(readText(path), path));
  if (!result.success) {
    throw wrong(
      path,
      result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`),
    );
  }
  const { logo, icon, operator, source, footer, notices, controller, ...rest } = result.data;
  const faults = contrastFaults(withColours(readFileSync(STYLESHEET, 'utf8'), rest.colours));
  if (faults.length > 0) throw wrong(path, faults);
  return {
    ...rest,
    ...{ operator, source, footer, notices, controller },
    logo: readImage(folder, 'logo', logo),
    icon: readImage(folder, 'icon', icon),
  };
}

function wrong(path: string, lines: readonly string[]): SetupError {
  return new SetupError(lines.map((one) => `BRAND ${path}: ${one}.`).join('\n'));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw wrong(path, [`cannot be read (${reason(error)})`]);
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text, { logLevel: 'error' });
  } catch (error) {
    throw wrong(path, [`is not YAML (${reason(error).split(':\n')[0]})`]);
  }
}

function readImage(folder: string, field: string, name: string | undefined): Image | undefined {
  if (name === undefined) return undefined;
  const path = join(folder, name);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw wrong(path, [`is not there, and is the ${field} of brand.yaml`]);
  if (size > IMAGE_LIMIT) throw wrong(path, [`weighs ${size} bytes, more than ${IMAGE_LIMIT}: every page loads it`]);
  return { file: name, body: readFileSync(path) };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
