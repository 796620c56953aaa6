/** Two sites with different petitions and the same people: nothing that either gets, and nothing in the database, ties them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findLeaks, type Secret } from '../fakes/leaks.ts';
import { type Answer, idOf, openSite, type PetitionSite, receiptIn, visitSite } from '../fakes/petition-site.ts';
import { GARDENS, startWorld, type World } from '../fakes/world.ts';

const FORESTS = 'slug: forets\ntitle: Des forêts vivantes\nmin_age: 16\ndepartments: false';
const PEOPLE = Array.from({ length: 12 }, (_, i) => `citoyen-${100 + i}`);

let world: World;
let sites: readonly [PetitionSite, PetitionSite];
const visits: { person: string; site: number; answer: Answer; values: string[] }[] = [];

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'] }); // however long they all take, no row expires meanwhile
  world = await startWorld({ petitions: [GARDENS, FORESTS] });
  sites = [
    await openSite(world, { name: 'Première ville', redirectUri: 'http://localhost:7/retour', petitions: ['jardins'] }),
    await openSite(world, { name: 'Deuxième ville', redirectUri: 'http://localhost:8/retour', petitions: ['forets'] }),
  ];
  const petitions = [await idOf(world, 'jardins'), await idOf(world, 'forets')];
  for (const person of PEOPLE) {
    for (const [index, site] of sites.entries()) {
      const { answer, browser } = await visitSite(world, site, person, { id: petitions[index]! });
      const callback = Object.fromEntries(new URL(browser.page.url).searchParams);
      const seen = [decodeJwt(receiptIn(answer)), decodeJwt(answer.id_token!), answer, callback];
      visits.push({ person, site: index, answer, values: seen.flatMap(leaves) });
    }
  }
});
afterAll(async () => {
  vi.useRealTimers();
  await world.close();
});

/** Every string in what a site got that is long enough to name somebody. */
function leaves(value: unknown): string[] {
  if (typeof value === 'string') return value.length >= 12 ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [];
}

test('what one site gets of a person shares no value with what the other gets, but what is the same for everybody', () => {
  const count = (value: string) =>
    new Set(visits.filter(({ values }) => values.includes(value)).map(({ person }) => person)).size;
  for (const person of PEOPLE) {
    const [first, second] = visits.filter((visit) => visit.person === person);
    const shared = first!.values.filter((value) => second!.values.includes(value) && count(value) < PEOPLE.length);
    expect(shared).toEqual([]);
  }
  const subs = visits.map(({ answer }) => answer.claims()!.sub);
  const nyms = visits.map(({ answer }) => String(decodeJwt(receiptIn(answer)).sub));
  expect(new Set([...subs, ...nyms]).size).toBe(4 * PEOPLE.length);
});

/** Every sixteen bytes in a row. */
function sixteens(bytes: Buffer): string[] {
  return Array.from({ length: bytes.length - 15 }, (_, i) => bytes.toString('latin1', i, i + 16));
}

test('the database holds the rows of all these logins, and none can be read or tied to another', () => {
  const database = new Database(join(world.dataDir, 'journeys.sqlite'), { readonly: true });
  type Row = { id: Buffer; content: Buffer; expires: number };
  const rows = database.prepare<[], Row>('SELECT * FROM provider_rows').all();
  database.close();
  expect(rows.length).toBeGreaterThanOrEqual(2 * visits.length); // a code and a token each
  // Apart from when, which many share, no two rows have a value in common: neither a field nor sixteen bytes of one.
  const pieces = rows.flatMap(({ id, content }) => [id, content]).flatMap(sixteens);
  expect(new Set(pieces).size).toBe(pieces.length);
  const latest = Math.max(...rows.map(({ expires }) => expires));
  expect(latest - Date.now() / 1000).toBeLessThan(10 * 60 - 60); // and a sweep each minute
});

test('no file holds a sub of FranceConnect, a sub of a site, a receipt, a code, a token or a secret', () => {
  const secrets: Secret[] = [
    ...PEOPLE.map((person) => ({
      name: person,
      value: world.franceConnect.subOf(person, world.config.identity.clientId).slice(0, 64),
    })),
    ...sites.map(({ secret, name }) => ({ name: `secret of ${name}`, value: secret })),
    ...visits.flatMap(({ answer, person }) => [
      { name: `sub of ${person}`, value: answer.claims()!.sub },
      { name: `token of ${person}`, value: answer.access_token },
      { name: `receipt of ${person}`, value: receiptIn(answer).split('.')[2]! },
      { name: `id_token of ${person}`, value: answer.id_token!.split('.')[2]! },
    ]),
  ];
  const files = readdirSync(world.dataDir, { withFileTypes: true }).filter((entry) => entry.isFile());
  const places = files.map(({ name }) => ({ name, bytes: readFileSync(join(world.dataDir, name)) }));
  expect(places.map(({ name }) => name)).toEqual(expect.arrayContaining(['paraphe.sqlite', 'journeys.sqlite-wal']));
  expect(findLeaks(places, secrets)).toEqual([]);
  const planted = { name: 'planted', bytes: Buffer.from(visits[0]!.answer.claims()!.sub) };
  expect(findLeaks([planted], secrets)).toEqual([`sub of ${PEOPLE[0]} in planted`]);
});
