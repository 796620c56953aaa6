/**
 * A log that holds many signatures already: loaded past the sequencer, in the order in which people come, so that pages of
 * the database end up as full as they would; whole, with its tiles, its published state and the fold that was kept of it.
 */
import { randomBytes } from 'node:crypto';
import Database from 'better-sqlite3';
import { type Day, dayFromNumber, dayNumber, parisDay } from '../src/clock.ts';
import { encodeEntry } from '../src/log/entry.ts';
import type { FiguresSnapshot } from '../src/log/figures.ts';
import type { LogKey } from '../src/log/log-key.ts';
import { hashing } from '../src/node-crypto.ts';
import { nymFromBytes } from '../src/person/nym.ts';
import { DEPARTMENTS } from '../src/petitions/department.ts';
import { openedEntry, type Petition } from '../src/petitions/petition.ts';
import { formatCheckpoint } from '../src/tlog/checkpoint.ts';
import { formatNote, signNote } from '../src/tlog/note.ts';
import { TileEdge } from '../src/tlog/tile-edge.ts';

const LOAD = 100_000;
const CODES = [...DEPARTMENTS.keys()];

export type Loaded = { readonly nym: Buffer; readonly day: Day; readonly department: string };

/** So many signatures of a petition, evenly from its opening to today and over the départements, counted as they come. */
export class Crowd {
  readonly #petition: Petition;
  readonly #rows: number;
  readonly #first: number;
  readonly #days: number;
  readonly #byDay = new Map<Day, number>();
  readonly #byDepartment = new Map<string, number>();
  #come = 0;

  constructor(petition: Petition, rows: number) {
    this.#petition = petition;
    this.#rows = rows;
    this.#first = dayNumber(petition.opened);
    this.#days = dayNumber(parisDay(new Date())) - this.#first + 1;
  }

  get left(): number {
    return this.#rows - this.#come;
  }

  next(): Loaded {
    const day = dayFromNumber(this.#first + Math.floor((this.#come / this.#rows) * this.#days));
    const department = CODES[this.#come % CODES.length] ?? '';
    this.#come++;
    this.#byDay.set(day, (this.#byDay.get(day) ?? 0) + 1);
    this.#byDepartment.set(department, (this.#byDepartment.get(department) ?? 0) + 1);
    return { nym: randomBytes(32), day, department };
  }

  leafOf({ nym, day, department }: Loaded): Uint8Array {
    const entry = { petition: this.#petition.id, nym: nymFromBytes(nym), department, evidence: null, day };
    return hashing.leaf(encodeEntry({ kind: 'signed', ...entry }));
  }

  figures(): FiguresSnapshot {
    return {
      opened: openedEntry(this.#petition, this.#petition.opened),
      closed: null,
      destroyed: null,
      total: this.#come,
      byDay: [...this.#byDay],
      byDepartment: [...this.#byDepartment],
      withdrawn: 0,
      invalidated: [],
    };
  }
}

/** What a gateway keeps now and then, so that a start folds only what came later. */
export async function published(key: LogKey, edge: TileEdge, petitions: readonly FiguresSnapshot[]) {
  const head = { origin: key.origin, size: edge.size, root: edge.root() };
  const snapshot = JSON.stringify({ size: head.size, day: parisDay(new Date()), petitions, cases: [] });
  return { snapshot, note: formatNote(await signNote(formatCheckpoint(head), [key.signer])) };
}

/**
 * Fills the data file of a gateway that does not run. Durability is off while it loads, and the cache holds everything.
 * @param petitions all that were opened there, in that order; the first of them gets the signatures
 */
export async function fillSqlite(
  file: string,
  rows: number,
  key: LogKey,
  petitions: readonly [Petition, ...Petition[]],
): Promise<void> {
  const database = new Database(file);
  database.pragma('journal_mode = OFF');
  database.pragma('synchronous = OFF');
  database.pragma('cache_size = -2000000');
  const sign = database.prepare('INSERT INTO signatures (petition, nym, entry) VALUES (1, ?, ?)');
  const log = database.prepare(
    'INSERT INTO entries ("index", kind, day, petition, nym, department) VALUES (?, 2, ?, 1, ?, ?)',
  );
  const tile = database.prepare('INSERT OR REPLACE INTO tiles (place, hashes) VALUES (?, ?)');
  const first = database.prepare('SELECT hashes FROM tiles WHERE place = 0').pluck().get() as Buffer;
  const edge = new TileEdge(hashing, petitions.length, [first]);
  const crowd = new Crowd(petitions[0], rows);
  const load = database.transaction((count: number) => {
    for (let i = 0; i < count; i++) {
      const one = crowd.next();
      sign.run(one.nym, edge.size);
      log.run(edge.size, dayNumber(one.day), one.nym, one.department);
      edge.append(crowd.leafOf(one));
    }
    for (const { tile: place, bytes } of edge.takeChanged()) {
      tile.run(Number(place.level) * 2 ** 44 + place.index, bytes);
    }
  });
  while (crowd.left > 0) load(Math.min(LOAD, crowd.left));
  database.prepare('UPDATE log SET size = ?, root = ?').run(edge.size, edge.root());
  const others = petitions.slice(1).map((petition) => new Crowd(petition, 0).figures());
  const { snapshot, note } = await published(key, edge, [crowd.figures(), ...others]);
  database.prepare('INSERT OR REPLACE INTO fold (id, snapshot) VALUES (1, ?)').run(snapshot);
  database.prepare('INSERT OR REPLACE INTO publication (id, checkpoint, at) VALUES (1, ?, 0)').run(note);
  database.pragma('journal_mode = WAL');
  database.close();
}
