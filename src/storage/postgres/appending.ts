/**
 * Decides the acts of a batch, in their order. Acts about nyms are decided together: the primary key first says which of
 * the signatures are new, and what stands about the others is read once. The rest is the rules, and no statement.
 */
import { hash } from 'node:crypto';
import { dayFromNumber, dayNumber } from '../../clock.ts';
import type { EntryKind } from '../../log/entry.ts';
import type { Batch, LoggedEntry } from '../../log/ports.ts';
import type {
  Closing,
  Destruction,
  IdentityKeysSeen,
  Invalidation,
  Opening,
  PetitionAct,
  PetitionOutcome,
  Recording,
} from '../../petitions/acts.ts';
import type { PetitionId } from '../../petitions/petition.ts';
import { outcomeWithoutChange } from '../../petitions/signing-rules.ts';
import { type Beside, type Columns, type EntryRow, entryOf, nymStateOf, signatureOf } from '../entry-rows.ts';
import { isSameKey } from '../wrapped-secrets.ts';
import type { Growth, PetitionRef, Standing } from './growth.ts';
import * as statements from './log-statements.ts';

type AboutNym = Recording | Invalidation;

export class Appending {
  readonly growth: Growth;
  readonly #batch: Batch;
  readonly #day: number;
  readonly entries: LoggedEntry[] = [];

  constructor(growth: Growth, batch: Batch) {
    this.growth = growth;
    this.#batch = batch;
    this.#day = dayNumber(batch.day);
  }

  async decide(acts: readonly PetitionAct[]): Promise<readonly PetitionOutcome[]> {
    const outcomes: PetitionOutcome[] = [];
    let together: AboutNym[] = [];
    const record = async () => {
      if (together.length > 0) outcomes.push(...(await this.#record(together)));
      together = [];
    };
    for (const act of acts) {
      if ('nym' in act) together.push(act);
      else {
        await record();
        outcomes.push(await this.#alone(act));
      }
    }
    await record();
    return outcomes;
  }

  async #record(acts: readonly AboutNym[]): Promise<readonly PetitionOutcome[]> {
    const claims = new Set<Standing>();
    const known = new Set<Standing>();
    const asked = acts.map((act) => {
      const standing = this.growth.standing(act.petition, act.nym);
      if (standing.latest === undefined) (act.kind === 'signed' ? claims : known).add(standing);
      return { act, standing };
    });
    const petitions = await this.growth.claim(
      [...claims],
      [...known].filter((standing) => !claims.has(standing)),
      this.#day,
    );
    return asked.map(({ act, standing }) => this.#outcome(act, standing, petitions.get(act.petition)));
  }

  #outcome(act: AboutNym, standing: Standing, petition: PetitionRef | undefined): PetitionOutcome {
    const found = standing.latest && signatureOf(standing.latest, act.petition);
    const unchanged = outcomeWithoutChange(act, found, petition ?? { open: false, destroyed: false });
    if (unchanged !== undefined || petition === undefined) return unchanged ?? { result: 'petition-closed' };
    const department = act.kind === 'signed' ? (act.department ?? null) : null;
    const ground = act.kind === 'invalidated' ? act.ground : null;
    const columns = { petition: petition.ref, nym: standing.nym, department, ground };
    const row = this.#log(act.kind, columns, act.petition, standing);
    if (act.kind === 'invalidated') return { result: 'invalidated' };
    return { result: act.kind, signature: signatureOf(row, act.petition) };
  }

  #alone(act: Opening | Closing | Destruction | IdentityKeysSeen): Promise<PetitionOutcome> {
    switch (act.kind) {
      case 'petition-opened':
        return this.#open(act);
      case 'petition-closed':
        return this.#close(act);
      case 'pseudonyms-destroyed':
        return this.#destroy(act);
      case 'identity-keys':
        return this.#noteKeys(act);
    }
  }

  async #open({ opening, wrappedSecret, keyId }: Opening): Promise<PetitionOutcome> {
    const entry = this.growth.index;
    const log = await this.growth.find<{ key_id: Buffer | null }>(statements.keyId);
    if (!isSameKey(log?.key_id, keyId)) return { result: 'key-replaced' };
    const inserted = await this.growth.find<{ ref: number }>(
      statements.insertPetition,
      opening.id,
      opening.slug,
      opening.statement.title,
      opening.statement.text,
      opening.statement.hash,
      opening.author ?? null,
      JSON.stringify(opening.thresholds),
      opening.closes === undefined ? null : dayNumber(opening.closes),
      opening.minAge,
      opening.departments,
      opening.acr,
      opening.issuer,
      opening.clientId,
      opening.nymKey,
      wrappedSecret,
      entry,
    );
    if (inserted === undefined) {
      // Asked again by someone who was not answered: a crash came between.
      const known = await this.growth.find<{ entry: number; day: number }>(statements.openedAs, opening.id);
      if (known === undefined) return { result: 'slug-taken' };
      return { result: 'opened', opened: dayFromNumber(known.day), entry: known.entry };
    }
    const { statement, nymKey, ...rules } = opening;
    const columns = {
      ...rules,
      statement: Buffer.from(statement.hash),
      nymKey: Buffer.from(nymKey),
      closes: opening.closes === undefined ? null : dayNumber(opening.closes),
    };
    this.#log('petition-opened', { petition: inserted.ref }, opening.id, undefined, { petition: () => columns });
    return { result: 'opened', opened: this.#batch.day, entry };
  }

  async #close({ petition }: Closing): Promise<PetitionOutcome> {
    const ref = (await this.growth.petitions([petition], this.#day)).get(petition)?.ref;
    if (ref === undefined) return { result: 'petition-unknown' };
    const count = this.#batch.total(petition);
    if (!(await this.growth.change(statements.closePetition, this.growth.index, ref))) {
      const closed = await this.growth.find<{ count: number }>(statements.closedWith, ref);
      return { result: 'already-closed', count: closed?.count ?? count };
    }
    this.#log('petition-closed', { petition: ref, count }, petition);
    return { result: 'closed', count };
  }

  async #destroy({ petition }: Destruction): Promise<PetitionOutcome> {
    const found = (await this.growth.petitions([petition], this.#day)).get(petition);
    if (found === undefined) return { result: 'petition-unknown' };
    if (found.destroyed) return { result: 'already-destroyed' };
    if (!found.closed) return { result: 'petition-open' };
    await this.growth.change(statements.destroyPseudonyms, this.growth.index, found.ref);
    this.#log('pseudonyms-destroyed', { petition: found.ref }, petition);
    return { result: 'destroyed' };
  }

  async #noteKeys({ issuer, jwks }: IdentityKeysSeen): Promise<PetitionOutcome> {
    const digest = hash('sha256', jwks, 'buffer');
    if (!(await this.growth.change(statements.insertKeys, digest, issuer, jwks, this.growth.index))) {
      return { result: 'known' };
    }
    this.#log('identity-keys', {}, undefined, undefined, { keys: () => ({ issuer, hash: digest }) });
    return { result: 'noted' };
  }

  /** Adds an entry's row, and the entry as it will be read from it. */
  #log(
    kind: EntryKind,
    columns: Columns,
    id: PetitionId | undefined,
    about?: Standing,
    beside: Partial<Beside> = {},
  ): EntryRow {
    const before = about?.latest && nymStateOf(about.latest);
    const row = this.growth.add(kind, this.#day, columns, about);
    const none = () => undefined;
    this.entries.push({ entry: entryOf(row, { id: () => id, petition: none, keys: none, ...beside }), before });
    return row;
  }
}
