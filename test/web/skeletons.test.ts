/** Personal pages from a skeleton: the same bytes as rendered, and nothing of anyone's in what is kept. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Skeletons } from '../../src/web/skeletons.ts';

type Form = { title: string; code: string; name: string; path: string };

const escapeHtml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const rendered: string[] = [];
function render({ title, code, name, path }: Form): string {
  const page = `<a href="${path}">${escapeHtml(title)}</a> <b>${code}</b>, ${escapeHtml(name)} et ${escapeHtml(name)} ’é`;
  rendered.push(page);
  return page;
}
/** As people's words are: no shorter than an hour of the day. */
const word = fc.string({ minLength: 4, maxLength: 20, unit: fc.constantFrom(...'aé’&<"\\ 0g7_-{}:,') });
const code = fc.stringMatching(/^[\w-]{8,20}$/);

test('a page is what rendering makes of it, whatever the words', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(word, code, word), { minLength: 1, maxLength: 6 }), (people) => {
      const skeletons = new Skeletons(escapeHtml);
      for (const [title, secret, name] of people) {
        const form = { title, code: secret.slice(0, 8), name, path: `/p/${secret}?journey=${secret}` };
        const own = [secret, form.code, name];
        expect(skeletons.fill(form, own, render).toString()).toBe(render(form));
      }
    }),
  );
});

test('ten people share one skeleton, in which none of them can be found', () => {
  const skeletons = new Skeletons(escapeHtml);
  rendered.length = 0;
  for (let i = 0; i < 10; i++) {
    const secret = `c0de${i}abcd${i}xyz`;
    const form = { title: 'Des trains', code: secret.slice(0, 8), name: `${i} mars 1962`, path: `/p/${secret}` };
    const own = [secret, form.code, form.name];
    expect(skeletons.fill(form, own, render).toString()).toContain(`<b>${form.code}</b>, ${form.name} et ${form.name}`);
  }
  expect(skeletons.size).toBe(1);
  expect(rendered).toHaveLength(1);
  expect(rendered[0]).not.toMatch(/1962|c0de/);
});

test('a word that holds another goes before it, in whatever order they are named, and there may be many', () => {
  const skeletons = new Skeletons(escapeHtml);
  rendered.length = 0;
  const name = 'Anne-Marie Annequin';
  const others = Array.from({ length: 12 }, (_, i) => `word-${i}-x`);
  const form = { title: others.join(' '), code: 'Anne', name, path: '/' };
  expect(skeletons.fill(form, ['Anne', name, ...others], render).toString()).toBe(render(form));
  expect(rendered[0]).not.toMatch(/Anne|quin|Marie|word/);
});

test('someone without one of the words has another skeleton', () => {
  const skeletons = new Skeletons(escapeHtml);
  const form = { title: 'Des trains', code: 'c0de1234', name: '', path: '/p' };
  const fill = (name: string) => skeletons.fill({ ...form, name }, ['c0de1234', name], render).toString();
  expect(fill('')).toContain('<b>c0de1234</b>,  et ');
  expect(fill('3 mai 1970')).toContain('3 mai 1970 et 3 mai 1970');
  expect(skeletons.size).toBe(2);
});

test('skeletons are never more than a few hundred', () => {
  const skeletons = new Skeletons(escapeHtml);
  for (let i = 0; i < 1200; i++) {
    skeletons.fill({ title: `${i}`, code: 'c0de1234', name: 'mai', path: '/' }, ['c0de1234'], render);
  }
  expect(skeletons.size).toBeLessThanOrEqual(500);
});
