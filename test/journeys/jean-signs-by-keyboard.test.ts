/** The whole journey with Tab, Enter and letters alone, in a real Chromium, JavaScript off. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { recorded } from '../fakes/recorded.ts';
import { startWorld, type World } from '../fakes/world.ts';

/** What has the focus, as its user meets it. */
type Focus = {
  words: string;
  /** Which part of the page it is in, counted in the order of reading. */
  part: number;
  top: number;
  left: number;
  /** On the screen as a whole, and nothing lies over it. */
  seen: boolean;
  /** Marked by an outline that is there only while it has the focus. */
  marked: boolean;
};

const READ_FOCUS = `(() => {
  const element = document.activeElement;
  const part = element.closest('header, main, aside, footer');
  const box = element.getBoundingClientRect();
  const line = element.getClientRects()[0]; // a link may run over two
  const style = getComputedStyle(element);
  return {
    words: (element.name || element.textContent).replace(/\\s+/g, ' ').trim(),
    part: part === null ? 0 : [...document.querySelectorAll('header, main, aside, footer')].indexOf(part) + 1,
    top: Math.round(box.top + scrollY),
    left: Math.round(box.left),
    seen:
      box.top >= -1 && box.left >= -1 && box.bottom <= innerHeight + 1 && box.right <= innerWidth + 1 &&
      element.contains(document.elementFromPoint(line.left + line.width / 2, line.top + line.height / 2)),
    marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
  };
})()`;

/** Pages scroll at once to where the focus goes. */
const STILL = { reducedMotion: 'reduce' } as const;

async function focusOf({ page }: Person): Promise<Focus> {
  return (await page.evaluate(READ_FOCUS)) as Focus;
}

/** Tabs on until something with these words has the focus; each stop on the way must be visible. */
async function tabTo(person: Person, wanted: RegExp): Promise<Focus[]> {
  const stops: Focus[] = [];
  for (let presses = 0; presses < 40; presses++) {
    await person.page.keyboard.press('Tab');
    const focus = await focusOf(person);
    expect(focus, `the focus can be seen on “${focus.words}” of ${person.page.url()}`).toMatchObject({
      seen: true,
      marked: true,
    });
    stops.push(focus);
    if (wanted.test(focus.words)) return stops;
  }
  throw new Error(`no ${wanted} among ${stops.map(({ words }) => words)}`);
}

async function enter(person: Person): Promise<void> {
  await person.arrive(() => person.page.keyboard.press('Enter'));
}

let world: World;
let chromium: Chromium;

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld(), Chromium.start()]);
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

test('Jean signs without a mouse, and always sees where he is', async () => {
  const jean = await chromium.person(STILL);
  const { keyboard } = jean.page;
  await jean.open(`${world.origin}/petitions/trains`);

  // The first stop of every page skips the header.
  await keyboard.press('Tab');
  expect(await focusOf(jean)).toMatchObject({ words: 'Aller au contenu', seen: true, marked: true });
  await keyboard.press('Enter');
  const [afterSkip] = await tabTo(jean, /./);
  expect(afterSkip?.words).toBe('Toutes les pétitions');
  await tabTo(jean, /^S’identifier avec FranceConnect$/);
  await enter(jean);

  await tabTo(jean, /Identité de démonstration/);
  await enter(jean);
  await tabTo(jean, /^login$/);
  await keyboard.insertText('homonyme_1');
  await tabTo(jean, /^password$/);
  await keyboard.type('123');
  await enter(jean); // in a field, Enter sends the form
  await tabTo(jean, /Continuer sur Paraphe/);
  await enter(jean);

  expect(await jean.heading()).toBe('Confirmer ma signature');
  await tabTo(jean, /^department$/);
  await keyboard.type('57');
  expect(await jean.page.locator('select').inputValue()).toBe('57');
  await tabTo(jean, /^Je donne mon accord et je signe$/);
  await enter(jean);

  expect(await jean.heading()).toBe('C’est signé !');
  await tabTo(jean, /^Télécharger mon reçu$/);
  const [download] = await Promise.all([jean.page.waitForEvent('download'), keyboard.press('Enter')]);
  expect(download.suggestedFilename()).toBe('receipt.jwt');
  expect(await recorded(world, 'trains')).toMatchObject({ total: 1, byDepartment: new Map([['57', 1]]) });
});

test.each([
  ['a laptop', 1280, 800],
  ['a narrow phone', 320, 640],
])(
  'on %s, the focus goes through header, content, asides and footer, downwards in each column',
  async (_what, width, height) => {
    const jean = await chromium.person({ ...STILL, viewport: { width, height } });
    for (const path of ['/', '/petitions/trains', '/how-it-works', '/no-such-page']) {
      await jean.open(world.origin + path);
      const stops = await tabTo(jean, /^Données ouvertes \(JSON\)$/);
      expect(stops[0]?.words).toBe('Aller au contenu');
      for (const [index, stop] of stops.slice(1).entries()) {
        const before = stops[index];
        if (before === undefined) continue;
        const isOnward = stop.part > before.part || stop.top > before.top - 40 || stop.left > before.left;
        expect(stop.part >= before.part && isOnward, `${path}: from “${before.words}” to “${stop.words}”`).toBe(true);
      }
    }
  },
);

test('a stop that nobody can see is noticed', async () => {
  const jean = await chromium.person(STILL);
  await jean.open(world.origin);
  await jean.page.keyboard.press('Tab');
  expect(await focusOf(jean)).toMatchObject({ marked: true, seen: true });
  await jean.page.evaluate("document.activeElement.style.outline = 'none'");
  expect(await focusOf(jean)).toMatchObject({ marked: false, seen: true });
  await jean.page.evaluate("document.activeElement.style.top = '-10rem'");
  expect(await focusOf(jean)).toMatchObject({ seen: false });
});
