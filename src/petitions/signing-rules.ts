/** What stands about a person's signature decides what another act on it does; every storage decides by this. */
import type { Invalidation, PetitionOutcome, Recording } from './acts.ts';
import type { Signature } from './signature.ts';

/** What a petition takes: signatures while it is open; withdrawals and invalidations until its pseudonyms are destroyed. */
export type Takes = { readonly open: boolean; readonly destroyed: boolean };

/**
 * What becomes of an act that changes nothing; `undefined` for one that is to be recorded.
 * @param found the signature as it stands, `undefined` where there never was one
 */
export function outcomeWithoutChange(
  { kind }: Recording | Invalidation,
  found: Signature | undefined,
  petition: Takes,
): PetitionOutcome | undefined {
  if (kind === 'signed') {
    if (found?.state === 'active') return { result: 'already-signed', signature: found };
    if (found?.state === 'invalidated') return { result: 'was-invalidated' };
    return petition.open ? undefined : { result: 'petition-closed' };
  }
  if (petition.destroyed) return { result: 'pseudonyms-destroyed' };
  if (found?.state === 'active') return undefined;
  if (kind === 'invalidated') return { result: 'not-active' };
  if (found === undefined) return { result: 'not-signed' };
  return found.state === 'invalidated'
    ? { result: 'was-invalidated' }
    : { result: 'already-withdrawn', signature: found };
}
