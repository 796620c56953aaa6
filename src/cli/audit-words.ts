/** An audit's report as a person reads it. */
import type { AuditReport, PetitionReport } from '../audit/audit.ts';
import { type Day, dayNumber } from '../clock.ts';

/** @param today for the age of open cases */
export function sayReport(report: AuditReport, today: Day): readonly string[] {
  const { checkpoint, witnesses, remembered, compared, difference, entries } = report;
  const lines: string[] = [];
  if (checkpoint !== null) {
    lines.push(`Log ${checkpoint.origin}, ${checkpoint.size} entries, root ${checkpoint.root}`);
    if (witnesses.length > 0) lines.push(`Cosigned by ${witnesses.join(', ')}`);
  }
  for (const petition of report.petitions) lines.push('', ...sayPetition(petition));
  for (const one of report.open_cases) {
    const age = dayNumber(today) - dayNumber(one.opened);
    lines.push('', `Open case ${one.case}: ${one.purpose}, ${one.records} records, open for ${age} days`);
  }
  lines.push('');
  if (difference !== null) {
    const entry = difference.index === undefined ? '' : `entry ${difference.index}, `;
    if (entries > 0) lines.push(`Counted up to entry ${entries - 1}; these figures prove nothing.`);
    return [...lines, `DOES NOT HOLD (${difference.code}): ${entry}${difference.where}: ${difference.detail}`];
  }
  lines.push(
    compared === null
      ? 'Not compared with any counter: these are the files of a log, no gateway answers there.'
      : `The gateway says the same: ${compared.json} answers in JSON; ${compared.shown} counts on its pages.`,
  );
  if (remembered !== null) lines.push(`Nothing vanished since the log had ${remembered} entries.`);
  return [...lines, 'HOLDS: every signature of the log counts once, and its tiles lead to the signed root.'];
}

function sayPetition(petition: PetitionReport): readonly string[] {
  const { slug, total, withdrawn, invalidated, by_day, by_department, closed, pseudonyms_destroyed } = petition;
  const state = closed === null ? '' : `, closed ${closed}`;
  const name = slug === null ? petition.petition : `${slug} (${petition.petition})`;
  return [
    `${name}, opened ${petition.opened}${state}`,
    `  ${total} signatures, ${withdrawn} withdrawn, ${sayCounts(invalidated, 'none')} invalidated`,
    ...(by_department === null ? [] : [`  by département: ${sayCounts(by_department, 'none')}`]),
    `  by day: ${sayCounts(by_day, 'none')}`,
    ...(pseudonyms_destroyed === null ? [] : [`  pseudonyms destroyed ${pseudonyms_destroyed}`]),
  ];
}

function sayCounts(counts: Readonly<Record<string, number>>, none: string): string {
  const parts = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return parts.length === 0 ? none : parts.map(([key, count]) => `${key} ${count}`).join(', ');
}
