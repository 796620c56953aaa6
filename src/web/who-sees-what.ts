/**
 * The drawing of `/how-it-works`: who sees what, from the person down to the public log, as boxes and arrows with their
 * lines of text. SVG breaks no lines: they are broken here, at a number of letters that fits in any usual font.
 */
export type Box = {
  readonly y: number;
  readonly height: number;
  readonly lines: readonly Line[];
};

/** `mark` stands before the first line of a sentence: what its actor sees, and what not. */
export type Line = { readonly y: number; readonly text: string; readonly mark?: Mark; readonly isName: boolean };
type Mark = 'sees' | 'not';
export type Arrow = { readonly y: number; readonly height: number; readonly lines: readonly Line[] };
export type Drawing = { readonly height: number; readonly boxes: readonly Box[]; readonly arrows: readonly Arrow[] };

/** One of those who take part, and the words on the arrow to the next one. */
export type Actor = {
  readonly name: string;
  readonly sees: string;
  readonly not: string | undefined;
  readonly next: string | undefined;
};

/** The drawing is 320 wide, and letters are 15 high. */
const LETTERS = { name: 28, sentence: 33, arrow: 32 };
const LINE = 20;
const PADDING = 14;

export function drawWhoSeesWhat(actors: readonly Actor[]): Drawing {
  const boxes: Box[] = [];
  const arrows: Arrow[] = [];
  let y = 1;
  for (const { name, sees, not, next } of actors) {
    const box = boxAt(y, name, sees, not);
    boxes.push(box);
    y += box.height;
    if (next === undefined) continue;
    const lines = breakLines(next, LETTERS.arrow);
    const height = Math.max(2, lines.length) * LINE + PADDING;
    const first = y + (height - lines.length * LINE) / 2 + 15;
    arrows.push({ y, height, lines: lines.map((text, index) => ({ y: first + index * LINE, text, isName: false })) });
    y += height;
  }
  return { height: y + 1, boxes, arrows };
}

function boxAt(y: number, name: string, sees: string, not: string | undefined): Box {
  const lines: Line[] = [];
  let at = y + PADDING + 13;
  const add = (text: string, letters: number, rest: { mark?: Mark; isName: boolean }) => {
    for (const [index, part] of breakLines(text, letters).entries()) {
      lines.push({ y: at, text: part, ...(index === 0 ? rest : { isName: rest.isName }) });
      at += LINE;
    }
    at += 4;
  };
  add(name, LETTERS.name, { isName: true });
  add(sees, LETTERS.sentence, { mark: 'sees', isName: false });
  if (not !== undefined) add(not, LETTERS.sentence, { mark: 'not', isName: false });
  return { y, height: at - y - 6, lines };
}

/** Words in lines of so many letters at most; a word that is longer has a line of its own. */
export function breakLines(text: string, letters: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= letters) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
