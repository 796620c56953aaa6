import type { Day } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { Nym } from '../person/nym.ts';
import type { Petition } from './petition.ts';
import type { Recorder } from './recorder.ts';
import type { Signature } from './signature.ts';

/**
 * Withdraws a signature, also after closing: it no longer counts, its pseudonym stays in the count of withdrawals, and
 * the person may sign again while the petition is open. Withdrawing twice is withdrawing once.
 * @throws Refusal `not-signed`, `overloaded`, `storage-unavailable`; then nothing was recorded
 */
export async function withdrawSignature(
  deps: { recorder: Recorder },
  petition: Petition,
  nym: Nym,
  today: Day,
): Promise<Signature> {
  const recording = { kind: 'withdrawn', petition: petition.id, nym, department: undefined, day: today } as const;
  const outcome = await deps.recorder.record(recording);
  if (outcome.signature === undefined) throw new Refusal('not-signed', outcome.result);
  return outcome.signature;
}
