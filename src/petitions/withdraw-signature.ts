import { Refusal } from '../errors.ts';
import type { Nym } from '../person/nym.ts';
import type { Petition } from './petition.ts';
import type { Register } from './ports.ts';
import type { Signature } from './signature.ts';

/**
 * Withdraws a signature, also after closing: it no longer counts, its pseudonym stays in the count of withdrawals, and
 * the person may sign again while the petition is open. Withdrawing twice is withdrawing once.
 * @throws Refusal `not-signed`, `signature-invalidated`, `pseudonyms-destroyed`; `overloaded`, `storage-unavailable`, `log-stopped`: withdrawing again is safe
 */
export async function withdrawSignature(
  deps: { register: Register },
  petition: Petition,
  nym: Nym,
): Promise<Signature> {
  const recording = { kind: 'withdrawn', petition: petition.id, nym, department: undefined } as const;
  const outcome = await deps.register.record(recording);
  if (outcome.result === 'withdrawn' || outcome.result === 'already-withdrawn') return outcome.signature;
  if (outcome.result === 'pseudonyms-destroyed') throw new Refusal('pseudonyms-destroyed');
  if (outcome.result === 'was-invalidated') throw new Refusal('signature-invalidated');
  throw new Refusal('not-signed', outcome.result);
}
