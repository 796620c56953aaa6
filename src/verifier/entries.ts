/** What an entry that stands in the log has to say of a receipt, and of what the gateway claims. */
import { type Entry, parseEntry } from '../log/entry.ts';
import type { ReceiptClaims } from '../receipt/claims.ts';
import type { PresentLog } from './present-log.ts';
import type { Signature } from './site.ts';
import { type StepOf, step } from './steps.ts';

/** What the gateway says is worth what the entry says that it names. */
export async function judgeState(
  { state, index }: Signature,
  about: { petition: string; nym: string },
  mine: number,
  log: PresentLog,
): Promise<StepOf<'state'>> {
  if (state === 'unknown') return step('state', 'unknown');
  if (typeof index !== 'number' || !Number.isSafeInteger(index)) return step('state', 'unreachable');
  // Its answer may be a moment ahead of the checkpoint that was fetched before it.
  if (index >= log.head.size) return step('state', 'unreachable');
  const read = index < mine ? 'broken' : await log.entryAt(index);
  if (read === 'unreachable') return step('state', 'unreachable');
  const entry = read === 'broken' ? undefined : asEntry(read);
  const named = entry !== undefined && 'nym' in entry && entry.nym === about.nym && entry.petition === about.petition;
  if (!named || STATE_OF[entry.kind] !== state) return step('state', 'contradicted', { index });
  if (state !== 'active') return step('state', state as 'withdrawn' | 'invalidated', { index });
  return step('state', index === mine ? 'active' : 'again', { index });
}

const STATE_OF: Readonly<Partial<Record<Entry['kind'], string>>> = {
  signed: 'active',
  withdrawn: 'withdrawn',
  invalidated: 'invalidated',
};

function asEntry(bytes: Uint8Array): Entry | undefined {
  try {
    return parseEntry(bytes);
  } catch {
    return undefined;
  }
}

/** Whether an entry is the signature that a receipt speaks of. */
export function isOf(bytes: Uint8Array, claims: ReceiptClaims): boolean {
  const entry = asEntry(bytes);
  return (
    entry?.kind === 'signed' &&
    entry.petition === claims.petition &&
    entry.nym === claims.sub &&
    entry.day === claims.day &&
    entry.department === (claims.department ?? null) &&
    entry.evidence === claims.evidence
  );
}
