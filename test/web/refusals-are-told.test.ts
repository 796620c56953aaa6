/** What an operator reads of refusals that are nobody's fault. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDiagnostics } from '../../src/diagnostics.ts';
import { Refusal } from '../../src/errors.ts';
import { reportRefusals } from '../../src/web/errors.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function told() {
  const lines: string[] = [];
  const report = reportRefusals(createDiagnostics('info', { write: (line: string) => void lines.push(line) }));
  const read = () => lines.map((line) => JSON.parse(line) as { code: string; reason?: string; since?: number });
  return { report, read };
}

test('a thousand people whom a database keeps waiting are one line, and a second later their number', () => {
  const { report, read } = told();
  const away = () => report(new Refusal('storage-unavailable', 'ECONNREFUSED'));
  for (let i = 0; i < 1000; i++) away();
  report(new Refusal('overloaded', 'queue'));
  vi.advanceTimersByTime(1000);
  away();
  away();
  expect(read()).toMatchObject([
    { code: 'storage-unavailable', reason: 'ECONNREFUSED' },
    { code: 'overloaded', reason: 'queue' },
    { code: 'storage-unavailable', reason: 'ECONNREFUSED', since: 999 },
  ]);
});

test('what a person got wrong is no news, and reasons without end are not remembered', () => {
  const { report, read } = told();
  report(new Refusal('too-young'));
  expect(read()).toEqual([]);
  for (let i = 0; i < 150; i++) report(new Refusal('storage-unavailable', `reason ${i}`));
  expect(read()).toHaveLength(150);
  report(new Refusal('storage-unavailable', 'reason 149'));
  expect(read()).toHaveLength(150);
});
