import { hash } from 'node:crypto';

/**
 * The text that people sign: a title of one line and a body in Markdown, both NFC with LF, frozen at opening.
 * `hash` is `SHA-256(utf8(title + "\n\n" + text))`, 32 bytes: every nonce, receipt and entry names the text by it.
 */
export type Statement = { readonly title: string; readonly text: string; readonly hash: Uint8Array };

export function makeStatement(title: string, text: string): Statement {
  const normal = { title: normalise(title).trim(), text: `${normalise(text).trim()}\n` };
  if (normal.title === '' || normal.title.includes('\n')) throw new RangeError('a title is one line that is not empty');
  return { ...normal, hash: statementHash(normal.title, normal.text) };
}

export function statementHash(title: string, text: string): Uint8Array {
  return hash('sha256', Buffer.from(`${title}\n\n${text}`, 'utf8'), 'buffer');
}

function normalise(text: string): string {
  return text.normalize('NFC').replace(/\r\n?/g, '\n');
}
