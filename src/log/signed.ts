/**
 * `signed` entries by their places. They are nearly all of a log and have one template, so whoever reads ten million of
 * them compares bytes instead of running an expression. It accepts exactly what the grammar of `entry.ts` accepts, with the
 * same values: a property holds the two to each other.
 */
import { type Day, parseDay } from '../clock.ts';

/** INSEE: metropolitan (Corsica is 2A and 2B), overseas, and 99 for abroad. The form; which ones exist changes with the law. */
export const DEPARTMENT_FORM = '0[1-9]|1[0-9]|2[1-9AB]|[3-8][0-9]|9[0-5]|97[1-9]|98[4-9]|99';

/** Where a `signed` entry's values begin in its bytes; -1 for `null`. Each byte up to its `end` is ASCII. */
export type SignedPlaces = {
  /** 26 characters. */
  readonly petition: number;
  /** 43 characters. */
  readonly nym: number;
  readonly department: number;
  readonly departmentEnd: number;
  /** 43 characters. */
  readonly evidence: number;
  /** 10 characters. */
  readonly day: number;
};

const ID_LENGTH = 26;
export const B64URL_LENGTH = 43;
const DAY_LENGTH = 10;
const QUOTE = 0x22;

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const HEAD = ascii('{"kind":"signed","petition":"');
const NYM = ascii('","nym":"');
const DEPARTMENT = ascii('","department":');
const NULL = ascii('null');
const EVIDENCE = ascii(',"evidence":');
const DAY = ascii(',"day":"');
const TAIL = ascii('"}');

/** What a byte may be, as bits. */
const FIRST_OF_ID = 1;
const OF_ID = 2;
const OF_B64URL = 4;
const LAST_OF_B64URL = 8;
const CLASSES = new Uint8Array(256);
for (const [set, letters] of [
  [FIRST_OF_ID, /[0-7]/],
  [OF_ID, /[0-9a-hjkmnp-tv-z]/],
  [OF_B64URL, /[A-Za-z0-9_-]/],
  [LAST_OF_B64URL, /[AEIMQUYcgkosw048]/],
] as const) {
  for (let byte = 0; byte < 128; byte++) {
    if (letters.test(String.fromCharCode(byte))) CLASSES[byte] = (CLASSES[byte] ?? 0) | set;
  }
}

/** Each département's code as one number: its length, then its bytes; without the length, a NUL before it would not count. */
const CODES = new Set<number>();
const CODE = new RegExp(`^(?:${DEPARTMENT_FORM})$`);
for (let number = 0; number < 1000; number++) {
  const decimal = String(number);
  for (const code of [decimal, decimal.padStart(2, '0'), `${decimal}A`, `${decimal}B`]) {
    if (CODE.test(code)) CODES.add(ascii(code).reduce((sum, byte) => sum * 256 + byte, code.length));
  }
}

/** The calendar is asked once for each day: a log's days come in order. */
const lastDay = new Uint8Array(DAY_LENGTH);

/** The places of the entry that is bytes [start, end), or `undefined` when that is no well-formed `signed`. */
export function placeSigned(bytes: Uint8Array, start: number, end: number): SignedPlaces | undefined {
  if (end > bytes.length || !holds(bytes, start, HEAD)) return undefined;
  const petition = start + HEAD.length;
  const nym = petition + ID_LENGTH + NYM.length;
  let at = nym + B64URL_LENGTH;
  if (!isId(bytes, petition) || !holds(bytes, petition + ID_LENGTH, NYM)) return undefined;
  if (!isB64Url(bytes, nym) || !holds(bytes, at, DEPARTMENT)) return undefined;
  at += DEPARTMENT.length;
  let department = -1;
  let departmentEnd = -1;
  if (bytes[at] === QUOTE) {
    department = at + 1;
    departmentEnd = bytes[at + 3] === QUOTE ? at + 3 : at + 4;
    if (bytes[departmentEnd] !== QUOTE || !isCode(bytes, department, departmentEnd)) return undefined;
    at = departmentEnd + 1;
  } else if (holds(bytes, at, NULL)) at += NULL.length;
  else return undefined;
  if (!holds(bytes, at, EVIDENCE)) return undefined;
  at += EVIDENCE.length;
  let evidence = -1;
  if (bytes[at] === QUOTE) {
    evidence = at + 1;
    at = evidence + B64URL_LENGTH;
    if (!isB64Url(bytes, evidence) || bytes[at] !== QUOTE) return undefined;
    at++;
  } else if (holds(bytes, at, NULL)) at += NULL.length;
  else return undefined;
  const day = at + DAY.length;
  if (!holds(bytes, at, DAY) || !isDay(bytes, day) || !holds(bytes, day + DAY_LENGTH, TAIL)) return undefined;
  return day + DAY_LENGTH + TAIL.length === end
    ? { petition, nym, department, departmentEnd, evidence, day }
    : undefined;
}

/** The values that stand at the places. @param text the bytes, a character for each */
export function petitionAt(text: string, { petition }: SignedPlaces): string {
  return text.slice(petition, petition + ID_LENGTH);
}

export function departmentAt(text: string, { department, departmentEnd }: SignedPlaces): string | null {
  return department === -1 ? null : text.slice(department, departmentEnd);
}

export function dayAt(text: string, { day }: SignedPlaces): Day {
  return text.slice(day, day + DAY_LENGTH) as Day;
}

function holds(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

function isId(bytes: Uint8Array, at: number): boolean {
  let common = OF_ID;
  for (let i = 0; i < ID_LENGTH; i++) common &= CLASSES[bytes[at + i] ?? 0] ?? 0;
  return common !== 0 && ((CLASSES[bytes[at] ?? 0] ?? 0) & FIRST_OF_ID) !== 0;
}

function isB64Url(bytes: Uint8Array, at: number): boolean {
  let common = OF_B64URL;
  for (let i = 0; i < B64URL_LENGTH; i++) common &= CLASSES[bytes[at + i] ?? 0] ?? 0;
  return common !== 0 && ((CLASSES[bytes[at + B64URL_LENGTH - 1] ?? 0] ?? 0) & LAST_OF_B64URL) !== 0;
}

function isCode(bytes: Uint8Array, from: number, to: number): boolean {
  let code = to - from;
  for (let at = from; at < to; at++) code = code * 256 + (bytes[at] ?? 0);
  return CODES.has(code);
}

function isDay(bytes: Uint8Array, at: number): boolean {
  if (holds(bytes, at, lastDay)) return true;
  const text = String.fromCharCode(...bytes.subarray(at, at + DAY_LENGTH));
  if (parseDay(text) === undefined) return false;
  lastDay.set(bytes.subarray(at, at + DAY_LENGTH));
  return true;
}
