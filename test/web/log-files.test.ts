/** `/log` as anyone fetches it: to the letter of c2sp.org/tlog-tiles, all of what is published and nothing else. */
import { hash } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Entry } from '../../src/log/entry.ts';
import { Fold } from '../../src/log/fold.ts';
import { withRegister } from '../../src/log-writer.ts';
import { hashing } from '../../src/node-crypto.ts';
import type { Nym } from '../../src/person/nym.ts';
import type { PetitionAct } from '../../src/petitions/acts.ts';
import type { PetitionId } from '../../src/petitions/petition.ts';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { rootOf } from '../../src/tlog/merkle.ts';
import { ed25519Verifier, parseVerifierKey } from '../../src/tlog/note.ts';
import { allTiles, decodeBundle, splitTile, tilePath } from '../../src/tlog/tile.ts';
import { nymOf, signed, withdrawn } from '../fakes/acts.ts';
import { dice } from '../fakes/rounds.ts';
import { GARDENS, openTestPetition, startWorld, TRAINS, type World } from '../fakes/world.ts';
import { sha256, verifyEd25519 } from '../tlog/crypto.ts';

let world: World;
const get = (path: string, init: RequestInit = {}) => fetch(world.origin + path, { redirect: 'manual', ...init });

async function bytesAt(path: string): Promise<Uint8Array> {
  const response = await get(path);
  expect([path, response.status]).toEqual([path, 200]);
  return new Uint8Array(await response.arrayBuffer());
}

/** The checkpoint, believed only because of the key at `/log/vkey`. */
async function checkpoint(): Promise<{ origin: string; size: number; root: Uint8Array }> {
  const vkey = parseVerifierKey(sha256, (await (await get('/log/vkey')).text()).trimEnd());
  const note = await bytesAt('/log/checkpoint');
  return (await openCheckpoint(note, vkey.name, [ed25519Verifier(vkey, verifyEd25519)])).checkpoint;
}

async function untilPublished(size: number): Promise<void> {
  while ((await checkpoint()).size !== size) await wait(20);
}

/** Every entry of a log of that size, from its bundles. */
async function entriesOf(size: number): Promise<readonly Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (const tile of allTiles(size)) {
    if (tile.level !== 'entries') continue;
    entries.push(...decodeBundle(await bytesAt(`/log/${tilePath(tile)}`), tile.width));
  }
  return entries;
}

const petitionId = async (slug: string) =>
  ((await (await get(`/api/petitions/${slug}`)).json()) as { id: PetitionId }).id;

/** Leaves acts for the gateway, as a command does, and waits for what becomes of them. */
const record = (acts: readonly PetitionAct[]) =>
  withRegister(
    world.config.storage,
    () => new Date(),
    ({ register }) => register.recordAll(acts),
  );

const jsonOf = async (path: string) => (await (await get(path)).json()) as Record<string, unknown>;

describe('a log of some entries', () => {
  beforeAll(async () => {
    world = await startWorld({ petitions: [GARDENS, TRAINS], env: { PUBLISH_EVERY: '50ms' } });
    const trains = await petitionId('trains');
    const people = Array.from({ length: 300 }, (_, i) => nymOf(`signer ${i}`));
    await record(people.map((nym, i) => signed(nym, ['75', '2A', '974'][i % 3], trains)));
    await record(people.slice(0, 9).map((nym) => withdrawn(nym, trains)));
    await untilPublished(312); // two openings and the provider's keys
  });
  afterAll(() => world.close());

  test('is what its checkpoint says: tiles hold the hashes of the entries, up to the root', async () => {
    const { origin, size, root } = await checkpoint();
    expect(origin).toBe(`${new URL(world.origin).host}/log`);
    const entries = await entriesOf(size);
    const leaves = entries.map((entry) => hashing.leaf(entry));
    expect(rootOf(hashing, leaves)).toEqual(Buffer.from(root));
    for (const tile of allTiles(size)) {
      if (tile.level === 'entries') continue;
      const hashes = splitTile(await bytesAt(`/log/${tilePath(tile)}`), tile.width);
      const span = 256 ** tile.level;
      for (const [i, one] of hashes.entries()) {
        const first = (tile.index * 256 + i) * span;
        expect(Buffer.from(one)).toEqual(Buffer.from(rootOf(hashing, leaves.slice(first, first + span))));
      }
    }
    expect([...allTiles(size)].map(tilePath)).toEqual([
      'tile/0/000',
      'tile/0/001.p/56',
      'tile/1/000.p/1',
      'tile/entries/000',
      'tile/entries/001.p/56',
    ]);
  });

  test('holds the contract’s bytes, and they fold to the public figures', async () => {
    const entries = await entriesOf((await checkpoint()).size);
    const fold = new Fold();
    for (const bytes of entries) {
      expect(JSON.stringify(JSON.parse(Buffer.from(bytes).toString('utf8')))).toBe(Buffer.from(bytes).toString('utf8'));
      expect(fold.addBytes(bytes)).toBeUndefined();
    }
    const trains = fold.petitions.get(await petitionId('trains'));
    expect(trains).toMatchObject({ total: 291, withdrawn: 9 });
    expect(await jsonOf('/api/petitions/trains/tally')).toMatchObject({ total: 291, withdrawn: 9 });
    const kinds = entries.map((bytes) => (JSON.parse(Buffer.from(bytes).toString('utf8')) as Entry).kind);
    expect(kinds.slice(0, 3)).toEqual(['petition-opened', 'petition-opened', 'identity-keys']);
  });

  test('serves partial tiles of every width that it has or had, each the beginning of the next', async () => {
    for (const [prefix, widest] of [
      ['tile/0/000', 256],
      ['tile/0/001', 56],
      ['tile/1/000', 1],
    ] as const) {
      const whole = await bytesAt(`/log/${prefix}${widest === 256 ? '' : `.p/${widest}`}`);
      const widths = widest === 256 ? [1, 2, 3, 127, 128, 254, 255] : Array.from({ length: widest }, (_, i) => i + 1);
      for (const width of widths) {
        const narrow = await bytesAt(`/log/${prefix}.p/${width}`);
        expect(Buffer.from(narrow)).toEqual(Buffer.from(whole.subarray(0, width * 32)));
      }
    }
    for (const [index, width] of [
      ['000', 1],
      ['000', 200],
      ['000', 255],
      ['001', 1],
      ['001', 55],
    ] as const) {
      const narrow = decodeBundle(await bytesAt(`/log/tile/entries/${index}.p/${width}`), width);
      const from = index === '000' ? 0 : 256;
      const all = (await entriesOf(312)).slice(from, from + width);
      expect(narrow.map((one) => Buffer.from(one))).toEqual(all.map((one) => Buffer.from(one)));
    }
  });

  test.each([
    '0/001.p/57', // wider than published
    '0/001', // not full yet
    '1/000',
    '1/000.p/2',
    '1/001.p/1',
    '2/000.p/1',
    '0/002.p/1',
    '0/x001/000',
    'entries/001.p/57',
    'entries/001',
    'entries/002.p/1',
    '0/000.p/0', // no tile has these names
    '0/000.p/256',
    '0/000.p/01',
    '0/000.p/-1',
    '0/000.p/1.5',
    '0/000.p/1/',
    '0/000.p',
    '0/000/',
    '0/0',
    '0/00',
    '0/0000',
    '0/x000/000',
    '0/x000',
    '00/000',
    '64/000.p/1',
    '-1/000',
    '%30/000',
    '0/%30%30%30',
    '0/000%2Ep/1',
    'entries//000',
    'Entries/000',
    'entries/000.P/1',
    '0/000;x=1',
    '',
    '0',
    'entries',
    '../../api/petitions/x',
    '..%2f..%2fpackage.json',
    `0/${'x000/'.repeat(500)}000`,
  ])('has nothing at tile/%s', async (path) => {
    const status = await new Promise((resolve, reject) => {
      const { port } = new URL(world.origin);
      const raw = request({ port, host: '127.0.0.1', path: `/log/tile/${path}` }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      raw.on('error', reject).end();
    });
    expect(status).toBe(404);
  });

  test('says what each file is, how long it may be kept, and that anyone may read it, without a cookie', async () => {
    const { size } = await checkpoint();
    const entries = (await entriesOf(size)).map((bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as Entry);
    const opened = entries.find((entry) => entry.kind === 'petition-opened');
    const keys = entries.find((entry) => entry.kind === 'identity-keys');
    const immutable = 'public, max-age=31536000, immutable';
    const plain = 'text/plain; charset=utf-8';
    const files: readonly [string, string, string][] = [
      ['/log/checkpoint', plain, 'public, max-age=1'],
      ['/log/vkey', plain, 'public, max-age=1'],
      ['/log/tile/0/000', 'application/octet-stream', immutable],
      ['/log/tile/0/001.p/3', 'application/octet-stream', immutable],
      ['/log/tile/entries/000', 'application/octet-stream', immutable],
      [`/log/statements/${opened?.statement}`, plain, immutable],
      [`/log/jwks/${keys?.jwks}`, 'application/json', immutable],
    ];
    for (const [path, type, caching] of files) {
      const response = await get(path, { headers: { cookie: 'a=b', 'accept-encoding': 'gzip, br' } });
      const { headers } = response;
      expect([path, response.status]).toEqual([path, 200]);
      expect([path, headers.get('content-type'), headers.get('cache-control')]).toEqual([path, type, caching]);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('cross-origin-resource-policy')).not.toBe('same-origin');
      expect(headers.get('content-encoding')).toBeNull();
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.getSetCookie()).toEqual([]);
      const body = Buffer.from(await response.arrayBuffer());
      if (/statements|jwks/.test(path)) expect(path.endsWith(hash('sha256', body, 'hex'))).toBe(true);

      const head = await get(path, { method: 'HEAD' });
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(body.length)]);
      expect(head.headers.get('content-type')).toBe(type);
      expect(await head.text()).toBe('');
      const again = await get(path, { headers: { 'if-none-match': headers.get('etag') ?? '' } });
      expect(again.status).toBe(304);
      expect((await get(path, { method: 'POST' })).status).toBe(405);
    }
    for (const path of ['/log/statements/', '/log/jwks/'].flatMap((one) => [`${one}${'0'.repeat(64)}`, `${one}x`])) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
    expect((await get(`/log/statements/${opened?.statement.toUpperCase()}`)).status).toBe(404);
  });

  test('every statement and every JWK Set that an entry names is there', async () => {
    for (const bytes of await entriesOf((await checkpoint()).size)) {
      const entry = JSON.parse(Buffer.from(bytes).toString('utf8')) as Entry;
      const path =
        entry.kind === 'petition-opened'
          ? `/log/statements/${entry.statement}`
          : entry.kind === 'identity-keys'
            ? `/log/jwks/${entry.jwks}`
            : undefined;
      if (path !== undefined) expect(path).toContain(hash('sha256', await bytesAt(path), 'hex'));
    }
  });

  test('under signing, JSON is exactly true for the checkpoint it names, and never older than the last one read', async () => {
    const trains = await petitionId('trains');
    const roll = dice();
    const people: Nym[] = [nymOf('late signer 0')];
    const sizes = new Set<number>();
    let recorded = 0;
    let isSigning = true;
    const signing = withRegister(
      world.config.storage,
      () => new Date(),
      async ({ register }) => {
        for (let portions = 0; portions < 10 || sizes.size < 4; portions++) {
          const portion = Array.from({ length: 40 }, (_, i) => nymOf(`late signer ${40 * portions + i}`));
          people.push(...portion);
          await register.recordAll(portion.map((nym) => signed(nym, '75', trains)));
          await register.recordAll(portion.slice(0, 5).map((nym) => withdrawn(nym, trains)));
          recorded += 45;
        }
        isSigning = false;
      },
    );
    type Named = { checkpoint: { origin: string; size: number; root: string } };
    const read: { path: string; nym: Nym | undefined; json: Named & Record<string, unknown> }[] = [];
    while (isSigning) {
      const { size } = await checkpoint();
      const nym = roll(2) === 0 ? undefined : people[roll(people.length)];
      const path = `/api/petitions/trains/${nym === undefined ? 'tally' : `signatures/${nym}`}`;
      const json = (await jsonOf(path)) as (typeof read)[number]['json'];
      expect(json.checkpoint.size).toBeGreaterThanOrEqual(size);
      read.push({ path, nym, json });
      sizes.add(json.checkpoint.size);
    }
    await signing;
    await untilPublished(312 + recorded);
    const entries = await entriesOf(312 + recorded);
    const leaves = entries.map((bytes) => hashing.leaf(bytes));
    const parsed = entries.map((bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as Entry);
    for (const { nym, json } of read) {
      const { size, root, origin } = json.checkpoint;
      expect(origin).toBe(`${new URL(world.origin).host}/log`);
      expect(root).toBe(Buffer.from(rootOf(hashing, leaves.slice(0, size))).toString('base64'));
      const before = parsed.slice(0, size);
      if (nym !== undefined) {
        const index = before.findLastIndex((entry) => 'nym' in entry && entry.nym === nym);
        const states: Record<string, string> = { signed: 'active', withdrawn: 'withdrawn' };
        const state = states[before[index]?.kind ?? ''] ?? 'unknown';
        expect(json).toMatchObject({ state, index: index === -1 ? null : index });
        continue;
      }
      const fold = new Fold();
      for (const entry of before) fold.add(entry);
      const figures = fold.petitions.get(trains);
      expect(json).toMatchObject({
        total: figures?.total,
        withdrawn: figures?.withdrawn,
        by_day: Object.fromEntries(figures?.byDay ?? []),
        by_department: Object.fromEntries(figures?.byDepartment ?? []),
      });
    }
  });
});

describe('what is not published', () => {
  beforeAll(async () => {
    world = await startWorld({ petitions: [TRAINS], env: { PUBLISH_EVERY: '10m' } });
  });
  afterAll(() => world.close());

  test('is not served, until it is: neither entries nor hashes, statements, petitions or figures', async () => {
    const before = await checkpoint();
    expect(before.size).toBe(2); // a start publishes before it listens: the petition that a command had opened is there
    const trains = await petitionId('trains');
    const nym = nymOf('unseen');
    const later = await openTestPetition(world.config, GARDENS);
    await record([signed(nym, '75', trains)]);
    const statement = `/log/statements/${Buffer.from(later.statement.hash).toString('hex')}`;
    const hidden = [
      '/log/tile/0/000.p/3',
      '/log/tile/entries/000.p/3',
      '/log/tile/0/000.p/4',
      statement,
      '/petitions/jardins',
      '/api/petitions/jardins',
      '/api/petitions/jardins/tally',
    ];
    for (const path of hidden) expect([path, (await get(path)).status]).toEqual([path, 404]);
    expect(await checkpoint()).toEqual(before);
    expect(await jsonOf('/api/petitions/trains/tally')).toMatchObject({ total: 0, checkpoint: { size: 2 } });
    expect(await jsonOf(`/api/petitions/trains/signatures/${nym}`)).toMatchObject({ state: 'unknown', index: null });
    const { petitions } = (await jsonOf('/api/petitions')) as { petitions: { slug: string; signatures: number }[] };
    expect(petitions).toMatchObject([{ slug: 'trains', signatures: 0 }]);
    expect(await (await get('/')).text()).not.toContain('jardins');

    await world.restart();
    expect((await checkpoint()).size).toBe(4);
    for (const path of hidden) expect([path, (await get(path)).status]).toEqual([path, 200]);
    expect(await jsonOf('/api/petitions/trains/tally')).toMatchObject({ total: 1, checkpoint: { size: 4 } });
    expect(await jsonOf(`/api/petitions/trains/signatures/${nym}`)).toMatchObject({ state: 'active', index: 3 });
  });
});
