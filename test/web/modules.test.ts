/** The verifier as it is served: our own source, file by file, whole, and with nothing in it that a browser lacks. */
import { posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadModules } from '../../src/web/modules.ts';
import { startWorld, type World } from '../fakes/world.ts';

// Node warns once in a process: the first time is watched.
const warned = vi.spyOn(process, 'emitWarning');
const modules = loadModules('verifier/page.ts');
const said = [...warned.mock.calls];
warned.mockRestore();
const scripts = [...modules.files].filter(([url]) => url.endsWith('.js'));
const importsOf = (text: string) =>
  [...text.matchAll(/^(?:import|export)\b[^'"();=]*?['"]([^'"]+)['"]/gm)].map(([, specifier = '']) => specifier);

describe('the modules of the verifier', () => {
  test('are all that they import, at the places that they import them from', () => {
    for (const [url, { body }] of scripts) {
      for (const specifier of importsOf(body.toString())) {
        expect(specifier, url).toMatch(/^\.\.?\/.*\.js$/);
        expect(modules.files.has(posix.join(posix.dirname(url), specifier)), `${url} → ${specifier}`).toBe(true);
      }
    }
    expect(scripts.length).toBeGreaterThan(20);
    expect(modules.files.has(modules.entry)).toBe(true);
  });

  test('hold nothing that is Node’s, no type, no dynamic import, no word of another site', () => {
    for (const [url, { body }] of scripts.filter(([name]) => !name.includes('/packages/'))) {
      const code = body.toString().replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      expect(code, url).not.toMatch(/node:|\bBuffer\b|\bprocess\.|\brequire\(|\bimport\(|^\s*(?:type|interface) /m);
      expect(code, url).not.toMatch(/['"`]https?:\/\/\w/);
    }
  });

  test('go with the licences of the packages among them', () => {
    const packages = [...modules.files.keys()].flatMap(
      (url) => /\/packages\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [],
    );
    expect([...new Set(packages)].sort()).toEqual(['@noble/hashes', 'jose']);
    for (const [url, { body }] of [...modules.files].filter(([name]) => name.includes('LICENSE'))) {
      expect(body.toString(), url).toContain('MIT');
    }
    expect([...modules.files.keys()].filter((url) => url.includes('LICENSE'))).toHaveLength(2);
  });

  test('say nothing on the operator’s terminal when they are made', () => {
    expect(said).toEqual([]);
  });

  test('are the same at every start', async () => {
    vi.resetModules();
    const anew = (await import('../../src/web/modules.ts')).loadModules('verifier/page.ts');
    expect(anew).not.toBe(modules);
    expect(anew.entry).toBe(modules.entry);
  });
});

describe('served', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ petitions: [] });
  });
  afterAll(() => world.close());

  test('for ever, as JavaScript, under an address that only they have', async () => {
    const answer = await fetch(world.origin + modules.entry);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect((await fetch(world.origin + modules.entry.replace(/[0-9a-f]{16}/, '0'.repeat(16)))).status).toBe(404);
    expect((await fetch(`${world.origin}/assets/modules/../../../package.json`)).status).toBe(404);
    expect((await fetch(world.origin + modules.entry, { method: 'POST' })).status).toBe(405);
  });

  test('to the one page that may run them', async () => {
    const policy = async (path: string) =>
      (await fetch(world.origin + path)).headers.get('content-security-policy') ?? '';
    expect(await policy('/verify')).toMatch(/script-src 'self';connect-src 'self'/);
    for (const path of ['/', '/log', '/how-it-works', '/nothing', modules.entry]) {
      expect(await policy(path), path).not.toMatch(/script-src|connect-src/);
    }
  });
});
