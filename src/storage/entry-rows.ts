/** Log entries as rows, the same in every database. A row keeps the columns that its kind uses; what stands in another table is looked up there. */
import { dayFromNumber } from '../clock.ts';
import type { Entry, EntryKind, Ground, PetitionOpened } from '../log/entry.ts';
import type { NymState } from '../log/nym-table.ts';
import type { LoggedEntry } from '../log/ports.ts';
import { nymFromBytes } from '../person/nym.ts';
import { openedEntry, type PetitionId } from '../petitions/petition.ts';
import type { Signature } from '../petitions/signature.ts';

/** What `kind` stands for; a number keeps its meaning for good. */
const KINDS = [
  undefined,
  'petition-opened',
  'signed',
  'withdrawn',
  'invalidated',
  'petition-closed',
  'pseudonyms-destroyed',
  'identity-keys',
] as const satisfies readonly (EntryKind | undefined)[];

export const SIGNED = KINDS.indexOf('signed');

export function kindNumber(kind: EntryKind): number {
  const number = (KINDS as readonly (EntryKind | undefined)[]).indexOf(kind);
  if (number < 1) throw new RangeError(`no row holds ${kind}`);
  return number;
}

export type EntryRow = {
  readonly index: number;
  readonly kind: number;
  readonly day: number;
  readonly petition: number | null;
  readonly nym: Uint8Array | null;
  readonly department: string | null;
  readonly evidence: Buffer | null;
  readonly ground: Ground | null;
  readonly count: number | null;
  readonly previous: number | null;
};

/** What a kind of entry keeps beside its day. */
export type Columns = Partial<Omit<EntryRow, 'index' | 'kind' | 'day'>>;

export function makeRow(
  index: number,
  kind: Entry['kind'],
  day: number,
  columns: Columns,
  before: EntryRow | undefined,
): EntryRow {
  return {
    index,
    kind: kindNumber(kind),
    day,
    petition: columns.petition ?? null,
    nym: columns.nym ?? null,
    department: columns.department ?? null,
    evidence: columns.evidence ?? null,
    ground: columns.ground ?? null,
    count: columns.count ?? null,
    previous: before?.index ?? null,
  };
}

const STATES = { signed: 'active', withdrawn: 'withdrawn', invalidated: 'invalidated' } as const;

/** The signature as an entry about it leaves it. */
export function signatureOf(row: EntryRow, petition: PetitionId): Signature {
  const kind = KINDS[row.kind];
  if (row.nym === null || kind === undefined || !(kind in STATES)) throw new RangeError(`entry ${row.index}: no nym`);
  return {
    petition,
    nym: nymFromBytes(row.nym),
    state: STATES[kind as keyof typeof STATES],
    department: row.department ?? undefined,
    day: dayFromNumber(row.day),
    index: row.index,
  };
}

/** What a fold knows of the nym of an entry, from the row of that entry. */
export function nymStateOf(row: Pick<EntryRow, 'kind' | 'day' | 'department'>): NymState {
  if (row.kind === SIGNED) return { state: 'active', day: dayFromNumber(row.day), department: row.department };
  return { state: KINDS[row.kind] === 'withdrawn' ? 'withdrawn' : 'invalidated' };
}

export type PetitionColumns = {
  readonly id: string;
  readonly statement: Buffer;
  readonly nymKey: Buffer;
  readonly issuer: string;
  readonly clientId: string;
  readonly acr: string;
  readonly minAge: number;
  readonly closes: number | null;
  readonly departments: boolean;
};

/** What entries need of other tables: a petition's id and what it was opened with, by its `ref`; a JWK Set, by its entry. */
export type Beside = {
  id(ref: number): string | undefined;
  petition(ref: number): PetitionColumns | undefined;
  keys(index: number): { readonly issuer: string; readonly hash: Buffer } | undefined;
};

/** A row, with the one before it about the same nym. */
export type JoinedRow = EntryRow & {
  readonly beforeKind: number | null;
  readonly beforeDay: number;
  readonly beforeDepartment: string | null;
};

export function loggedEntryOf(row: JoinedRow, beside: Beside): LoggedEntry {
  const before =
    row.beforeKind === null
      ? undefined
      : nymStateOf({ kind: row.beforeKind, day: row.beforeDay, department: row.beforeDepartment });
  return { entry: entryOf(row, beside), before };
}

/** An entry as it was. @throws RangeError for a row that is no entry */
export function entryOf(row: EntryRow, beside: Beside): Entry {
  try {
    return read(row, beside);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`entry ${row.index} cannot be read (${error.message})`);
  }
}

function read(row: EntryRow, beside: Beside): Entry {
  const day = dayFromNumber(row.day);
  const kind = KINDS[row.kind];
  const evidence = row.evidence?.toString('base64url') ?? null;
  switch (kind) {
    case 'petition-opened':
      return opened(row, beside);
    case 'signed': {
      const nym = nymFromBytes(row.nym ?? Buffer.alloc(0));
      return { kind, petition: idOf(row, beside), nym, department: row.department, evidence, day };
    }
    case 'withdrawn':
      return { kind, petition: idOf(row, beside), nym: nymFromBytes(row.nym ?? Buffer.alloc(0)), evidence, day };
    case 'invalidated': {
      const nym = nymFromBytes(row.nym ?? Buffer.alloc(0));
      return { kind, petition: idOf(row, beside), nym, ground: row.ground as Ground, day };
    }
    case 'petition-closed':
      return { kind, petition: idOf(row, beside), count: row.count ?? -1, day };
    case 'pseudonyms-destroyed':
      return { kind, petition: idOf(row, beside), day };
    case 'identity-keys': {
      const { issuer = '', hash } = beside.keys(row.index) ?? {};
      return { kind, issuer, jwks: hash?.toString('hex') ?? '', day };
    }
    default:
      throw new RangeError(`kind ${row.kind}`);
  }
}

function idOf({ petition }: EntryRow, beside: Beside): string {
  const id = beside.id(petition ?? 0);
  if (id === undefined) throw new RangeError(`no petition ${petition}`);
  return id;
}

function opened(row: EntryRow, beside: Beside): PetitionOpened {
  const petition = beside.petition(row.petition ?? 0);
  if (petition === undefined) throw new RangeError(`no petition ${row.petition}`);
  const { closes, statement } = petition;
  const rules = {
    ...petition,
    id: petition.id as PetitionId,
    statement: { hash: statement },
    closes: closes === null ? undefined : dayFromNumber(closes),
  };
  return openedEntry(rules, dayFromNumber(row.day));
}
