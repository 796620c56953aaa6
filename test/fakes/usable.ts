/**
 * What stands between someone and a page, as a list of complaints: for axe (WCAG 2.2 AA, in light and in dark), for whoever
 * hears it (the accessibility tree, in its order), tabs through it, reads it on a narrow screen or with large letters, or
 * sees it in colours of their own and wants it still. One load of the page, in a browser with JavaScript; the pages have none of their own.
 */
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

/** axe as its own package for Playwright puts it into pages; that one does it twice for each page. */
const axePackage = createRequire(createRequire(import.meta.url).resolve('@axe-core/playwright'));
const { source: AXE } = axePackage('axe-core') as { source: string };

const WCAG_22_AA = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
/** Switched off by default, though it is of WCAG 2.2 AA. */
const TARGETS = { 'target-size': { enabled: true } };
/** What another colour scheme can change. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

export async function complaintsAbout(page: Page): Promise<string[]> {
  const shift = (await page.evaluate(SHIFT)) as number;
  // What is folded is a page's content too.
  await page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
  return [
    ...(shift === 0 ? [] : [`moved under the reader’s eyes: ${shift}`]),
    ...(await complaintsOfAxe(page)),
    ...complaintsOfListener(await page.locator('body').ariaSnapshot()).map((one) => `heard: ${one}`),
    ...((await page.evaluate(UNMARKED_FOCUS)) as string[]).map((one) => `focus not marked: ${one}`),
    ...(await complaintsOfReader(page)),
  ];
}

/** The layout shift score so far (W3C Layout Instability), once what was changed last is on the screen. */
const SHIFT = `new Promise((resolve) => {
  let score = 0;
  new PerformanceObserver((list) => {
    for (const { value } of list.getEntries()) score += value;
  }).observe({ type: 'layout-shift', buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(score), 50)));
})`;

/** In light and in dark. Frames, which this does not look into, are not ours. */
async function complaintsOfAxe(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await runAxe(page, { runOnly: WCAG_22_AA, rules: TARGETS });
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await runAxe(page, { runOnly: { type: 'rule', values: OF_COLOURS } });
  if (light.passes < 5 || dark.passes === 0) throw new Error('axe looked at too little');
  return Object.entries({ light, dark }).flatMap(([scheme, { violations }]) =>
    violations.map((one) => `${scheme} ${one}`),
  );
}

/** How many rules passed, and each element that breaks one. */
async function runAxe(page: Page, options: object): Promise<{ passes: number; violations: string[] }> {
  const asked = JSON.stringify({ ...options, resultTypes: ['violations'] });
  return (await page.evaluate(`axe.run(${asked}).then(({ passes, violations }) => ({
    passes: passes.length,
    violations: violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target)),
  }))`)) as { passes: number; violations: string[] };
}

/** Where the parts of a page stand, as a screen reader lists them. */
const LANDMARKS = ['banner', 'main', 'contentinfo'];
const NAMED = [
  'link',
  'button',
  'textbox',
  'combobox',
  'checkbox',
  'radio',
  'img',
  'navigation',
  'complementary',
  'region',
];

/** @param tree Playwright's aria snapshot: a line for each node, `- role "name" [attributes]` */
export function complaintsOfListener(tree: string): string[] {
  const nodes = [...tree.matchAll(/^ *- (?:'|)([a-z]+)(?: "((?:[^"\\]|\\.)*)")?([^\n]*)/gm)].map(
    ([, role = '', name = '', rest = '']) => ({ role, name, level: Number(/\[level=(\d)\]/.exec(rest)?.[1] ?? 0) }),
  );
  const levels = nodes.filter(({ role }) => role === 'heading').map(({ level }) => level);
  const landmarks = nodes.map(({ role }) => role).filter((role) => LANDMARKS.includes(role));
  return [
    ...(landmarks.join() === LANDMARKS.join() ? [] : [`landmarks are ${landmarks}`]),
    ...(levels[0] === 1 && levels.lastIndexOf(1) === 0 ? [] : [`headings begin ${levels.slice(0, 3)}`]),
    ...levels.flatMap((level, index) =>
      level > (levels[index - 1] ?? 0) + 1 ? [`heading ${level} skips a level`] : [],
    ),
    ...nodes.flatMap(({ role, name }) =>
      NAMED.includes(role) && name.trim() === '' ? [`${role} without a name`] : [],
    ),
  ];
}

/** What takes the focus by keyboard without an outline that can be seen. */
const UNMARKED_FOCUS = `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary, [tabindex="0"]')]
  .filter((element) => {
    element.focus({ focusVisible: true, preventScroll: true });
    const shown = element.matches('input.hidden') ? element.nextElementSibling : element;
    const { outlineStyle, outlineWidth } = getComputedStyle(shown);
    return document.activeElement === element && (outlineStyle === 'none' || parseFloat(outlineWidth) < 2);
  })
  .map((element) => element.outerHTML.slice(0, 80))`;

const TOO_WIDE = `document.documentElement.scrollWidth > innerWidth + 1
  ? [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && element.closest('.scroll') === null)
      .map((element) => element.tagName + '.' + element.className)
      .slice(0, 3)
  : []`;

/** On a screen of 320 pixels; with letters twice as large on one of 640; in the colours that the reader forces. */
async function complaintsOfReader(page: Page): Promise<string[]> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const narrow = (await page.evaluate(TOO_WIDE)) as string[];
  await page.setViewportSize({ width: 640, height: 800 });
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  const large = (await page.evaluate(TOO_WIDE)) as string[];
  await page.evaluate("document.documentElement.style.fontSize = ''");
  await page.emulateMedia({ forcedColors: 'active' });
  const lost = (await page.evaluate(LOST_BUTTONS)) as string[];
  await page.emulateMedia({ forcedColors: 'none', reducedMotion: 'reduce' });
  const moving = (await page.evaluate(MOVING)) as string[];
  if (before !== null) await page.setViewportSize(before);
  return [
    ...narrow.map((one) => `wider than 320 pixels: ${one}`),
    ...large.map((one) => `runs out with letters twice as large: ${one}`),
    ...lost.map((one) => `no button any more in forced colours: ${one}`),
    ...moving.map((one) => `moves for someone who wants it still: ${one}`),
  ];
}

/** Backgrounds are the reader's then: what is a button, its edge has to say. */
const LOST_BUTTONS = `[...document.querySelectorAll('button, .button, select')]
  .filter((element) => {
    const { borderTopStyle, borderTopColor, borderTopWidth } = getComputedStyle(element);
    const canvas = getComputedStyle(document.body).backgroundColor;
    return borderTopStyle === 'none' || parseFloat(borderTopWidth) < 1 || /^rgba.*, 0\\)$/.test(borderTopColor) || borderTopColor === canvas;
  })
  .map((element) => element.textContent.trim().slice(0, 40))`;

const MOVING = `[...document.querySelectorAll('*')]
  .filter((element) => {
    const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(element);
    return animationName !== 'none' || parseFloat(transitionDuration) > 0 || scrollBehavior === 'smooth';
  })
  .map((element) => element.tagName + '.' + element.className)`;
