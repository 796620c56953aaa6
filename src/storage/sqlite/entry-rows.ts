/** Log entries as rows. A row keeps the columns that its kind uses; what stands in another table is looked up there. */
import { dayFromNumber } from '../../clock.ts';
import type { Entry, EntryKind, Ground, PetitionOpened } from '../../log/entry.ts';
import type { NymState } from '../../log/nym-table.ts';
import type { LoggedEntry } from '../../log/ports.ts';
import { nymFromBytes } from '../../person/nym.ts';
import { openedEntry, type PetitionId } from '../../petitions/petition.ts';
import type { Signature } from '../../petitions/signature.ts';
import type { Sqlite } from './database.ts';

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

type PetitionColumns = {
  readonly id: string;
  readonly statement: Buffer;
  readonly nymKey: Buffer;
  readonly issuer: string;
  readonly clientId: string;
  readonly acr: string;
  readonly minAge: number;
  readonly closes: number | null;
  readonly departments: number;
};
type JoinedRow = EntryRow & {
  readonly beforeKind: number | null;
  readonly beforeDay: number;
  beforeDepartment: string;
};

/** Reads entries back as they were. */
export function entryReader(database: Sqlite) {
  const client = database.$client;
  const range = client.prepare<[number, number], JoinedRow>(`
    SELECT e.*, b.kind AS beforeKind, b.day AS beforeDay, b.department AS beforeDepartment
    FROM entries e LEFT JOIN entries b ON b."index" = e.previous
    WHERE e."index" >= ? AND e."index" < ? ORDER BY e."index"`);
  const petitionByRef = client.prepare<[number], PetitionColumns>(`
    SELECT id, statement, nym_key AS nymKey, issuer, client_id AS clientId, acr, min_age AS minAge, closes, departments
    FROM petitions WHERE ref = ?`);
  const keysByEntry = client.prepare<[number], { issuer: string; hash: Buffer }>(
    'SELECT issuer, hash FROM identity_keys WHERE entry = ?',
  );
  const ids = new Map<number, string>();

  function idOf(ref: number | null): string {
    const known = ids.get(ref ?? 0);
    if (known !== undefined) return known;
    const id = petitionByRef.get(ref ?? 0)?.id;
    if (id === undefined) throw new RangeError(`no petition ${ref}`);
    ids.set(ref ?? 0, id);
    return id;
  }

  function opened(row: EntryRow): PetitionOpened {
    const petition = petitionByRef.get(row.petition ?? 0);
    if (petition === undefined) throw new RangeError(`no petition ${row.petition}`);
    const { closes, departments, statement } = petition;
    const rules = {
      ...petition,
      id: petition.id as PetitionId,
      statement: { hash: statement },
      closes: closes === null ? undefined : dayFromNumber(closes),
      departments: departments === 1,
    };
    return openedEntry(rules, dayFromNumber(row.day));
  }

  function entryOf(row: EntryRow): Entry {
    try {
      return read(row);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RangeError(`entry ${row.index} cannot be read (${error.message})`);
    }
  }

  function read(row: EntryRow): Entry {
    const day = dayFromNumber(row.day);
    const kind = KINDS[row.kind];
    const evidence = row.evidence?.toString('base64url') ?? null;
    switch (kind) {
      case 'petition-opened':
        return opened(row);
      case 'signed': {
        const nym = nymFromBytes(row.nym ?? Buffer.alloc(0));
        return { kind, petition: idOf(row.petition), nym, department: row.department, evidence, day };
      }
      case 'withdrawn':
        return { kind, petition: idOf(row.petition), nym: nymFromBytes(row.nym ?? Buffer.alloc(0)), evidence, day };
      case 'invalidated': {
        const nym = nymFromBytes(row.nym ?? Buffer.alloc(0));
        return { kind, petition: idOf(row.petition), nym, ground: row.ground as Ground, day };
      }
      case 'petition-closed':
        return { kind, petition: idOf(row.petition), count: row.count ?? -1, day };
      case 'pseudonyms-destroyed':
        return { kind, petition: idOf(row.petition), day };
      case 'identity-keys': {
        const { issuer = '', hash } = keysByEntry.get(row.index) ?? {};
        return { kind, issuer, jwks: hash?.toString('hex') ?? '', day };
      }
      default:
        throw new RangeError(`kind ${row.kind}`);
    }
  }

  return {
    entryOf,
    idOf: (ref: number) => idOf(ref) as PetitionId,
    range: (from: number, to: number): readonly LoggedEntry[] =>
      range.all(from, to).map((row) => ({
        entry: entryOf(row),
        before:
          row.beforeKind === null
            ? undefined
            : nymStateOf({ kind: row.beforeKind, day: row.beforeDay, department: row.beforeDepartment }),
      })),
  };
}
