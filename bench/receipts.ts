/** Receipts verified a second on one connection's worth of work, one after the other, against raw ES256 verification. */
import type { Part } from './part.ts';
import { amount, printFigure, printHeading } from './report.ts';
import { medianOf } from './statistics.ts';

const COUNT = 1000;
const SLICES = 9;

type Timed = { readonly seconds: number; readonly cpu: number };

export async function benchReceipts(verifying: Part): Promise<void> {
  printHeading('Receipts verified (paraphe/verify, with the gateway’s keys at hand)');
  const slices: { receipts: Timed; signatures: Timed; middleware: Timed; jose: Timed }[] = [];
  for (let i = 0; i < SLICES; i++) {
    const receipts = await verifying.ask<Timed>('receipts', { count: COUNT });
    const signatures = await verifying.ask<Timed>('signatures', { count: COUNT });
    const middleware = await verifying.ask<Timed>('middleware', { count: COUNT });
    const jose = await verifying.ask<Timed>('jose', { count: COUNT });
    if (i > 0) slices.push({ receipts, signatures, middleware, jose }); // the first one warms up
  }
  const microseconds = (cpu: number) => amount((cpu / COUNT) * 1000);
  printFigure({
    what: 'one after the other',
    value: COUNT / medianOf(slices, ({ receipts }) => receipts.seconds),
    unit: 'a second',
    floor: { what: 'raw ES256', value: COUNT / medianOf(slices, ({ signatures }) => signatures.seconds) },
    ratio: medianOf(slices, ({ receipts, signatures }) => signatures.seconds / receipts.seconds),
    notes: [
      `${microseconds(medianOf(slices, ({ receipts }) => receipts.cpu))} µs of CPU time on all threads, raw ${microseconds(medianOf(slices, ({ signatures }) => signatures.cpu))}`,
    ],
  });
  printFigure({
    what: 'through a petition site’s middleware',
    value: COUNT / medianOf(slices, ({ middleware }) => middleware.seconds),
    unit: 'a second',
    floor: { what: 'raw jose', value: COUNT / medianOf(slices, ({ jose }) => jose.seconds) },
    ratio: medianOf(slices, ({ middleware, jose }) => jose.seconds / middleware.seconds),
  });
}
