/**
 * The rules of the log once more, as slowly and as plainly as possible: every question is answered by looking at all
 * earlier entries. Shares nothing with the fold but the entries' types.
 */
import type { Entry } from '../../src/log/entry.ts';

type About = Extract<Entry, { petition: string }>;

export function naiveBreach(entries: readonly Entry[]): { index: number; rule: string } | null {
  for (const [index, entry] of entries.entries()) {
    const rule = naiveRule(entry, entries.slice(0, index));
    if (rule !== undefined) return { index, rule };
  }
  return null;
}

/** The rule that an entry breaks behind others that break none. */
export function naiveRule(entry: Entry, before: readonly Entry[]): string | undefined {
  if (before.some(({ day }) => day > entry.day)) return 'day-decreases';
  if (entry.kind === 'case-ended') {
    if (!before.some((one) => one.kind === 'case-opened' && one.case === entry.case)) return 'case-not-opened';
    if (before.some((one) => one.kind === 'case-ended' && one.case === entry.case)) return 'case-ended-twice';
  }
  if (!('petition' in entry)) return undefined;
  const story = before.filter((one): one is About => 'petition' in one && one.petition === entry.petition);
  const has = (kind: Entry['kind']) => story.some((one) => one.kind === kind);
  if (!has('petition-opened')) return entry.kind === 'petition-opened' ? undefined : 'petition-not-opened';
  if (has('pseudonyms-destroyed')) return 'petition-destroyed';
  if (entry.kind === 'petition-opened') return 'petition-opened-twice';
  if (entry.kind === 'petition-closed') {
    if (has('petition-closed')) return 'petition-closed-twice';
    return entry.count === active(story).length ? undefined : 'petition-count-wrong';
  }
  if (entry.kind === 'signed') {
    if (has('petition-closed')) return 'signed-after-closing';
    const opened = story.find((one) => one.kind === 'petition-opened');
    if (opened?.closes != null && entry.day > opened.closes) return 'signed-after-last-day';
    if (last(story, entry.nym)?.kind === 'signed') return 'signed-twice';
    const struck = story.some((one) => one.kind === 'invalidated' && one.nym === entry.nym);
    return struck ? 'signed-after-invalidation' : undefined;
  }
  if (entry.kind === 'withdrawn' || entry.kind === 'invalidated') {
    return last(story, entry.nym)?.kind === 'signed' ? undefined : `${entry.kind}-not-active`;
  }
  return undefined;
}

function last(story: readonly About[], nym: string) {
  return story.findLast((one) => 'nym' in one && one.nym === nym);
}

function active(story: readonly About[]) {
  const nyms = new Set(story.flatMap((one) => ('nym' in one ? [one.nym] : [])));
  return [...nyms].map((nym) => last(story, nym)).filter((one) => one?.kind === 'signed');
}

export function naiveTally(entries: readonly Entry[], petition: string) {
  const story = entries.filter((one): one is About => 'petition' in one && one.petition === petition);
  const nyms = new Set(story.flatMap((one) => ('nym' in one ? [one.nym] : [])));
  const latest = [...nyms].map((nym) => last(story, nym));
  const signed = latest.filter((one) => one?.kind === 'signed');
  const count = (keys: readonly string[]) => {
    const counts: Record<string, number> = {};
    for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
    return counts;
  };
  return {
    total: signed.length,
    by_day: count(signed.map(({ day }) => day)),
    by_department: count(signed.flatMap(({ department }) => (department === null ? [] : [department]))),
    withdrawn: latest.filter((one) => one?.kind === 'withdrawn').length,
    invalidated: count(latest.flatMap((one) => (one?.kind === 'invalidated' ? [one.ground] : []))),
  };
}
