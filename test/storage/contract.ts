/** The storage contract: what every adapter promises, whatever database stands behind it. */
import { hash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Day } from '../../src/clock.ts';
import { SetupError } from '../../src/errors.ts';
import { LiveFold } from '../../src/log/live-fold.ts';
import { LogConflict } from '../../src/log/ports.ts';
import { type Nym, nymFromBytes } from '../../src/person/nym.ts';
import type { PetitionAct, Recording } from '../../src/petitions/acts.ts';
import type { PetitionId } from '../../src/petitions/petition.ts';
import type { Site, SiteId } from '../../src/provider/site.ts';
import type { OpenJourneys, Storage } from '../../src/storage/open.ts';
import type { Rewrapping } from '../../src/storage/wrapped-secrets.ts';
import type { JourneyStore } from '../../src/web/ports.ts';
import { closed, day, invalidated, newNym, opened, PETITION, petitionNamed, signed, withdrawn } from '../fakes/acts.ts';
import { type WrittenLog, writtenLog } from '../fakes/written-log.ts';

const MONDAY = day('2026-11-16');
const TUESDAY = day('2026-11-17');
const ALL = Number.MAX_SAFE_INTEGER;
const ID = PETITION;
const OTHER = '01m7k8m0n1ew6076n6rar3zv8b' as PetitionId;
const KEY = randomBytes(16);
const destroyed = (petition = ID) => ({ kind: 'pseudonyms-destroyed', petition }) as const;

export function storageContract(
  name: string,
  open: () => Promise<{ storage: Storage; waiting: OpenJourneys; done: () => unknown }>,
): void {
  describe(`storage on ${name}`, () => {
    let storage: Storage;
    let journeys: JourneyStore;
    let rows: OpenJourneys['providerRows'];
    let done: () => unknown;
    let log: WrittenLog;

    beforeEach(async () => {
      const opened_ = await open();
      ({ storage, done } = opened_);
      ({ journeys, providerRows: rows } = opened_.waiting);
      log = await writtenLog(storage.log);
      await log.write(MONDAY, opened(petitionNamed('une', ID)));
      await log.write(MONDAY, opened(petitionNamed('autre', OTHER)));
    });
    afterEach(() => done());

    const write = async (on: Day, ...batch: PetitionAct[]) =>
      (await log.write(on, ...batch)).map(({ result }) => result);
    const figures = (petition = ID) => log.fold.freeze().get(petition);

    test('a petition comes back as it was opened, by slug and by id', async () => {
      const found = await storage.petitions.findBySlug('une');
      const { nymKey: _, ...expected } = petitionNamed('une', ID);
      expect(found).toMatchObject({
        ...expected,
        opened: MONDAY,
        closed: undefined,
        destroyed: undefined,
        entry: 0,
        statement: { ...expected.statement, hash: Buffer.from(expected.statement.hash) },
      });
      expect(await storage.petitions.findById(ID)).toEqual(found);
      expect(await storage.petitions.findBySlug('aucune')).toBeUndefined();
      expect((await storage.petitions.list()).map(({ slug }) => slug)).toEqual(['autre', 'une']);
    });

    test('a slug is taken once, and its petition stays as it was', async () => {
      const wrapped = await storage.petitions.findWrappedSecret(ID);
      const usurper = petitionNamed('une', '01m7k8m0n1ew6076n6rar3zv8c');
      expect(await write(MONDAY, opened(usurper))).toEqual(['slug-taken']);
      expect((await storage.petitions.findBySlug('une'))?.id).toBe(ID);
      expect(await storage.petitions.findWrappedSecret(ID)).toEqual(wrapped);
      expect(log.size).toBe(2);
    });

    test('who opens a petition again, because no answer came, learns of its one entry and of its day', async () => {
      expect(await log.write(TUESDAY, opened(petitionNamed('autre', OTHER)))).toEqual([
        { result: 'opened', opened: MONDAY, entry: 1 },
      ]);
      expect(log.size).toBe(2);
    });

    test('someone who signs twice has signed once, and the first département and day stand', async () => {
      const nym = newNym();
      expect(await write(MONDAY, signed(nym, '75'))).toEqual(['signed']);
      expect(await write(TUESDAY, signed(nym, '13'))).toEqual(['already-signed']);
      expect(await storage.signatures.find(ID, nym, ALL)).toEqual({
        petition: ID,
        nym,
        state: 'active',
        department: '75',
        day: MONDAY,
        index: 2,
      });
      expect(figures()?.total).toBe(1);
    });

    test('twice in one batch is once, and each gets its answer', async () => {
      const nym = newNym();
      expect(await write(MONDAY, signed(nym), signed(nym), signed(newNym()))).toEqual([
        'signed',
        'already-signed',
        'signed',
      ]);
      expect(log.size).toBe(4);
    });

    test('one pseudonym in two petitions is two signatures', async () => {
      const nym = newNym();
      expect(await write(MONDAY, signed(nym), signed(nym, '75', OTHER))).toEqual(['signed', 'signed']);
    });

    test('a withdrawn signature no longer counts, and its person may sign again', async () => {
      const nym = newNym();
      await write(MONDAY, signed(nym));
      expect(await write(TUESDAY, withdrawn(nym))).toEqual(['withdrawn']);
      expect(await storage.signatures.find(ID, nym, ALL)).toMatchObject({
        state: 'withdrawn',
        department: undefined,
        day: TUESDAY,
        index: 3,
      });
      expect(figures()).toMatchObject({ total: 0, withdrawn: 1 });
      expect(await write(TUESDAY, withdrawn(nym))).toEqual(['already-withdrawn']);
      expect(await write(TUESDAY, signed(nym, '13'))).toEqual(['signed']);
      expect(figures()).toMatchObject({ total: 1, withdrawn: 0 });
    });

    test('a signature is what the log says of it up to a size, and is found by any of its entries', async () => {
      const nym = newNym();
      await write(MONDAY, signed(nym));
      await write(MONDAY, withdrawn(nym));
      await write(TUESDAY, signed(nym));
      const at = async (size: number) => (await storage.signatures.find(ID, nym, size))?.state;
      expect(await Promise.all([2, 3, 4, 5].map(at))).toEqual([undefined, 'active', 'withdrawn', 'active']);
      for (const index of [2, 3, 4]) {
        expect(await storage.signatures.findByEntry(index, 5)).toMatchObject({ nym, index: 4, state: 'active' });
      }
      expect(await storage.signatures.findByEntry(4, 4)).toBeUndefined();
      expect(await storage.signatures.findByEntry(0, 5)).toBeUndefined();
      expect(await storage.signatures.findByEntry(9, ALL)).toBeUndefined();
    });

    test('an invalidated signature no longer counts, for good', async () => {
      const nym = newNym();
      await write(MONDAY, signed(nym));
      expect(await write(MONDAY, invalidated(nym), invalidated(newNym()))).toEqual(['invalidated', 'not-active']);
      expect(await write(MONDAY, signed(nym))).toEqual(['was-invalidated']);
      expect(await write(MONDAY, withdrawn(nym))).toEqual(['was-invalidated']);
      expect(figures()).toMatchObject({ total: 0, invalidated: new Map([['fraud', 1]]) });
    });

    test('nobody withdraws what they have not signed', async () => {
      expect(await write(MONDAY, withdrawn(newNym()))).toEqual(['not-signed']);
    });

    test('a closed petition takes no signature, but lets one go', async () => {
      const nym = newNym();
      await write(MONDAY, signed(nym));
      expect(await storage.petitions.findBySlug('une')).toMatchObject({ closed: undefined });
      expect(await log.write(TUESDAY, closed())).toEqual([{ result: 'closed', count: 1 }]);
      expect(await storage.petitions.findBySlug('une')).toMatchObject({ closed: TUESDAY });
      expect(await write(TUESDAY, signed(newNym()), signed(nym))).toEqual(['petition-closed', 'already-signed']);
      expect(await write(TUESDAY, withdrawn(nym))).toEqual(['withdrawn']);
      expect(await log.write(TUESDAY, closed())).toEqual([{ result: 'already-closed', count: 1 }]);
      expect(await write(TUESDAY, closed('01m7k8m0n1ew6076n6rar3zv8z' as PetitionId))).toEqual(['petition-unknown']);
      expect(await write(TUESDAY, signed(nym))).toEqual(['petition-closed']);
      expect(await write(TUESDAY, signed(newNym()))).toEqual(['petition-closed']);
      expect(await storage.checkTables()).toEqual([]); // nobody who came too late has left a row
    });

    test('a petition takes signatures until its last day, by the day of the entry', async () => {
      expect(await write(day('2099-12-31'), signed(newNym()))).toEqual(['signed']);
      expect(await write(day('2100-01-01'), signed(newNym()))).toEqual(['petition-closed']);
      expect(await storage.checkTables()).toEqual([]);
    });

    test('a petition that does not exist takes nothing', async () => {
      expect(await write(MONDAY, signed(newNym(), '75', '01m7k8m0n1ew6076n6rar3zv8z' as PetitionId))).toEqual([
        'petition-closed',
      ]);
      expect(log.size).toBe(2);
    });

    test('identity keys are noted once, byte for byte', async () => {
      const jwks = Buffer.from('{ "keys": [] }');
      const seen = (bytes: Uint8Array): PetitionAct => ({
        kind: 'identity-keys',
        issuer: 'https://idp.example',
        jwks: bytes,
      });
      expect(await write(MONDAY, seen(jwks))).toEqual(['noted']);
      expect(await write(TUESDAY, seen(jwks))).toEqual(['known']);
      expect(await write(TUESDAY, seen(Buffer.from('{"keys":[]}')))).toEqual(['noted']);
      expect(await storage.log.jwks(hash('sha256', jwks, 'buffer'))).toEqual({ bytes: jwks, index: 2 });
      expect(await storage.log.jwks(randomBytes(32))).toBeUndefined();
    });

    test('a statement is found by its hash, with its title', async () => {
      const { statement } = petitionNamed('une', ID);
      const found = await storage.log.statement(statement.hash);
      expect(found).toEqual({ bytes: Buffer.from(`${statement.title}\n\n${statement.text}`), index: 0 });
      expect(hash('sha256', found!.bytes, 'buffer')).toEqual(Buffer.from(statement.hash));
    });

    test('a batch that rests on another size is refused, and leaves nothing', async () => {
      const stale = await writtenLog(storage.log);
      await write(MONDAY, signed(newNym()));
      await expect(stale.write(MONDAY, signed(newNym()))).rejects.toThrow(LogConflict);
      expect(await storage.log.entries(0, ALL)).toHaveLength(3);
    });

    test('a batch that fails half-way leaves nothing', async () => {
      const nym = newNym();
      const batch = {
        epoch: 0,
        size: log.size,
        day: MONDAY,
        total: () => 0,
        grow: () => {
          throw new Error('out of memory');
        },
      };
      await expect(storage.log.append(batch, [signed(nym)])).rejects.toThrow('out of memory');
      expect(await storage.signatures.find(ID, nym, ALL)).toBeUndefined();
      expect(await storage.log.entries(0, ALL)).toHaveLength(2);
      expect(await write(MONDAY, signed(nym))).toEqual(['signed']);
    });

    test('what is published, and the fold that was kept, come back as they were', async () => {
      await write(MONDAY, signed(newNym()), signed(newNym()));
      const at = new Date('2026-11-16T10:00:00.123Z');
      await storage.log.publish('a note\n', at, log.fold.snapshot(), 0);
      await storage.log.publish('the next\n', at, undefined, 0);
      expect(await storage.log.state()).toMatchObject({
        size: 4,
        day: MONDAY,
        publication: { checkpoint: 'the next\n', at },
        fold: log.fold.snapshot(),
      });
    });

    test('whatever happens in whatever batches, entries and figures are what a count of the acts gives', async () => {
      const people = Array.from({ length: 6 }, (_, i) => nymFromBytes(hash('sha256', `person ${i}`, 'buffer')));
      const act = fc.record({
        person: fc.nat(people.length - 1),
        kind: fc.constantFrom('signed', 'withdrawn'),
        department: fc.constantFrom('75', '2A', '99'),
      });
      const state = new Map<Nym, Recording & { day: Day }>();
      let on = MONDAY;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(act, { maxLength: 8 }), { maxLength: 4 }), async (batches) => {
          for (const batch of batches) {
            const recordings = batch.map(
              ({ person, kind, department }): Recording =>
                kind === 'signed' ? signed(people[person]!, department) : withdrawn(people[person]!),
            );
            await log.write(on, ...recordings);
            for (const recording of recordings) apply(state, { ...recording, day: on });
          }
          on = TUESDAY;
          expect(figures()).toMatchObject(count(state));
          expect((await LiveFold.ofStored(storage.log)).snapshot()).toEqual(log.fold.snapshot());
        }),
        { numRuns: 30 },
      );
    });

    describe('petition sites', () => {
      const site: Site = {
        id: '01m7k8m0n1ew6076n6rar3zv8s' as SiteId,
        name: 'Ville d’Ys',
        redirectUris: ['https://ys.example/cb', 'https://ys.example/cb2'],
        auth: 'client_secret_basic',
        jwksUri: undefined,
        sealedSecret: randomBytes(71),
        petitions: [ID, OTHER],
        wrappedKey: randomBytes(60),
      };
      const signing: Site = {
        ...site,
        id: '01m7k8m0n1ew6076n6rar3zv8t' as SiteId,
        auth: 'private_key_jwt',
        jwksUri: 'https://ys.example/jwks',
        sealedSecret: undefined,
        petitions: [],
      };

      test('come back as they were registered, change their secret, and go', async () => {
        expect(await storage.sites.add(site, KEY)).toBe(true);
        expect(await storage.sites.add(signing, KEY)).toBe(true);
        expect(await storage.sites.find(site.id)).toEqual(site);
        expect(await storage.sites.list()).toEqual([site, signing]);
        const sealed = randomBytes(71);
        expect(await storage.sites.replaceSecret(site.id, sealed, KEY)).toBe('replaced');
        expect(await storage.sites.find(site.id)).toEqual({ ...site, sealedSecret: sealed });
        expect(await storage.sites.remove(site.id)).toBe(true);
        expect(await storage.sites.remove(site.id)).toBe(false);
        expect(await storage.sites.replaceSecret(site.id, sealed, KEY)).toBe('site-unknown');
        expect(await storage.sites.find(site.id)).toBeUndefined();
      });

      test('and petitions get their secrets rewrapped together, all but one, and take none under a key that the data have left', async () => {
        const [first, next] = [randomBytes(16), randomBytes(16)];
        const sealedSecret = randomBytes(71);
        await storage.sites.add({ ...site, sealedSecret }, first);
        await storage.sites.add(signing, first);
        const kept = await storage.petitions.findWrappedSecret(ID);
        const other = await storage.petitions.findWrappedSecret(OTHER);
        const marked = (bytes: Uint8Array) => Buffer.concat([Buffer.from('next'), bytes]);
        const by: Rewrapping = {
          knows: () => true,
          to: next,
          petition: (id, wrapped) => (id === ID ? wrapped : marked(wrapped)),
          site: ({ id, wrappedKey, sealedSecret: sealed }) => ({
            id,
            wrappedKey: marked(wrappedKey),
            sealedSecret: sealed && marked(sealed),
          }),
        };
        expect(await storage.secrets.keyId()).toBeUndefined();
        const fails = () => {
          throw new SetupError('a secret does not unwrap');
        };
        await expect(storage.secrets.rewrap({ ...by, site: fails })).rejects.toThrow('does not unwrap');
        expect(await storage.petitions.findWrappedSecret(OTHER)).toEqual(other);
        expect(await storage.secrets.keyId()).toBeUndefined();

        await storage.secrets.rewrap(by);
        expect(await storage.secrets.keyId()).toEqual(next);
        expect(await storage.petitions.findWrappedSecret(ID)).toEqual(kept);
        expect(await storage.petitions.findWrappedSecret(OTHER)).toEqual(marked(other!));
        expect(await storage.sites.find(site.id)).toMatchObject({
          wrappedKey: marked(site.wrappedKey),
          sealedSecret: marked(sealedSecret),
        });
        expect(await storage.sites.find(signing.id)).toMatchObject({ sealedSecret: undefined });

        const third = { ...opened(petitionNamed('trois', '01m7k8m0n1ew6076n6rar3zv8d')), keyId: first };
        expect(await write(MONDAY, third)).toEqual(['key-replaced']);
        expect(log.size).toBe(2);
        expect(await storage.sites.add({ ...site, id: '01m7k8m0n1ew6076n6rar3zv8u' as SiteId }, first)).toBe(false);
        expect(await storage.sites.replaceSecret(site.id, randomBytes(71), first)).toBe('key-replaced');
        expect(await storage.sites.list()).toHaveLength(2);
        expect(await write(MONDAY, { ...third, keyId: next })).toEqual(['opened']);
        expect(await storage.sites.replaceSecret(site.id, randomBytes(71), next)).toBe('replaced');
        await expect(storage.secrets.rewrap({ ...by, knows: (id) => first.equals(id) })).rejects.toThrow(
          'replaced on another machine',
        );

        await storage.secrets.rewrap({ ...by, petition: () => undefined, site: () => undefined });
        expect(await storage.petitions.findWrappedSecret(ID)).toBeUndefined();
        expect(await storage.sites.list()).toEqual([]);
      });
    });

    describe('a petition whose pseudonyms are destroyed', () => {
      test('was closed before, keeps its signatures, and takes nothing any more', async () => {
        const [nym, gone] = [newNym(), newNym()];
        await write(MONDAY, signed(nym), signed(gone));
        await write(MONDAY, withdrawn(gone));
        expect(await write(MONDAY, destroyed())).toEqual(['petition-open']);
        expect(await write(MONDAY, closed(ID))).toEqual(['closed']);
        expect(await storage.petitions.findWrappedSecret(ID)).toBeDefined();
        const { size } = log;
        expect(await write(TUESDAY, destroyed())).toEqual(['destroyed']);
        expect(log.size).toBe(size + 1);
        expect(await storage.petitions.findBySlug('une')).toMatchObject({ closed: MONDAY, destroyed: TUESDAY });
        expect(await storage.petitions.findWrappedSecret(ID)).toBeUndefined();
        expect(await storage.petitions.findWrappedSecret(OTHER)).toBeDefined();

        expect(await write(TUESDAY, destroyed())).toEqual(['already-destroyed']);
        expect(await write(TUESDAY, withdrawn(nym))).toEqual(['pseudonyms-destroyed']);
        expect(await write(TUESDAY, withdrawn(gone), invalidated(nym))).toEqual([
          'pseudonyms-destroyed',
          'pseudonyms-destroyed',
        ]);
        expect(await write(TUESDAY, signed(nym), signed(newNym()))).toEqual(['already-signed', 'petition-closed']);
        expect(await write(TUESDAY, closed(ID), destroyed('01m7k8m0n1ew6076n6rar3zv8e' as PetitionId))).toEqual([
          'already-closed',
          'petition-unknown',
        ]);
        expect(log.size).toBe(size + 1);
        expect(figures()).toMatchObject({ total: 1, withdrawn: 1, destroyed: TUESDAY });
        expect(await storage.checkTables()).toEqual([]);
      });
    });

    describe('the provider’s rows', () => {
      const [id, other] = [randomBytes(32), randomBytes(32)];

      test('are kept until they expire, and swept', async () => {
        await rows.save(id, Buffer.from('one'), 100);
        await rows.save(id, Buffer.from('two'), 200);
        expect(await rows.find(id, 199)).toEqual({ content: Buffer.from('two'), consumed: undefined });
        expect(await rows.find(id, 200)).toBeUndefined();
        await rows.sweep(199);
        expect(await rows.find(id, 100)).toBeDefined();
        await rows.sweep(200);
        expect(await rows.find(id, 100)).toBeUndefined();
      });

      test('are consumed once, whoever else comes at the same instant', async () => {
        await rows.save(id, Buffer.from('code'), 200);
        const answers = await Promise.all([1, 2, 3, 4].map((now) => rows.consume(id, now)));
        expect(answers.filter(Boolean)).toHaveLength(1);
        expect((await rows.find(id, 100))?.consumed).toBeGreaterThan(0);
        expect(await rows.consume(other, 5)).toBe(false);
      });

      test('are removed one by one, and as many as there are at one instant', async () => {
        const ids = Array.from({ length: 20 }, () => randomBytes(32));
        await Promise.all(ids.map((name, i) => rows.save(name, Buffer.from(`row ${i}`), 200)));
        expect(await Promise.all(ids.map((name) => rows.find(name, 100)))).toEqual(
          ids.map((_, i) => ({ content: Buffer.from(`row ${i}`), consumed: undefined })),
        );
        await rows.remove(id);
        expect(await rows.find(id, 100)).toBeUndefined();
        expect(await rows.find(ids[0]!, 100)).toBeDefined();
        await Promise.all(ids.map((name) => rows.remove(name)));
        expect(await Promise.all(ids.map((name) => rows.find(name, 100)))).toEqual(ids.map(() => undefined));
      });
    });

    describe('journeys', () => {
      const id = randomBytes(12);

      test('one claim is granted, and it outlives what it was for', async () => {
        const answers = await Promise.all([1, 2, 3].map((now) => journeys.claim(id, now, 2000)));
        const winner = answers.indexOf(undefined) + 1;
        expect(answers).toEqual([1, 2, 3].map((now) => (now === winner ? undefined : winner)));
        await journeys.forget(id, 0);
        expect(await journeys.claim(id, 9, 2000)).toBe(winner);
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
        expect([await journeys.count(299, 10), await journeys.count(300, 10)]).toEqual([1, 0]);
        await journeys.save(randomBytes(12), Buffer.from('another'), 300);
        expect([await journeys.count(299, 10), await journeys.count(299, 1)]).toEqual([2, 1]);
        await journeys.sweep(300);
        expect(await journeys.find(id, 0)).toBeUndefined();
      });
    });
  });
}

/** The rules, written a second time as a fold. */
function apply<R extends Recording>(state: Map<Nym, R>, recording: R): void {
  const before = state.get(recording.nym);
  if (recording.kind === 'signed' && before?.kind !== 'signed') state.set(recording.nym, recording);
  if (recording.kind === 'withdrawn' && before?.kind === 'signed') state.set(recording.nym, recording);
}

function count(state: ReadonlyMap<Nym, Recording & { day: Day }>) {
  const active = [...state.values()].filter(({ kind }) => kind === 'signed');
  const by = <K>(key: (recording: Recording & { day: Day }) => K) =>
    active.reduce((counts, one) => counts.set(key(one), (counts.get(key(one)) ?? 0) + 1), new Map<K, number>());
  return {
    total: active.length,
    byDay: by((one) => one.day),
    byDepartment: by((one) => one.department ?? ''),
    withdrawn: state.size - active.length,
  };
}
