/**
 * What is kept of personal pages is the same for everyone: two people who sign, come back and withdraw are shown pages of
 * the same skeletons, and nothing that was rendered for them held a word of theirs.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Skeletons } from '../../src/web/skeletons.ts';
import type { Browser } from '../fakes/browser.ts';
import { awayFromMidnight } from '../fakes/midnight.ts';
import { logIn, passFranceConnect, receiptOf, startWorld, type World } from '../fakes/world.ts';

let world: World;
/** What skeletons were rendered from, as it came to the templates. */
let rendered: string[] = [];

beforeAll(async () => {
  const { fill } = Skeletons.prototype;
  vi.spyOn(Skeletons.prototype, 'fill').mockImplementation(function (this: Skeletons, from, own, render) {
    return fill.call(this, from, own, (marked) => {
      rendered.push(JSON.stringify(marked));
      return render(marked);
    });
  });
  world = await startWorld();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await world.close();
});

type Life = {
  readonly rendered: readonly string[];
  /** What is this person's alone. */
  readonly words: readonly string[];
  readonly confirm: string;
  readonly receipt: string;
};

/** Signs, and comes back to withdraw. */
async function wholeLife(login: string, department: string): Promise<Life> {
  rendered = [];
  const browser = world.browser();
  await logIn(browser, world, 'trains', login);
  const confirm = browser.page.text;
  await browser.submit({ department }, { form: '/confirm' });
  const receipt = browser.page.text;
  const { claims } = await receiptOf(browser);
  await browser.submit({}, { form: '/withdraw' });
  await passFranceConnect(browser, login);
  await browser.submit({}, { form: '/confirm' });
  const birthdate = /\d+(?:er)?.[a-zû\u00e0-\u00ff]+ (?:19|20)\d\d/.exec(confirm)?.[0] ?? '';
  return {
    rendered,
    words: [String(claims.sub), birthdate, ...addressesOf(browser)],
    confirm,
    receipt,
  };
}

/** The journeys' ids and the receipts' capabilities, wherever they stood in an address. */
function addressesOf({ history }: Browser): readonly string[] {
  const named = /[?&]journey=([\w-]+)|\/receipt\/([\w-]{20,})/;
  return history.flatMap(({ url }) => named.exec(url)?.slice(1).filter(Boolean) ?? []);
}

test('the second person is shown the first one’s pages with their own words in them, and none of anyone’s is kept', async () => {
  await awayFromMidnight();
  const first = await wholeLife('test', '75');
  const pages = first.rendered.map((from) => JSON.parse(from).name);
  expect(pages).toEqual(['confirm', 'receipt', 'confirm', 'receipt']);
  expect(first.words.length).toBeGreaterThan(5);
  for (const word of first.words) {
    expect(word).not.toBe('');
    for (const from of first.rendered) expect(from).not.toContain(word);
  }
  expect(first.receipt).toContain('75 Paris');

  const second = await wholeLife('naissance_Algérie', '2A');
  expect(second.rendered).toEqual([]);
  const [nym = '', birthdate = ''] = second.words;
  expect(birthdate).not.toBe(first.words[1]);
  expect(second.confirm).toContain(birthdate);
  expect(second.receipt).toContain(nym);
  expect(second.receipt).toContain('2A Corse-du-Sud');
  for (const word of first.words) expect(second.confirm + second.receipt).not.toContain(word);
});

test('whoever asks does not choose what is kept: not by how an address is spelled, nor by what stands behind it', async () => {
  const browser = world.browser();
  await logIn(browser, world, 'trains', 'citoyen-7');
  const spelled = (url: string) =>
    url.replace(/[A-Za-z](?=[^/]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
  rendered = [];
  await browser.get(`${browser.page.url}&mc_eid=someone&a=1`);
  expect(browser.page.text).toContain('Confirmer ma signature');
  await browser.submit({ department: '75' }, { form: '/confirm' });
  const receipt = browser.page.url;
  await browser.get(spelled(receipt));
  expect(browser.page.text).toContain('C’est signé');
  await browser.get(`${receipt}?mc_eid=someone`);
  expect(browser.page.text).toContain('C’est signé');
  expect(browser.page.html).not.toContain('mc_eid');
  expect(rendered).toEqual([]);
});
