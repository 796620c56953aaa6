/** The storage contract: what every adapter promises, whatever database stands behind it. */
import { hash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Day, parseDay } from '../../src/clock.ts';
import { type Nym, nymFromBytes } from '../../src/person/nym.ts';
import type { Petition, PetitionId } from '../../src/petitions/petition.ts';
import type { Recording, Tally } from '../../src/petitions/signature.ts';
import { makeStatement } from '../../src/petitions/statement.ts';
import type { Storage } from '../../src/storage/open.ts';
import type { JourneyStore } from '../../src/web/ports.ts';

const day = (text: string) => parseDay(text) as Day;
const MONDAY = day('2026-11-16');
const TUESDAY = day('2026-11-17');

export function petitionNamed(slug: string, id: string): Petition {
  return {
    id: id as PetitionId,
    slug,
    statement: makeStatement(`Pétition ${slug}`, 'Nous demandons ceci.'),
    opened: MONDAY,
    closes: day('2027-01-31'),
    closed: undefined,
    minAge: 18,
    departments: true,
    acr: 'eidas1',
    issuer: 'https://idp.example',
    clientId: 'client',
    nymKey: randomBytes(32),
  };
}

const ID = '01m7k8m0n1ew6076n6rar3zv8a' as PetitionId;
const OTHER = '01m7k8m0n1ew6076n6rar3zv8b' as PetitionId;
const newNym = () => nymFromBytes(randomBytes(32));
const signed = (nym: Nym, on = MONDAY, department: string | undefined = '75', petition = ID): Recording => ({
  kind: 'signed',
  petition,
  nym,
  department,
  day: on,
});
const withdrawn = (nym: Nym, on = MONDAY, petition = ID): Recording => ({
  kind: 'withdrawn',
  petition,
  nym,
  department: undefined,
  day: on,
});

export function storageContract(
  name: string,
  open: () => Promise<{ storage: Storage; journeys: JourneyStore; done: () => void }>,
): void {
  describe(`storage on ${name}`, () => {
    let storage: Storage;
    let journeys: JourneyStore;
    let done: () => void;

    beforeEach(async () => {
      ({ storage, journeys, done } = await open());
      await storage.petitions.open(petitionNamed('une', ID), randomBytes(60));
      await storage.petitions.open(petitionNamed('autre', OTHER), randomBytes(60));
    });
    afterEach(() => done());

    const record = async (...batch: Recording[]) =>
      (await storage.signatures.record(batch)).map(({ result }) => result);

    test('a petition comes back as it was opened, by slug and by id', async () => {
      const found = await storage.petitions.findBySlug('une');
      const { nymKey: _, ...expected } = petitionNamed('une', ID);
      expect(found).toMatchObject({
        ...expected,
        statement: { ...expected.statement, hash: Buffer.from(expected.statement.hash) },
      });
      expect(await storage.petitions.findById(ID)).toEqual(found);
      expect(await storage.petitions.findBySlug('aucune')).toBeUndefined();
      expect((await storage.petitions.list()).map(({ slug }) => slug)).toEqual(['autre', 'une']);
    });

    test('a slug is taken once, and its petition stays as it was', async () => {
      const wrapped = await storage.petitions.findWrappedSecret(ID);
      const usurper = petitionNamed('une', '01m7k8m0n1ew6076n6rar3zv8c');
      expect(await storage.petitions.open(usurper, randomBytes(60))).toBe('slug-taken');
      expect((await storage.petitions.findBySlug('une'))?.id).toBe(ID);
      expect(await storage.petitions.findWrappedSecret(ID)).toEqual(wrapped);
    });

    test('someone who signs twice has signed once, and the first département and day stand', async () => {
      const nym = newNym();
      expect(await record(signed(nym, MONDAY, '75'))).toEqual(['signed']);
      expect(await record(signed(nym, TUESDAY, '13'))).toEqual(['already-signed']);
      expect(await storage.signatures.find(ID, nym)).toEqual({
        petition: ID,
        nym,
        state: 'active',
        department: '75',
        day: MONDAY,
      });
      expect((await storage.signatures.tally(ID)).total).toBe(1);
    });

    test('twice in one batch is once, and each gets its answer', async () => {
      const nym = newNym();
      expect(await record(signed(nym), signed(nym), signed(newNym()))).toEqual(['signed', 'already-signed', 'signed']);
    });

    test('one pseudonym in two petitions is two signatures', async () => {
      const nym = newNym();
      expect(await record(signed(nym), signed(nym, MONDAY, '75', OTHER))).toEqual(['signed', 'signed']);
    });

    test('a withdrawn signature no longer counts, and its person may sign again', async () => {
      const nym = newNym();
      await record(signed(nym));
      expect(await record(withdrawn(nym, TUESDAY))).toEqual(['withdrawn']);
      expect(await storage.signatures.find(ID, nym)).toMatchObject({
        state: 'withdrawn',
        department: undefined,
        day: TUESDAY,
      });
      expect(await storage.signatures.tally(ID)).toMatchObject({ total: 0, withdrawn: 1 });
      expect(await record(withdrawn(nym, TUESDAY))).toEqual(['already-withdrawn']);
      expect(await record(signed(nym, TUESDAY, '13'))).toEqual(['signed']);
      expect(await storage.signatures.tally(ID)).toMatchObject({ total: 1, withdrawn: 0 });
    });

    test('nobody withdraws what they have not signed', async () => {
      expect(await record(withdrawn(newNym()))).toEqual(['not-signed']);
    });

    test('a closed petition takes no signature, but lets one go', async () => {
      const nym = newNym();
      await record(signed(nym));
      expect(await storage.petitions.findBySlug('une')).toMatchObject({ closed: undefined });
      expect(await storage.petitions.close(ID, TUESDAY)).toBe('closed');
      expect(await storage.petitions.findBySlug('une')).toMatchObject({ closed: TUESDAY });
      expect(await storage.petitions.close(ID, TUESDAY)).toBe('already-closed');
      expect(await storage.petitions.close('01m7k8m0n1ew6076n6rar3zv8z' as PetitionId, TUESDAY)).toBe('unknown');
      expect(await record(signed(newNym()), signed(nym))).toEqual(['petition-closed', 'already-signed']);
      expect(await record(withdrawn(nym))).toEqual(['withdrawn']);
      expect(await record(signed(nym))).toEqual(['petition-closed']);
    });

    test('a petition that does not exist takes nothing', async () => {
      const unknown = '01m7k8m0n1ew6076n6rar3zv8z' as PetitionId;
      expect(await record(signed(newNym(), MONDAY, '75', unknown))).toEqual(['petition-closed']);
      expect((await storage.signatures.tally(unknown)).total).toBe(0);
    });

    test('whatever happens in whatever batches, the figures are what a count of the acts gives', async () => {
      const people = Array.from({ length: 6 }, (_, i) => nymFromBytes(hash('sha256', `person ${i}`, 'buffer')));
      const act = fc.record({
        person: fc.nat(people.length - 1),
        kind: fc.constantFrom('signed', 'withdrawn'),
        day: fc.constantFrom(MONDAY, TUESDAY),
        department: fc.constantFrom('75', '2A', '99'),
      });
      const state = new Map<Nym, Recording>();
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(act, { maxLength: 8 }), { maxLength: 4 }), async (batches) => {
          for (const batch of batches) {
            const recordings = batch.map(
              ({ person, kind, day: on, department }): Recording =>
                kind === 'signed' ? signed(people[person]!, on, department) : withdrawn(people[person]!, on),
            );
            await storage.signatures.record(recordings);
            for (const recording of recordings) apply(state, recording);
          }
          expect(await storage.signatures.tally(ID)).toEqual(count(state));
          expect((await storage.signatures.totals()).get(ID) ?? 0).toBe(count(state).total);
        }),
        { numRuns: 30 },
      );
    });

    describe('journeys', () => {
      const id = randomBytes(12);

      test('one claim is granted, and it outlives what it was for', async () => {
        const answers = await Promise.all([1, 2, 3].map((now) => journeys.claim(id, now, 2000)));
        expect(answers).toEqual([undefined, 1, 1]);
        await journeys.forget(id, 0);
        expect(await journeys.claim(id, 9, 2000)).toBe(1);
        await journeys.sweep(2001);
        expect(await journeys.claim(id, 2002, 4000)).toBeUndefined();
      });

      test('content is replaced, expires, is forgotten and is swept', async () => {
        await journeys.save(id, Buffer.from('one'), 100);
        await journeys.save(id, Buffer.from('two'), 200);
        expect(await journeys.find(id, 199)).toEqual(Buffer.from('two'));
        expect(await journeys.find(id, 200)).toBeUndefined();
        await journeys.forget(id, 150);
        expect(await journeys.find(id, 149)).toEqual(Buffer.from('two'));
        expect(await journeys.find(id, 150)).toBeUndefined();
        await journeys.forget(id, 170);
        expect(await journeys.find(id, 150)).toBeUndefined();
        await journeys.save(id, Buffer.from('three'), 300);
        await journeys.sweep(300);
        expect(await journeys.find(id, 0)).toBeUndefined();
      });
    });
  });
}

/** The rules, written a second time as a fold. */
function apply(state: Map<Nym, Recording>, recording: Recording): void {
  const before = state.get(recording.nym);
  if (recording.kind === 'signed' && before?.kind !== 'signed') state.set(recording.nym, recording);
  if (recording.kind === 'withdrawn' && before?.kind === 'signed') state.set(recording.nym, recording);
}

function count(state: ReadonlyMap<Nym, Recording>): Tally {
  const active = [...state.values()].filter(({ kind }) => kind === 'signed');
  const by = <K>(key: (recording: Recording) => K) =>
    active.reduce((counts, one) => counts.set(key(one), (counts.get(key(one)) ?? 0) + 1), new Map<K, number>());
  return {
    total: active.length,
    byDay: by((one) => one.day),
    byDepartment: by((one) => one.department ?? ''),
    withdrawn: state.size - active.length,
    invalidated: new Map(),
  };
}
