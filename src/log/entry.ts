/**
 * The entries of the public log: nine kinds, each with one spelling. An entry is the UTF-8 bytes of `JSON.stringify` with
 * its keys in the order below; a reader accepts those bytes and no others, so that every entry has one leaf hash and
 * nobody can hide something beside it. Vectors for other languages: `test/vectors/entries.json`.
 * Nothing here names a person: a nym is a pseudonym for one petition, evidence stands as its hash.
 */
import { type Day, parseDay } from '../clock.ts';
import type { Nym } from '../person/nym.ts';
import { Malformed } from '../tlog/errors.ts';
import { decodeUtf8, parseDecimal, utf8 } from '../tlog/text.ts';
import { LONGEST_ENTRY } from '../tlog/tile.ts';
import { B64URL_LENGTH, DEPARTMENT_FORM, dayAt, departmentAt, petitionAt, placeSigned } from './signed.ts';

export type Ground = 'fraud' | 'court' | 'error';

export type PetitionOpened = {
  readonly kind: 'petition-opened';
  readonly petition: string;
  /** SHA-256 of title and text, hex. */
  readonly statement: string;
  /** Public key of the petition's pseudonyms, base64url. */
  readonly nym_key: string;
  readonly issuer: string;
  readonly client_id: string;
  /** Empty where no level is asked. */
  readonly acr: string;
  readonly min_age: number;
  /** The last day on which one can sign. */
  readonly closes: Day | null;
  readonly departments: boolean;
  /** The disclosure board, hex; `null` where there is none. */
  readonly board: string | null;
  readonly day: Day;
};
export type Signed = {
  readonly kind: 'signed';
  readonly petition: string;
  readonly nym: Nym;
  readonly department: string | null;
  /** SHA-256 of the sealed evidence, base64url. */
  readonly evidence: string | null;
  readonly day: Day;
};
export type Withdrawn = {
  readonly kind: 'withdrawn';
  readonly petition: string;
  readonly nym: Nym;
  readonly evidence: string | null;
  readonly day: Day;
};
export type Invalidated = {
  readonly kind: 'invalidated';
  readonly petition: string;
  readonly nym: Nym;
  readonly ground: Ground;
  readonly day: Day;
};
export type PetitionClosed = {
  readonly kind: 'petition-closed';
  readonly petition: string;
  readonly count: number;
  readonly day: Day;
};
export type PseudonymsDestroyed = {
  readonly kind: 'pseudonyms-destroyed';
  readonly petition: string;
  readonly day: Day;
};
export type IdentityKeys = {
  readonly kind: 'identity-keys';
  readonly issuer: string;
  /** SHA-256 of the JWK Set's bytes, hex. */
  readonly jwks: string;
  readonly day: Day;
};
export type CaseOpened = {
  readonly kind: 'case-opened';
  readonly case: string;
  readonly purpose: 'court-order' | 'audit-sample';
  readonly records: number;
  readonly day: Day;
};
export type CaseEnded = {
  readonly kind: 'case-ended';
  readonly case: string;
  readonly opened: number;
  readonly report: string | null;
  readonly day: Day;
};

export type Entry =
  | PetitionOpened
  | Signed
  | Withdrawn
  | Invalidated
  | PetitionClosed
  | PseudonymsDestroyed
  | IdentityKeys
  | CaseOpened
  | CaseEnded;
export type EntryKind = Entry['kind'];

/** A field's form: what its JSON looks like, to the byte, and the value that it stands for. */
type Form<T> = { readonly json: string; read(json: string): T | undefined };

/** A string whose characters need no escaping. */
function plain<T extends string>(pattern: string): Form<T> {
  return { json: `"(?:${pattern})"`, read: (json) => json.slice(1, -1) as T };
}

function orNull<T>({ json, read }: Form<T>): Form<T | null> {
  return { json: `(?:null|${json})`, read: (value) => (value === 'null' ? null : read(value)) };
}

/** ULID in lowercase: 48 bits of time and 80 of chance, so the first character is at most 7. */
const ID = plain<string>('[0-7][0-9a-hjkmnp-tv-z]{25}');
/** 32 bytes in hex, lowercase. */
const HEX = plain<string>('[0-9a-f]{64}');
/** 32 bytes in base64url without padding, the two unused bits zero. */
const B64URL = plain<string>('[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]');
const NYM = B64URL as Form<string> as Form<Nym>;
/** An issuer of OpenID Connect Discovery §3: host, maybe port and path, no query and no fragment (RFC 3986). */
const ISSUER = plain<string>(
  String.raw`https?://(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?`,
);
const DEPARTMENT = plain<string>(DEPARTMENT_FORM);
const GROUND = plain<Ground>('fraud|court|error');
const PURPOSE = plain<CaseOpened['purpose']>('court-order|audit-sample');
/** Any characters but control characters: then JSON escapes the quotation mark and the backslash, and nothing else. */
const STRING: Form<string> = {
  json: String.raw`"(?:[^"\\\p{Cc}]|\\["\\])*"`,
  read: (json) => json.slice(1, -1).replace(/\\(.)/g, '$1'),
};
const NAME: Form<string> = { ...STRING, json: STRING.json.replace(/\*"$/, '+"') };
const NUMBER: Form<number> = { json: '(?:0|[1-9][0-9]{0,15})', read: parseDecimal };
const BOOLEAN: Form<boolean> = { json: '(?:true|false)', read: (json) => json === 'true' };

let lastDay: Day | undefined;
const DAY: Form<Day> = {
  json: '"[0-9]{4}-[0-9]{2}-[0-9]{2}"',
  // Days of a log come in order, a million times the same: the calendar is asked once for each.
  read: (json) => {
    const text = json.slice(1, -1);
    if (text !== lastDay) lastDay = parseDay(text) ?? lastDay;
    return text === lastDay ? lastDay : undefined;
  },
};

type FieldsOf<E extends Entry> = { readonly [Name in Exclude<keyof E, 'kind'>]: Form<E[Name]> };
type EntryOf<K extends EntryKind> = Extract<Entry, { kind: K }>;

/** Every kind's fields, in the order of its bytes. */
const FIELDS: { readonly [K in EntryKind]: FieldsOf<EntryOf<K>> } = {
  'petition-opened': {
    petition: ID,
    statement: HEX,
    nym_key: B64URL,
    issuer: ISSUER,
    client_id: NAME,
    acr: STRING,
    min_age: NUMBER,
    closes: orNull(DAY),
    departments: BOOLEAN,
    board: orNull(HEX),
    day: DAY,
  },
  signed: { petition: ID, nym: NYM, department: orNull(DEPARTMENT), evidence: orNull(B64URL), day: DAY },
  withdrawn: { petition: ID, nym: NYM, evidence: orNull(B64URL), day: DAY },
  invalidated: { petition: ID, nym: NYM, ground: GROUND, day: DAY },
  'petition-closed': { petition: ID, count: NUMBER, day: DAY },
  'pseudonyms-destroyed': { petition: ID, day: DAY },
  'identity-keys': { issuer: ISSUER, jwks: HEX, day: DAY },
  'case-opened': { case: HEX, purpose: PURPOSE, records: NUMBER, day: DAY },
  'case-ended': { case: HEX, opened: NUMBER, report: orNull(HEX), day: DAY },
};

type Grammar = { readonly fields: readonly (readonly [string, Form<unknown>])[]; readonly pattern: RegExp };

/** The fields of a kind as one expression: order, spelling and absence of anything else are checked in one go. */
const GRAMMARS: ReadonlyMap<string, Grammar> = new Map(
  Object.entries(FIELDS).map(([kind, forms]) => {
    const fields = Object.entries<Form<unknown>>(forms);
    const body = fields.map(([name, { json }]) => `,"${name}":(${json})`).join('');
    return [kind, { fields, pattern: new RegExp(`^\\{"kind":"${kind}"${body}\\}$`, 'u') }];
  }),
);

/** The bytes that the log holds. @throws Malformed when a field is not of its form */
export function encodeEntry(entry: Entry): Uint8Array {
  const given: Readonly<Record<string, unknown>> = entry;
  const ordered: Record<string, unknown> = { kind: entry.kind };
  for (const [name] of GRAMMARS.get(entry.kind)?.fields ?? []) ordered[name] = given[name];
  const bytes = utf8(JSON.stringify(ordered));
  parseEntry(bytes);
  return bytes;
}

/** What keeps an entry out of the log, in words; `undefined` for one that it can hold. */
export function entryProblem(entry: Entry): string | undefined {
  try {
    encodeEntry(entry);
    return undefined;
  } catch (error) {
    if (error instanceof Malformed) return error.message;
    throw error;
  }
}

/** @throws Malformed `entry-length` | `entry-utf8` | `entry-kind` | `entry-form` */
export function parseEntry(bytes: Uint8Array): Entry {
  if (bytes.length > LONGEST_ENTRY) throw new Malformed('entry-length', `${bytes.length} bytes`);
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new Malformed('entry-utf8');
  return readSigned(bytes, text) ?? readByGrammar(text);
}

/** The shorter way for the kind of which there are millions. */
function readSigned(bytes: Uint8Array, text: string): Signed | undefined {
  const places = placeSigned(bytes, 0, bytes.length);
  if (places === undefined) return undefined;
  const { nym, evidence } = places;
  return {
    kind: 'signed',
    petition: petitionAt(text, places),
    nym: text.slice(nym, nym + B64URL_LENGTH) as Nym,
    department: departmentAt(text, places),
    evidence: evidence === -1 ? null : text.slice(evidence, evidence + B64URL_LENGTH),
    day: dayAt(text, places),
  };
}

/** Every kind, by its grammar. @throws Malformed `entry-kind` | `entry-form` */
export function readByGrammar(text: string): Entry {
  const kind = text.slice(9, text.indexOf('"', 9));
  const grammar = GRAMMARS.get(kind);
  if (grammar === undefined) throw new Malformed('entry-kind', JSON.stringify(text.slice(0, 60)));
  const values = grammar.pattern.exec(text);
  if (values === null) throw new Malformed('entry-form', `${kind}: ${firstWrong(kind, grammar, text)}`);
  const entry: Record<string, unknown> = { kind };
  let at = 1;
  for (const [name, { read }] of grammar.fields) {
    const value = read(values[at++] ?? '');
    if (value === undefined) throw new Malformed('entry-form', `${kind}: ${name}`);
    entry[name] = value;
  }
  return entry as Entry;
}

/** The first field at which a text leaves its grammar, for people who look for the fault. */
function firstWrong(kind: string, { fields }: Grammar, text: string): string {
  let pattern = `^\\{"kind":"${kind}"`;
  for (const [name, { json }] of fields) {
    pattern += `,"${name}":${json}(?=[,}])`;
    if (!new RegExp(pattern, 'u').test(text)) return name;
  }
  return 'something follows its last field';
}
