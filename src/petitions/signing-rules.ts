/** What stands about a person's signature decides what another act on it does; every storage decides by this. */
import type { Invalidation, PetitionOutcome, Recording } from './acts.ts';
import type { Signature } from './signature.ts';

/**
 * What becomes of an act that changes nothing; `undefined` for one that is to be recorded.
 * @param found the signature as it stands, `undefined` where there never was one
 * @param isOpen whether the petition takes signatures
 */
export function outcomeWithoutChange(
  { kind }: Recording | Invalidation,
  found: Signature | undefined,
  isOpen: boolean,
): PetitionOutcome | undefined {
  if (kind === 'signed') {
    if (found?.state === 'active') return { result: 'already-signed', signature: found };
    if (found?.state === 'invalidated') return { result: 'was-invalidated' };
    return isOpen ? undefined : { result: 'petition-closed' };
  }
  if (found?.state === 'active') return undefined;
  if (kind === 'invalidated') return { result: 'not-active' };
  if (found === undefined) return { result: 'not-signed' };
  return found.state === 'invalidated'
    ? { result: 'was-invalidated' }
    : { result: 'already-withdrawn', signature: found };
}
