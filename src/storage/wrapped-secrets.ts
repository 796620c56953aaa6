/** The secrets that the data hold wrapped: all of them under one key-encryption key. */
import { SetupError } from '../errors.ts';
import type { PetitionId } from '../petitions/petition.ts';
import type { SiteSecrets } from '../provider/site.ts';

export type WrappedSecrets = {
  /** Names that key; `undefined` until it is replaced for the first time. */
  keyId(): Promise<Uint8Array | undefined>;
  /**
   * Puts every secret under another key, as one atomic act, in which nobody adds one.
   * @throws SetupError when they are under a key that is not known, or what `by` throws: nothing has changed then
   */
  rewrap(by: Rewrapping): Promise<void>;
};

export type Rewrapping = {
  /** Whether it can unwrap what is under the key of that name. */
  knows(keyId: Uint8Array): boolean;
  /** Names the other key. */
  readonly to: Uint8Array;
  /** What stands in its place; the same, to be left as it is; `undefined`, to be forgotten. */
  petition(id: PetitionId, wrapped: Uint8Array): Uint8Array | undefined;
  /** `undefined` removes the site. */
  site(secrets: SiteSecrets): SiteSecrets | undefined;
};

/** Whether secrets under a key may be added to data that are under another one, or under none that was ever replaced. */
export function isSameKey(ofData: Uint8Array | null | undefined, keyId: Uint8Array): boolean {
  return ofData == null || Buffer.from(ofData).equals(keyId);
}

/** What a rewrapping rests on: the key that the data are under, and where they have moved. */
export type Standing = { readonly key_id: Uint8Array | null; readonly moved: string | null };

/** @throws SetupError for data that have moved, or are under a key that is not known */
export function checkRewrappable(standing: Standing | undefined, by: Pick<Rewrapping, 'knows'>): void {
  if (standing === undefined || standing.moved !== null)
    throw new SetupError('The data have moved, or there are none.');
  checkKnown(standing.key_id, by);
}

/** @throws SetupError */
export function checkKnown(ofData: Uint8Array | null | undefined, by: Pick<Rewrapping, 'knows'>): void {
  if (ofData == null || by.knows(ofData)) return;
  throw new SetupError(
    'The key-encryption key of these data is not in KEYS_DIR: it was replaced on another machine, whose key folder holds it.',
  );
}
