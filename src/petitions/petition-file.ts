/**
 * A petition as its operator writes it: front matter (YAML) between two lines of `---`, then the statement in Markdown.
 * This is the border where it becomes a domain value: whatever is wrong is said field by field, and nothing is opened.
 */
import { parse } from 'yaml';
import { z } from 'zod';
import { parseDay } from '../clock.ts';
import { SetupError } from '../errors.ts';
import { DEPARTMENTS } from './department.ts';
import { SLUG } from './petition.ts';
import { makeStatement, type Statement } from './statement.ts';

const TEXT_LIMIT = 100_000;

/**
 * Control characters (but line ends and tabs), and those that turn the order of what is read (Unicode Bidirectional
 * Algorithm, UAX #9: embeddings, overrides, isolates): a text that is signed reads the same to everyone.
 */
const UNREADABLE = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;

/** Text that stays on its line and reads in one direction. */
const line = z
  .string()
  .trim()
  .regex(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u, 'one line, without control characters');

const threshold = z.strictObject({
  signatures: z.int().min(1).max(1_000_000_000),
  departments: z.int().min(1).max(DEPARTMENTS.size).optional(),
  label: z
    .record(z.string().regex(/^[a-z]{2}$/, 'a language, for example `fr`'), line.min(3).max(160))
    .refine((label) => 'fr' in label, 'in French at least'),
});

/** What a petition states, or an operator's default for those that state none. */
export const thresholds = z.array(threshold).max(5).refine(isRising, 'in rising order of signatures').readonly();

const frontMatter = z.strictObject({
  slug: z.string().max(80).regex(SLUG, 'lower-case letters, digits and single hyphens, for example `jardins-partages`'),
  title: line.min(5).max(200),
  author: line.min(2).max(120).optional(),
  closes: z
    .string()
    .transform((text, context) => {
      const day = parseDay(text);
      if (day === undefined) context.addIssue({ code: 'custom', message: 'a day that exists, YYYY-MM-DD' });
      return day ?? z.NEVER;
    })
    .optional(),
  min_age: z.int().min(0).max(120),
  departments: z.boolean(),
  acr: z.string().max(200).optional(),
  thresholds: thresholds.optional(),
});

function isRising(thresholds: readonly { signatures: number }[]): boolean {
  return thresholds.every(({ signatures }, i) => signatures > (thresholds[i - 1]?.signatures ?? 0));
}

export type PetitionFile = Omit<z.infer<typeof frontMatter>, 'title'> & { readonly statement: Statement };

/** @throws SetupError with one line for each thing that is wrong */
export function parsePetitionFile(source: string, name: string): PetitionFile {
  const text = source.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const parts = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text);
  if (parts === null) throw new SetupError(`${name}: starts with no front matter (a line ---, fields, a line ---)`);
  const [, head = '', body = ''] = parts;
  if (body.trim() === '') throw new SetupError(`${name}: has no statement below its front matter`);
  if (body.length > TEXT_LIMIT) throw new SetupError(`${name}: its statement is longer than ${TEXT_LIMIT} characters`);
  if (UNREADABLE.test(body) || !body.isWellFormed()) {
    throw new SetupError(`${name}: its statement is not plain text (control characters, or half of one)`);
  }
  const result = frontMatter.safeParse(parseYaml(head, name));
  if (!result.success) {
    const wrong = result.error.issues.map(({ path, message }) => `${path.join('.') || 'front matter'}: ${message}`);
    throw new SetupError(`${name}: ${wrong.join('; ')}`);
  }
  const { title, ...rules } = result.data;
  if (!rules.departments && rules.thresholds?.some(({ departments }) => departments !== undefined)) {
    throw new SetupError(`${name}: thresholds: one counts départements, and the petition asks for none`);
  }
  return { ...rules, statement: makeStatement(title, body) };
}

function parseYaml(head: string, name: string): unknown {
  try {
    return parse(head, { logLevel: 'error' });
  } catch (error) {
    const [why = ''] = error instanceof Error ? error.message.split(':\n') : [];
    throw new SetupError(`${name}: its front matter is not YAML (${why})`);
  }
}
