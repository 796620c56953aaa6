/** The formats and the fold run in a browser too: no `node:` module, no Buffer, no clock, no chance, no store. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '../../src');
const files = [
  ...globSync('tlog/*.ts', { cwd: SRC }),
  ...['entry', 'figures', 'fold', 'nym-table', 'signed'].map((name) => `log/${name}.ts`),
  'person/nym.ts',
  ...globSync('audit/*.ts', { cwd: SRC }),
];
const sources = files.map((file) => ({ file, source: readFileSync(join(SRC, file), 'utf8') }));

test('the formats import each other and nothing else', () => {
  const imports = sources
    .filter(({ file }) => file.startsWith('tlog/'))
    .flatMap(({ source }) => [...source.matchAll(/ from '([^']+)'/g)].map(([, target]) => target));
  expect(imports.filter((target) => !/^\.\/[a-z0-9-]+\.ts$/.test(target ?? ''))).toEqual([]);
});

test('the entries and the fold import the formats, the calendar, and nyms', () => {
  const imports = sources
    .filter(({ file }) => file.startsWith('log/'))
    .flatMap(({ source }) => [...source.matchAll(/^(import.*|} from .*)$/gm)].map(([line]) => line))
    .filter((line) => line.includes('../'));
  const allowed = [/'\.\.\/tlog\//, /'\.\.\/clock\.ts'/, /'\.\.\/person\/nym\.ts'/];
  expect(imports.filter((line) => !allowed.some((one) => one.test(line)))).toEqual([]);
});

test('nothing in them is Node’s alone, or differs between two runs', () => {
  const foreign = /'node:|\bBuffer\b|\bprocess\b|\brequire\(|Date\.now|new Date|Math\.random|\bcrypto\./;
  expect(sources.filter(({ source }) => foreign.test(source)).map(({ file }) => file)).toEqual([]);
});
