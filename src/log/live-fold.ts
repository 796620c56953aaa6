/**
 * The fold kept up to date while the log grows. What came before each entry about its nym comes with it from storage, so no
 * nym is remembered here; that storage told the truth is what `fsck` and the recount in the background prove.
 */
import { SetupError } from '../errors.ts';
import type { Figures } from './figures.ts';
import { Fold, type FoldSnapshot } from './fold.ts';
import type { NymMemory, NymState } from './nym-table.ts';
import type { Act, LogFiles, LoggedEntry, LogStore } from './ports.ts';

const PORTION = 4096;

export class LiveFold {
  #before: NymState | undefined;
  readonly #nyms: NymMemory = { get: () => this.#before, set: () => {} };
  #fold = new Fold(this.#nyms);
  readonly #changed = new Set<string>();
  #frozen: ReadonlyMap<string, Figures> = new Map();

  /** The fold of everything that is stored, published or not: from the one that was kept, and the entries behind it. */
  static async ofStored(log: Pick<LogStore<Act, unknown>, 'state' | 'entries'>): Promise<LiveFold> {
    const fold = new LiveFold();
    const state = await log.state();
    if (state?.fold !== undefined) fold.restore(state.fold);
    await fold.catchUp(log, state?.size ?? 0);
    return fold;
  }

  /** Starts from a fold that was kept, instead of from an empty log. */
  restore(snapshot: FoldSnapshot): void {
    this.#fold = new Fold(this.#nyms, snapshot);
    for (const petition of this.#fold.petitions.keys()) this.#changed.add(petition);
  }

  get size(): number {
    return this.#fold.size;
  }

  total(petition: string): number {
    return this.#fold.petitions.get(petition)?.total ?? 0;
  }

  snapshot(): FoldSnapshot {
    return this.#fold.snapshot();
  }

  /** @throws SetupError for an entry that breaks a rule */
  add({ entry, before }: LoggedEntry): void {
    this.#before = before;
    const breach = this.#fold.add(entry);
    if (breach !== undefined) {
      throw new SetupError(
        `Entry ${breach.index} breaks the rule ${breach.rule} (${breach.detail}): run \`paraphe fsck\`; nothing is signed meanwhile.`,
      );
    }
    if ('petition' in entry) this.#changed.add(entry.petition);
  }

  /** Takes the entries up to a size. @throws SetupError when one is missing or breaks a rule */
  async catchUp(files: Pick<LogFiles, 'entries'>, size: number): Promise<void> {
    while (this.size < size) {
      const next = await files.entries(this.size, Math.min(this.size + PORTION, size));
      if (next.length === 0) throw new SetupError(`Entry ${this.size} of the log is missing: run \`paraphe fsck\`.`);
      for (const entry of next) this.add(entry);
    }
  }

  /** The figures as they are now, for good: what was taken before stays as it was. */
  freeze(): ReadonlyMap<string, Figures> {
    if (this.#changed.size === 0) return this.#frozen;
    const frozen = new Map(this.#frozen);
    for (const petition of this.#changed) {
      const figures = this.#fold.petitions.get(petition);
      if (figures !== undefined) frozen.set(petition, copyOf(figures));
    }
    this.#changed.clear();
    this.#frozen = frozen;
    return frozen;
  }

  /** The figures as they were when they were last frozen. */
  get frozen(): ReadonlyMap<string, Figures> {
    return this.#frozen;
  }
}

function copyOf(figures: Figures): Figures {
  return {
    ...figures,
    byDay: new Map(figures.byDay),
    byDepartment: new Map(figures.byDepartment),
    invalidated: new Map(figures.invalidated),
  };
}
