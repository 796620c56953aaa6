/**
 * The page `/verify` in a browser: takes files, shows each step as it ends, says the verdict aloud. Its words and its
 * elements come with the page, in the reader's language; nothing is ever set as HTML.
 */
import { LARGEST_FILE, type ReceiptFiles, recognise } from '../receipt/files.ts';
import { checkReceipt, type Subject } from './check.ts';
import { forget, type Store } from './memory.ts';
import { siteAt } from './site.ts';
import { type Facts, type Step, verdictOf } from './steps.ts';

const lang = document.documentElement.lang;
const numbers = new Intl.NumberFormat(lang);
const dates = new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' : lang, { dateStyle: 'long' });
const words = element('words', HTMLTemplateElement).content;

const input = element('files', HTMLInputElement);
const asksState = element('asks-state', HTMLInputElement);
const zone = element('drop');
const result = element('result');
const steps = element('steps');
const live = element('live');

/** Counts the checks begun: the steps of one that was overtaken are shown no more. */
let latest = 0;

element('without').hidden = true;
element('here').hidden = false;
input.addEventListener('change', () => void takeFiles([...(input.files ?? [])]));
element('forget').addEventListener('click', () => {
  const store = openStore();
  if (store !== undefined) forget(store);
  live.textContent = wordsOf('forgotten');
});
// Anywhere on the page: a file dropped beside the box would otherwise take the page's place.
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  zone.classList.add('over');
});
document.addEventListener('dragleave', () => zone.classList.remove('over'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  zone.classList.remove('over');
  void takeFiles([...(event.dataTransfer?.files ?? [])]);
});

async function takeFiles(files: readonly File[]): Promise<void> {
  if (files.length === 0) return;
  const run = ++latest;
  begin();
  try {
    const isLarge = files.some(({ size }) => size > LARGEST_FILE);
    const given = isLarge ? 'unreadable' : recognise(await Promise.all(files.map(bytesOf)));
    if (run !== latest) return;
    if (typeof given === 'string') conclude(given);
    else await check(given, run);
  } catch (error) {
    reportError(error);
    if (run === latest) conclude('stopped');
  }
  input.value = ''; // so that choosing the same file again is a change
}

async function check(given: ReceiptFiles, run: number): Promise<void> {
  const deps = { site: siteAt(location.origin), store: openStore(), now: new Date(), asksState: asksState.checked };
  const checks = checkReceipt(given, deps);
  const ended: Step[] = [];
  for (;;) {
    const next = await checks.next();
    if (run !== latest) return;
    if (next.done) {
      showSubject(next.value);
      return conclude(verdictOf(ended));
    }
    ended.push(next.value);
    showStep(next.value);
  }
}

function begin(): void {
  steps.replaceChildren();
  element('facts').hidden = true;
  result.hidden = false;
  result.ariaBusy = 'true';
  conclude('checking');
}

function conclude(verdict: string): void {
  result.dataset.verdict = verdict;
  if (verdict !== 'checking') result.ariaBusy = 'false';
  element('verdict').textContent = wordsOf(`verdict.${verdict}.title`);
  element('meaning').textContent = wordsOf(`verdict.${verdict}.text`);
  live.textContent = `${wordsOf(`verdict.${verdict}.title`)}. ${wordsOf(`verdict.${verdict}.text`)}`;
}

function showStep({ name, outcome, word, facts }: Step): void {
  const item = element('step', HTMLTemplateElement).content.cloneNode(true) as DocumentFragment;
  const put = (part: string, text: string) => {
    const place = item.querySelector(`.${part}`);
    if (place !== null) place.textContent = text;
  };
  item.firstElementChild?.classList.add(outcome);
  item.firstElementChild?.setAttribute('data-step', `${name}.${word}`);
  put('outcome', wordsOf(`outcome.${outcome}`));
  put('name', wordsOf(`${name}.title`));
  put('what', filled(wordsOf(`${name}.${word}`), facts));
  steps.append(item);
}

function showSubject(subject: Subject | undefined): void {
  if (subject === undefined) return;
  element('facts').hidden = false;
  element('fact-petition').textContent = subject.title ?? subject.petition;
  element('fact-day').textContent = dates.format(new Date(`${subject.day}T12:00:00Z`));
  element('fact-code').textContent = subject.nym.slice(0, 8);
  element('fact-index').textContent = numbers.format(subject.index);
}

function wordsOf(key: string): string {
  return words.querySelector(`[data-word="${key}"]`)?.textContent ?? '';
}

function filled(sentence: string, facts: Facts): string {
  return sentence.replace(/\{(\w+)\}/g, (_hole, name: keyof Facts) => {
    const fact = facts[name];
    if (typeof fact === 'number') return numbers.format(fact);
    return fact instanceof Date ? dates.format(fact) : (fact ?? '');
  });
}

/** `undefined` where the browser forbids it. */
function openStore(): Store | undefined {
  try {
    localStorage.getItem('');
    return localStorage;
  } catch {
    return undefined;
  }
}

async function bytesOf(file: File): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}

function element<T extends HTMLElement = HTMLElement>(id: string, type?: new () => T): T {
  const found = document.getElementById(id);
  if (found === null || !(found instanceof (type ?? HTMLElement))) throw new Error(`the page has no ${id}`);
  return found as T;
}
