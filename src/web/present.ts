/** Petitions as pages and JSON show them. */
import MarkdownIt from 'markdown-it';
import { type Day, parisDay } from '../clock.ts';
import type { Figures } from '../log/figures.ts';
import { ABROAD, DEPARTMENTS } from '../petitions/department.ts';
import { lastDay, type Petition, type PetitionId, statusOf } from '../petitions/petition.ts';
import { LANGS, type Lang, localeOf } from './i18n.ts';
import type { PetitionSummary } from './page-models.ts';

/**
 * CommonMark without raw HTML, images or unsafe links: what a petition's author writes stays text. Headings start
 * below the page's own two.
 */
const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false }).disable(['image']);
markdown.core.ruler.push('lower_headings', ({ tokens }) => {
  for (const token of tokens) {
    if (token.type === 'heading_open' || token.type === 'heading_close') {
      token.tag = `h${Math.min(6, Math.max(3, Number(token.tag.slice(1)) + 1))}`;
    }
  }
});
markdown.renderer.rules.link_open = (tokens, index, options, _env, self) => {
  tokens[index]?.attrSet('rel', 'nofollow noopener noreferrer');
  return self.renderToken(tokens, index, options);
};

export function renderMarkdown(text: string): string {
  return markdown.render(text);
}

/** By petition: statements never change, and rendering them is the dearest part of a page. */
const statements = new Map<PetitionId, string>();

export function statementHtml({ id, statement }: Petition): string {
  const html = statements.get(id) ?? renderMarkdown(statement.text);
  statements.set(id, html);
  return html;
}

export function summarise(petition: Petition, signatures: number, now: Date): PetitionSummary {
  return {
    id: petition.id,
    slug: petition.slug,
    title: petition.statement.title,
    author: petition.author,
    status: statusOf(petition, parisDay(now)),
    opened: petition.opened,
    closes: lastDay(petition),
    minAge: petition.minAge,
    departments: petition.departments,
    signatures,
  };
}

/** A petition as `GET /api/petitions` gives it. */
export function petitionJson(petition: Petition, signatures: number, now: Date) {
  return {
    id: petition.id,
    slug: petition.slug,
    title: petition.statement.title,
    status: statusOf(petition, parisDay(now)),
    statement: Buffer.from(petition.statement.hash).toString('hex'),
    opened: petition.opened,
    closes: petition.closes ?? null,
    min_age: petition.minAge,
    departments: petition.departments,
    signatures,
  };
}

/** Of a petition that nobody has signed. */
export const NO_FIGURES: Pick<Figures, 'total' | 'byDay' | 'byDepartment' | 'withdrawn' | 'invalidated'> = {
  total: 0,
  byDay: new Map(),
  byDepartment: new Map(),
  withdrawn: 0,
  invalidated: new Map(),
};

export function departmentName(code: string, lang: Lang): string {
  return code === ABROAD ? localeOf(lang).abroad : (DEPARTMENTS.get(code) ?? code);
}

/** By code, each language's once: departments, collectivities and people abroad. */
export function departmentNames(lang: Lang): ReadonlyMap<string, string> {
  return NAMES.get(lang) ?? new Map();
}

/** Southern and Antarctic Lands, Clipperton: on the list, but nobody lives there. */
const UNINHABITED = ['984', '989'];

/** Départements as a list offers them: by code, people abroad last. */
export function departmentChoices(lang: Lang): readonly { code: string; name: string }[] {
  return CHOICES.get(lang) ?? [];
}

function choices(lang: Lang): readonly { code: string; name: string }[] {
  const codes = [...DEPARTMENTS.keys()].filter((code) => !UNINHABITED.includes(code)).sort();
  return [...codes, ABROAD].map((code) => ({ code, name: departmentName(code, lang) }));
}

function names(lang: Lang): ReadonlyMap<string, string> {
  return new Map([...DEPARTMENTS.keys(), ABROAD].map((code) => [code, departmentName(code, lang)]));
}

const NAMES: ReadonlyMap<Lang, ReturnType<typeof names>> = new Map(LANGS.map((lang) => [lang, names(lang)]));
const CHOICES: ReadonlyMap<Lang, ReturnType<typeof choices>> = new Map(LANGS.map((lang) => [lang, choices(lang)]));

export function byDay(counts: ReadonlyMap<Day, number>): readonly { day: Day; count: number }[] {
  return [...counts].map(([day, count]) => ({ day, count })).sort((a, b) => (a.day < b.day ? -1 : 1));
}
