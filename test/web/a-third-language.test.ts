/** A language is one file: laid into a copy of this checkout, it is offered, negotiated and spoken. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const SCRIPT = `
import { negotiateLang, LANGS } from './src/web/i18n.ts';
import { departmentChoices } from './src/web/present.ts';
import { createPages } from './src/web/pages.ts';
const pages = createPages({ viewsDir: './views', publicDir: './public' });
const { lang } = negotiateLang(undefined, 'de-AT, en;q=0.5');
const html = pages.render('privacy', {}, { lang, explicitLang: false, path: '/privacy', simulated: false });
console.log(JSON.stringify({ LANGS, lang, html, last: departmentChoices(lang).at(-1) }));
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'paraphe-lang-'));
  for (const part of ['src', 'views', 'public', 'package.json'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const german = JSON.parse(readFileSync(join(folder, 'views/locales/en.json'), 'utf8'));
  german.language = { name: 'Deutsch', region: 'de-DE', abroad: 'Im Ausland' };
  german.privacy.title = 'Datenschutz';
  writeFileSync(join(folder, 'views/locales/de.json'), JSON.stringify(german));
  writeFileSync(join(folder, 'speak.ts'), SCRIPT);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a file in views/locales is a language, and nothing else needs to know', () => {
  const { LANGS, lang, html, last } = JSON.parse(
    execFileSync(process.execPath, ['speak.ts'], { cwd: folder, encoding: 'utf8' }),
  );
  expect(LANGS).toEqual(['fr', 'de', 'en']);
  expect(lang).toBe('de');
  expect(html).toContain('<html lang="de">');
  expect(html).toContain('<h1>Datenschutz</h1>');
  const links = [...html.matchAll(/hreflang="(\w+)"[^>]*>([^<]+)</g)].map(([, code, name]) => `${code} ${name}`);
  expect(links).toEqual(['fr Français', 'de Deutsch', 'en English']);
  expect(last).toEqual({ code: '99', name: 'Im Ausland' });
});
