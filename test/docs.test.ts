/** The documents are held to the code: what they list is all there is, and what they show runs. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import packageLock from '../package-lock.json' with { type: 'json' };
import { readBrand } from '../src/brand/brand.ts';
import { COLOURS } from '../src/brand/palette.ts';
import { parseDay } from '../src/clock.ts';
import { explainConfig } from '../src/config.ts';
import { type Nym, nymFromBytes } from '../src/person/nym.ts';
import { parsePetitionFile } from '../src/petitions/petition-file.ts';
import { computeReceipt } from '../src/receipt/compute.ts';
import { generateReceiptKeys, loadReceiptKeys } from '../src/receipt/keys.ts';
import { is } from '../src/storage/drizzle.ts';
import { createKeys } from '../src/storage/key-folder.ts';
import { getTableConfig, SQLiteTable } from '../src/storage/sqlite/drizzle.ts';
import * as journeySchema from '../src/storage/sqlite/journey-schema.ts';
import * as schema from '../src/storage/sqlite/schema.ts';
import english from '../views/locales/en.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '..');
const DOCUMENTS = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT }).sort();

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The names in code font in the first cell of each row of every table. */
function named(markdown: string): string[] {
  const cells = [...markdown.matchAll(/^\|(.*?)(?<!\\)\|/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

/** What stands under a heading, up to the next one of its level or above. */
function section(markdown: string, heading: string): string {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '').startsWith(heading));
  if (start === -1) return '';
  const level = lines[start]!.indexOf(' ');
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line) && line.indexOf(' ') <= level);
  return lines.slice(start, length === -1 ? undefined : start + 1 + length).join('\n');
}

function codeBlock(markdown: string, language: string): string {
  return new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(markdown)?.[1] ?? '';
}

describe('README.md', () => {
  const readme = read('README.md');

  test('holds the two commands', () => {
    expect(readme).toMatch(/^npm ci && npm start\b/m);
    expect(readme).toMatch(/^npm cit\b/m);
  });

  test('names every command', () => {
    const usage = execFileSync(process.execPath, [join(ROOT, 'bin/paraphe.js'), 'help'], { encoding: 'utf8' });
    const commands = [...usage.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
    expect(commands).toContain('serve');
    const listed = named(section(readme, 'Commands')).map((text) => text.split(' ')[0]);
    expect(new Set(listed)).toEqual(new Set(commands));
  });

  test('shows where every folder of src is', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${name}/`);
    const map = codeBlock(section(readme, 'Where things are'), '');
    expect(folders.filter((folder) => !map.includes(` ${folder}`))).toEqual([]);
  });
});

describe('links', () => {
  test.each(DOCUMENTS)('every relative link of %s leads to a file', (document) => {
    const text = read(document).replace(/^```[\s\S]*?^```/gm, '');
    const links = [
      ...[...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link),
      ...[...text.matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link),
    ];
    const local = links.filter((link) => !/^[a-z]+:|^#/.test(link));
    const target = (link: string) => join(ROOT, dirname(document), link.split('#')[0] ?? '');
    expect(local.filter((link) => !existsSync(target(link)))).toEqual([]);
  });

  test('every script that a document runs is there', () => {
    const scripts = DOCUMENTS.flatMap((document) =>
      [...read(document).matchAll(/npm run (?:-s )?([a-z][a-z:]*)/g)].map(([, name = '']) => ({ document, name })),
    );
    expect(scripts.filter(({ name }) => !(name in packageJson.scripts))).toEqual([]);
  });
});

describe('docs/privacy.md', () => {
  const privacy = read('docs/privacy.md');
  const tables = [...Object.values(schema), ...Object.values(journeySchema)]
    .filter((value) => is(value, SQLiteTable))
    .map((table) => getTableConfig(table));

  test.each(tables.map(({ name, columns }) => [name, columns.map((column) => column.name)] as const))(
    'lists the columns of %s, all of them and no other',
    (name, columns) => {
      expect(named(section(privacy, `\`${name}\``))).toEqual(columns);
    },
  );

  test('lists the files of the key folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'paraphe-'));
    createKeys(join(folder, 'keys'), 'localhost/log');
    const files = readdirSync(join(folder, 'keys'));
    rmSync(folder, { recursive: true });
    expect(named(section(privacy, 'The key folder')).sort()).toEqual(files.sort());
  });

  test('the consent’s wording of today stands in the CHANGELOG', () => {
    expect(read('CHANGELOG.md')).toContain(`Consent wording, version ${english.consent.version}.`);
  });
});

describe('docs/operate.md', () => {
  const operate = read('docs/operate.md');

  test('explains every variable, and no other', () => {
    const variables = explainConfig({}).map(({ name }) => name);
    const listed = named(section(operate, 'Variables')).filter((name) => /^[A-Z_]+$/.test(name));
    expect(listed.sort()).toEqual([...variables].sort());
  });

  test('shows a brand that is accepted', () => {
    const folder = mkdtempSync(join(tmpdir(), 'paraphe-'));
    writeFileSync(join(folder, 'brand.yaml'), codeBlock(operate, 'yaml'));
    for (const image of ['logo.svg', 'icon.svg']) writeFileSync(join(folder, image), '<svg/>');
    const brand = readBrand(folder);
    rmSync(folder, { recursive: true });
    // All that there is: what is not shown nobody finds.
    expect(Object.entries(brand).filter(([, value]) => value === undefined)).toEqual([]);
  });

  test('names every colour that can be chosen', () => {
    for (const name of COLOURS) expect(section(operate, 'Your name on it')).toContain(`\`${name}\``);
  });

  test('shows a petition that can be opened', () => {
    const petition = parsePetitionFile(codeBlock(operate, 'markdown'), 'operate.md');
    expect(petition).toMatchObject({ slug: 'pistes-cyclables', min_age: 16, departments: true });
  });
});

describe('docs/witnesses.md', () => {
  test('explains every way in which a witness fails', () => {
    const union = /export type FailureReason =([\s\S]*?);/.exec(read('src/log/witnesses.ts'))?.[1] ?? '';
    const reasons = [...union.matchAll(/\| '([a-z-]+)'/g)].map(([, reason = '']) => reason);
    expect(reasons).toContain('ahead');
    expect(named(section(read('docs/witnesses.md'), 'What the gateway says')).sort()).toEqual(
      expect.arrayContaining(reasons.sort()),
    );
  });
});

describe('docs/integrate.md', () => {
  const integrate = read('docs/integrate.md');

  test('lists every public address of JSON', () => {
    const routes = [...read('src/web/server.ts').matchAll(/app\.get\('(\/(?:api|\.well-known)\/[^']*)'/g)];
    expect(routes.length).toBeGreaterThan(0);
    const listed = named(section(integrate, 'The JSON')).filter((name) => name.startsWith('/'));
    expect(listed.sort()).toEqual(routes.map(([, path = '']) => path).sort());
  });

  test('lists every code of the verifier', () => {
    const codes = [...read('src/receipt/receipt-error.ts').matchAll(/\| '([a-z-]+)'/g)].map(([, code = '']) => code);
    const listed = named(integrate).filter((name) => codes.includes(name));
    expect(listed.sort()).toEqual(codes.sort());
  });

  test('shows code that verifies a receipt, and tells a wrong one', async () => {
    const example = codeBlock(integrate, 'js');
    const folder = mkdtempSync(join(tmpdir(), 'paraphe-'));
    const keys = await loadReceiptKeys(generateReceiptKeys());
    const nym = nymFromBytes(new Uint8Array(32).fill(7));
    const run = async (petition: string) => {
      writeFileSync(join(folder, 'receipt.jwt'), await receiptOf(keys, petition, nym));
      return execFileSync(process.execPath, ['site.ts'], { cwd: folder, encoding: 'utf8' });
    };
    writeFileSync(join(folder, 'jwks.json'), JSON.stringify(keys.jwks));
    writeFileSync(join(folder, 'site.ts'), example.replace('paraphe/verify', join(ROOT, 'src/receipt/verify.ts')));
    try {
      expect(await run('01m7k9sch6k0rxc1vw3v2ry0yr')).toMatch(new RegExp(`^${nym} signed (00){32} on 2026-07-14\n$`));
      expect(await run('01m7190bh415aw503vg2w9zvnc')).toBe('refused: wrong-petition\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function receiptOf(keys: Awaited<ReturnType<typeof loadReceiptKeys>>, petition: string, nym: Nym): string {
  return computeReceipt(keys, {
    issuer: 'https://petitions.example.org',
    petition,
    statementHash: new Uint8Array(32),
    nym,
    day: parseDay('2026-07-14')!,
    department: undefined,
    log: { origin: 'petitions.example.org/log', index: 7 },
  });
}

describe('docs/decisions', () => {
  const decisions = readdirSync(join(ROOT, 'docs/decisions')).sort();

  test('are numbered without a gap', () => {
    expect(decisions.map((file) => file.slice(0, 4))).toEqual(
      decisions.map((_, index) => String(index + 1).padStart(4, '0')),
    );
  });

  test.each(decisions)('%s says context, decision and consequences, under its number', (file) => {
    const text = read(join('docs/decisions', file));
    expect(text).toMatch(new RegExp(`^# ${file.slice(0, 4)}: `));
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
      'Context',
      'Decision',
      'Consequences',
    ]);
  });

  test('0001 defends every dependency, and no other', () => {
    const { dependencies, devDependencies } = packageJson;
    const all = [...Object.keys(dependencies), ...Object.keys(devDependencies)];
    expect(named(read('docs/decisions/0001-dependencies.md')).sort()).toEqual(all.sort());
  });
});

describe('package-lock.json', () => {
  const packages: readonly [string, { version?: string; resolved?: string }][] = Object.entries(packageLock.packages);

  /** Every installed version of a package, at whatever depth. */
  function versionsOf(name: string): number[][] {
    return packages
      .filter(([path]) => path.endsWith(`node_modules/${name}`))
      .map(([, { version = '' }]) => version.split('.').map(Number));
  }

  function isAtLeast(version: readonly number[], floor: readonly number[]): boolean {
    const at = floor.findIndex((part, index) => part !== version[index]);
    return at === -1 || (version[at] ?? -1) > (floor[at] ?? 0);
  }

  /** The lowest version without a known hole that concerns us. */
  test.each([
    ['node', '24.18.1', 'Node’s security releases of July 2026'],
    ['oidc-provider', '9.11.4', 'redirect addresses compared exactly, compact JWTs decoded strictly'],
    ['path-to-regexp', '8.4.0', 'CVE-2026-4926'],
    ['qs', '6.14.2', 'CVE-2025-15284, CVE-2026-2391'],
    ['body-parser', '2.2.1', 'CVE-2025-13466'],
  ])('%s is at least %s: %s', (name, floor) => {
    const wanted = floor.split('.').map(Number);
    expect(versionsOf(name)).not.toEqual([]);
    expect(versionsOf(name).filter((version) => !isAtLeast(version, wanted))).toEqual([]);
  });

  test.each([
    ['openid-client', 6],
    ['jose', 6],
    ['better-sqlite3', 13],
  ])('%s is of version %i, the one that is mended', (name, major) => {
    expect(versionsOf(name).map(([first]) => first)).toEqual([major]);
  });

  test('the floors bite', () => {
    expect(isAtLeast([24, 18, 1], [24, 18, 1])).toBe(true);
    expect(isAtLeast([24, 21, 0], [24, 18, 1])).toBe(true);
    expect(isAtLeast([24, 18, 0], [24, 18, 1])).toBe(false);
    expect(isAtLeast([22, 23, 2], [24, 18, 1])).toBe(false);
  });

  test('SQLite itself is at least 3.51.3', () => {
    const database = new Database(':memory:');
    const version = database.prepare('SELECT sqlite_version()').pluck().get() as string;
    database.close();
    expect(isAtLeast(version.split('.').map(Number), [3, 51, 3])).toBe(true);
  });

  test('holds no download address: packages come from wherever npm is told to take them', () => {
    expect(packages.filter(([, { resolved = '' }]) => resolved.startsWith('http')).map(([path]) => path)).toEqual([]);
  });

  test('names the packages of every platform, without which `npm ci` refuses it', () => {
    const paths = new Set(packages.map(([path]) => path));
    const missing = packages.flatMap(([path, entry]) => {
      const optional = (entry as { optionalDependencies?: Record<string, string> }).optionalDependencies ?? {};
      return Object.keys(optional).filter((name) => !isInstalledFor(paths, path, name));
    });
    expect(missing).toEqual([]);
  });

  /** Whether a package finds another by Node's own search: in its folder, and in each above. */
  function isInstalledFor(paths: ReadonlySet<string>, from: string, name: string): boolean {
    for (let folder = from; ; folder = dirname(folder)) {
      if (paths.has(join(folder, 'node_modules', name))) return true;
      if (folder === '.') return false;
    }
  }
});
