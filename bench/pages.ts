/** A petition's page as anonymous readers get it, against Express sending the same bytes, under the same load. */
import { gzipSync } from 'node:zlib';
import type { Part } from './part.ts';
import { amount, printFigure, printHeading } from './report.ts';
import type { Stage } from './stage.ts';
import { medianOf } from './statistics.ts';

const CONNECTIONS = 32;
const SECONDS = 2.5;
const SLICES = 6;

type Slice = { readonly rate: number; readonly cpu: number };

export type BarePage = { readonly port: number; readonly path: string; readonly bytes: number };

/** Has the bare Express serve the bytes of the gateway's page at the same path. */
export async function serveBarely(stage: Stage, bare: Part): Promise<BarePage> {
  const path = `/petitions/${stage.petitions.department}`;
  const response = await fetch(stage.origin + path, { headers: { 'accept-language': 'fr' } });
  const body = gzipSync(await response.arrayBuffer()); // as the readers ask for it
  const type = response.headers.get('content-type') ?? '';
  const { port } = await bare.ask<{ port: number }>('start', { path, body: body.toString('base64'), type });
  return { port, path, bytes: body.length };
}

export async function benchPages(stage: Stage, bare: Part, page: BarePage, readers: Part): Promise<void> {
  printHeading(
    `Anonymous page views (a petition’s page of ${page.bytes} bytes as gzip, ${CONNECTIONS} connections kept alive)`,
  );
  const gatewayPort = Number(new URL(stage.origin).port);
  const slices: { ours: Slice; theirs: Slice }[] = [];
  for (let i = 0; i < SLICES; i++) {
    const ours = await read(readers, stage.gateway, gatewayPort, page.path);
    const theirs = await read(readers, bare, page.port, page.path);
    if (i > 0) slices.push({ ours, theirs }); // the first one warms up
  }
  printFigure({
    what: 'GET /petitions/:slug',
    value: medianOf(slices, ({ ours }) => ours.rate),
    unit: 'a second',
    floor: { what: 'bare Express, res.send', value: medianOf(slices, ({ theirs }) => theirs.rate) },
    ratio: medianOf(slices, ({ ours, theirs }) => ours.rate / theirs.rate),
    bound: { of: 'ratio', sense: 'least', promise: 0.6, goal: 0.8 },
    notes: [
      `${amount(medianOf(slices, ({ ours }) => ours.cpu))} µs of CPU time a page, bare Express ${amount(medianOf(slices, ({ theirs }) => theirs.cpu))}`,
    ],
  });
}

async function read(readers: Part, server: Part, port: number, path: string): Promise<Slice> {
  const before = await server.ask<number>('cpu');
  const order = { port, host: 'localhost', path, connections: CONNECTIONS, seconds: SECONDS };
  const { pages, seconds } = await readers.ask<{ pages: number; seconds: number }>('read', order);
  return { rate: pages / seconds, cpu: (((await server.ask<number>('cpu')) - before) / pages) * 1000 };
}
